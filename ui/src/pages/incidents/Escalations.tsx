import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { escalations, type EscalationPolicy, type Standing } from '../../api/escalations';
import { useT } from '../../i18n';
import { useSummary } from '../../stock';
import { useTime } from '../../time/state';
import { below } from '../../ui/address';
import { Ago, Card, Empty, Failed, Loading, Page, StateMark } from '../../ui/parts';
import { severityTone } from '../../ui/tone';
import { StandMark, StepText, When, Whom } from './stand';
import { IncidentTabs } from './Tabs';

const m = {
  title: { en: 'Escalations', zh: '升级' },
  quiet: { en: 'Nothing is open; nobody is called.', zh: '没有未结事件，无人被呼叫。' },
  nextShown: { en: '{n} open; of those shown, the next call is for #{id}, to {who}.', zh: '未结 {n} 个；已显示的事件中，下一次呼叫为 #{id}，对象：{who}。' },
  next: { en: '{n} open; the next call is for #{id}, to {who}.', zh: '未结 {n} 个；下一次呼叫为 #{id}，对象：{who}。' },
  stopped: { en: '{n} open; nobody else is called.', zh: '未结 {n} 个；不再呼叫任何人。' },
  unheard: { en: 'Without a policy, or at its end: {n}.', zh: '其中 {n} 个没有策略或策略已执行完。' },
  nobody: { en: 'nobody', zh: '无人' },
  incident: { en: 'Incident', zh: '事件' },
  severity: { en: 'Severity', zh: '级别' },
  opened: { en: 'Opened', zh: '创建' },
  policy: { en: 'Policy', zh: '策略' },
  state: { en: 'State', zh: '状态' },
  step: { en: 'Next step', zh: '下一步' },
  nth: { en: 'Step {n}', zh: '第 {n} 步' },
  when: { en: 'When', zh: '时间' },
  whom: { en: 'Whom', zh: '对象' },
  none: { en: 'No incident is open', zh: '没有未结事件' },
  noneWhy: { en: 'Escalation begins when an alert opens an incident that one of the policies is for.', zh: '告警创建事件且有适用的策略时，升级即开始。' },
  older: { en: 'Show older ones', zh: '显示更早的' },
  policies: { en: 'Policies, in the order in which they are tried', zh: '策略（按匹配顺序）' },
  noPolicies: { en: 'There is no policy: nobody is called beyond the routes of alertmanager.yml', zh: '没有升级策略：除 alertmanager.yml 的路由外不会呼叫任何人' },
  how: { en: 'Write a section escalations into touchline.yaml, then check it:', zh: '在 touchline.yaml 中填写 escalations，然后检查：' },
  any: { en: 'all alerts', zh: '所有告警' },
};

/** Escalations says of every open incident who is called next, and what the policies are. */
export function Escalations(): ReactNode {
  const t = useT();
  const { zone, tick } = useTime();
  const q = useInfiniteQuery({
    queryKey: ['escalations', tick], queryFn: ({ pageParam, signal }) => escalations(pageParam, signal),
    initialPageParam: '', getNextPageParam: (last) => last.next_cursor, refetchInterval: 2000, placeholderData: (old) => old,
  });
  const list = q.data?.pages.flatMap((p) => p.escalations) ?? [];
  const policies = q.data?.pages[0]?.policies ?? [];
  const due = list.filter((s) => s.next).sort((a, b) => Date.parse(a.next!.at) - Date.parse(b.next!.at));
  const soonest = due[0];
  const unheard = list.filter((s) => s.state === 'none' || s.state === 'exhausted').length;
  const who = soonest?.next?.on_call?.join(', ') || soonest?.next?.receivers?.join(', ') || t(m.nobody);
  // There may be more than has been loaded.
  const n = `${list.length}${q.hasNextPage ? '+' : ''}`;
  const sentence = !q.data ? undefined : list.length === 0 ? t(m.quiet) : `${soonest ? t(q.hasNextPage ? m.nextShown : m.next, { n, id: soonest.incident, who }) : t(m.stopped, { n })}${unheard > 0 ? ` ${t(m.unheard, { n: unheard })}` : ''}`;
  return (
    <>
      <IncidentTabs />
      <Page title={t(m.title)} sentence={sentence}>
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!q.data ? !q.error && <Loading height={360} /> : (
          <div className="grid">
            <Card columns={12} flush>
              {list.length === 0 ? <Empty title={t(m.none)}><span>{t(m.noneWhy)}</span></Empty> : <Table list={[...due, ...list.filter((s) => !s.next)]} zone={zone} />}
              {q.hasNextPage && <div style={{ padding: 10, textAlign: 'center' }}><Button variant="default" loading={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>{t(m.older)}</Button></div>}
            </Card>
            <Card columns={12} flush title={t(m.policies)}><Policies policies={policies} /></Card>
          </div>
        )}
      </Page>
    </>
  );
}

function Table({ list, zone }: { list: Standing[]; zone: string }): ReactNode {
  const t = useT();
  const summary = useSummary();
  const none = <span className="muted">–</span>;
  return (
    <div className="table-scroll">
      <table className="table as-cards">
        <thead><tr><th>{t(m.incident)}</th><th>{t(m.severity)}</th><th>{t(m.opened)}</th><th>{t(m.policy)}</th><th>{t(m.state)}</th><th>{t(m.step)}</th><th>{t(m.when)}</th><th>{t(m.whom)}</th></tr></thead>
        <tbody>
          {list.map((s) => (
            <tr key={s.incident}>
              <td data-name={t(m.incident)} style={{ overflowWrap: 'anywhere' }}><Link {...below(`/incidents/${s.incident}`)}><span className="muted">#{s.incident}</span> <b>{summary(s.title)}</b></Link></td>
              <td data-name={t(m.severity)}><StateMark tone={severityTone(s.severity)}>{s.severity}</StateMark></td>
              <td data-name={t(m.opened)}><Ago at={s.opened_at} /></td>
              <td data-name={t(m.policy)}>{s.policy ?? none}</td>
              <td data-name={t(m.state)}><StandMark of={s} /></td>
              <td data-name={t(m.step)}>{s.next ? t(m.nth, { n: s.next.step }) : none}</td>
              <td data-name={t(m.when)}>{s.next ? <span><When at={s.next.at} zone={zone} /></span> : none}</td>
              <td data-name={t(m.whom)}>{s.next ? <Whom next={s.next} /> : none}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Policies({ policies }: { policies: EscalationPolicy[] }): ReactNode {
  const t = useT();
  if (policies.length === 0) return <Empty title={t(m.noPolicies)}><span>{t(m.how)}</span><code>touchline check touchline.yaml</code></Empty>;
  return (
    <ol style={{ listStyle: 'none', margin: 0, padding: 0 }}>
      {policies.map((p) => (
        <li key={p.name} style={{ padding: '8px 12px', borderTop: '1px solid var(--line)' }}>
          <b>{p.name}</b> <code style={{ overflowWrap: 'anywhere' }}>{p.match.join(', ') || t(m.any)}</code>
          <ol style={{ margin: '4px 0 0', paddingLeft: 22 }}>{p.steps.map((s, n) => <li key={n}><StepText step={s} /></li>)}</ol>
        </li>
      ))}
    </ol>
  );
}
