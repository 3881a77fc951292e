import { Button, Select, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Fragment, type ReactNode, useState } from 'react';

import { backtest, type BacktestExample, type BacktestFigures, type BacktestReport, type BacktestRule } from '../../api/backtest';
import { ruleGroups } from '../../api/prometheus';
import { type Message, useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { useTime } from '../../time/state';
import { useAddress } from '../../ui/address';
import { clock, digits, span } from '../../ui/format';
import { Card, Empty, Failed, LabelList, Loading, Notice, Page, StateMark } from '../../ui/parts';
import type { Tone } from '../../ui/tone';
import { ruleFileYAML } from './ruleFile';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Backtest', zh: '回测' },
  sentence: { en: 'What a changed rule file would have done over this server\'s samples. Nothing is written.', zh: '修改后的规则文件在此服务器的样本上会产生什么结果。不会写入任何内容。' },
  done: { en: 'Alerts in {days} d: {a} instead of {b}. Pages a week: {p} instead of {q}.', zh: '{days} 天内告警 {a} 次（原 {b} 次），每周通知 {p} 次（原 {q} 次）。' },
  alone: { en: 'Alerts in {days} d: {a}. Pages a week: {p}.', zh: '{days} 天内告警 {a} 次，每周通知 {p} 次。' },
  take: { en: 'Take a file that is in force', zh: '取用当前生效的文件' },
  takeHint: { en: 'It is written into both fields; change the right one. A query_offset of a group is not in it.', zh: '会写入两个输入框，请修改右侧。其中不含组的 query_offset。' },
  before: { en: 'Rule file as it is (may be empty)', zh: '现有规则文件（可留空）' },
  after: { en: 'Rule file as it shall be', zh: '修改后的规则文件' },
  days: { en: 'The last {n} d', zh: '最近 {n} 天' },
  run: { en: 'Run the backtest', zh: '开始回测' },
  running: { en: 'It takes up to 50 seconds.', zh: '最多需要 50 秒。' },
  none: { en: 'Nothing has been replayed yet', zh: '尚未回测' },
  noneWhy: { en: 'Paste a rule file, or take one that is in force, and run it.', zh: '粘贴规则文件，或取用生效的文件，然后开始回测。' },
  rule: { en: 'Rule', zh: '规则' },
  status: { en: 'Change', zh: '变化' },
  alerts: { en: 'Alerts', zh: '告警' },
  pages: { en: 'Pages a week', zh: '通知/周' },
  firing: { en: 'Firing', zh: '触发占比' },
  delay: { en: 'Delay p95', zh: '延迟 p95' },
  flaps: { en: 'Flaps', zh: '抖动' },
  differ: { en: 'New, lost, changed', zh: '新增、消失、改变' },
  total: { en: 'All rules', zh: '全部规则' },
  show: { en: 'Show alerts', zh: '查看告警' },
  hide: { en: 'Hide alerts', zh: '收起告警' },
  new: { en: 'new', zh: '新增' },
  lost: { en: 'lost', zh: '消失' },
  changed: { en: 'changed', zh: '改变' },
  from: { en: 'From', zh: '开始' },
  to: { en: 'To', zh: '结束' },
  was: { en: 'Before', zh: '原先' },
  labels: { en: 'Labels', zh: '标签' },
  still: { en: 'still firing', zh: '仍在触发' },
  more: { en: 'The first of each kind are listed.', zh: '每类仅列出前若干条。' },
  same: { en: 'Both files raise the same alerts.', zh: '两个文件产生相同的告警。' },
  inBefore: { en: 'In the file as it is: {text}', zh: '现有文件：{text}' },
  inAfter: { en: 'In the changed file: {text}', zh: '修改后的文件：{text}' },
  failing: { en: '{rule}: {n} of {all} evaluations failed: {why}', zh: '{rule}：{all} 次求值中有 {n} 次失败：{why}' },
  noData: { en: '{rule}: no data for {what} in the period, so nothing can be said', zh: '{rule}：此期间 {what} 没有数据，无法判断' },
  period: { en: 'Period', zh: '期间' },
  strip: { en: 'When alerts would have fired: above before, below after', zh: '告警触发的时间：上为原先，下为修改后' },
};

const statuses: Record<BacktestRule['status'], { tone: Tone; word: Message }> = {
  after: { tone: 'quiet', word: { en: 'replayed', zh: '已回测' } },
  unchanged: { tone: 'quiet', word: { en: 'unchanged', zh: '未变' } },
  affected: { tone: 'info', word: { en: 'affected', zh: '受影响' } },
  changed: { tone: 'info', word: { en: 'changed', zh: '已改变' } },
  added: { tone: 'info', word: { en: 'added', zh: '新增' } },
  removed: { tone: 'warning', word: { en: 'removed', zh: '已删除' } },
};

const key = 'touchline.backtest';
const day = 86_400_000;

interface Files {
  before: string;
  after: string;
}

function kept(): Files {
  try {
    return { before: '', after: '', ...(JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Files>) };
  } catch {
    return { before: '', after: '' };
  }
}

/** Backtest replays a rule file over the stored samples, beside the one that it would replace. */
export function Backtest(): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const [files, setFiles] = useState<Files>(kept);
  const days = [1, 7, 14, 31].includes(Number(value('days'))) ? Number(value('days')) : 7;
  const groups = useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => ruleGroups(signal), staleTime: 60_000 });
  const typed = (by: Partial<Files>): void => {
    const now = { ...files, ...by };
    setFiles(now);
    try {
      sessionStorage.setItem(key, JSON.stringify(now));
    } catch {
      // It holds until the page is left.
    }
  };
  const run = useMutation({ mutationFn: async () => { const to = Date.now(); return { days, report: await backtest({ rules: files.after, before: files.before.trim() === '' ? undefined : files.before, from: to - days * day, to }) }; } });
  const r = run.data?.report;
  const figures = (f: BacktestFigures | undefined): [string, string] => (f ? [digits(f.alerts + f.firing_at_start), digits(Math.round(f.pages_per_week * 10) / 10)] : ['0', '0']);
  const [a, p] = figures(r?.total.after);
  const [b, q] = figures(r?.total.before);
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={r ? t(r.compared ? m.done : m.alone, { a, b, p, q, days: run.data!.days }) : t(m.sentence)}>
        <form onSubmit={(e) => { e.preventDefault(); if (files.after.trim() !== '') run.mutate(); }}>
          <div className="grid">
            <div style={{ gridColumn: '1 / -1' }}>
              {groups.error ? <Failed error={groups.error} retry={() => void groups.refetch()} /> : (
                <Select label={t(m.take)} description={t(m.takeHint)} searchable value={null} maw={520} data={[...new Set((groups.data ?? []).map((g) => g.file))]}
                  onChange={(file) => { if (file !== null) { const text = ruleFileYAML((groups.data ?? []).filter((g) => g.file === file)); typed({ before: text, after: text }); } }} />
              )}
            </div>
            {(['before', 'after'] as const).map((side) => (
              <div key={side} style={{ gridColumn: 'span 6', minWidth: 0 }}>
                <Textarea label={t(m[side])} required={side === 'after'} autosize minRows={8} maxRows={22} maxLength={262_144} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }} value={files[side]} onChange={(e) => typed({ [side]: e.currentTarget.value })} />
              </div>
            ))}
            <div style={{ gridColumn: '1 / -1', display: 'flex', flexWrap: 'wrap', gap: 8, alignItems: 'center' }}>
              <Select aria-label={t(m.period)} w={150} allowDeselect={false} value={String(days)} data={[1, 7, 14, 31].map((n) => ({ value: String(n), label: t(m.days, { n }) }))} onChange={(v) => change({ days: v === '7' || v === null ? '' : v })} />
              <Button type="submit" variant="filled" loading={run.isPending} disabled={files.after.trim() === ''}>{t(m.run)}</Button>
              {run.isPending && <span className="muted" role="status">{t(m.running)}</span>}
            </div>
          </div>
        </form>
        <div style={{ marginTop: 12 }}>
          {run.error ? <Failed error={run.error} retry={() => run.mutate()} /> : run.isPending ? <Loading height={200} /> : r ? <Result report={r} open={value('rule')} show={(rule) => change({ rule })} /> : <Card><Empty title={t(m.none)}><span>{t(m.noneWhy)}</span></Empty></Card>}
        </div>
      </Page>
    </>
  );
}

function Result({ report: r, open, show }: { report: BacktestReport; open: string; show: (rule: string) => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  // A file as it is that fails or finds nothing makes every alert of the other look new.
  const troubles = (r.compared ? (['before', 'after'] as const) : (['after'] as const)).flatMap((side) => {
    const named = (text: string): string => (r.compared ? t(side === 'before' ? m.inBefore : m.inAfter, { text }) : text);
    return [
      ...r.rules.flatMap((x) => {
        const f = x[side];
        return [...(f && f.failures > 0 ? [t(m.failing, { rule: x.name, n: f.failures, all: f.evaluations, why: f.first_failure ?? '' })] : []), ...(f?.no_data?.length ? [t(m.noData, { rule: x.name, what: f.no_data.join(', ') })] : [])];
      }),
      ...(r.recording_rules ?? []).filter((x) => x.side === side).map((x) => (x.no_data?.length ? t(m.noData, { rule: x.name, what: x.no_data.join(', ') }) : `${x.name}: ${x.first_failure ?? ''}`)),
    ].map(named);
  });
  return (
    <div style={{ display: 'grid', gap: 12 }}>
      {troubles.map((x) => <Notice key={x} tone="warning">{x}</Notice>)}
      {r.compared && r.rules.every((x) => x.new + x.removed + x.changed === 0) && <Notice tone="info">{t(m.same)}</Notice>}
      <Card flush>
        <div className="table-scroll">
          <table className="table as-cards">
            <thead><tr><th>{t(m.rule)}</th><th>{t(m.status)}</th><th className="num">{t(m.alerts)}</th><th className="num">{t(m.pages)}</th><th className="num">{t(m.firing)}</th><th className="num">{t(m.delay)}</th><th className="num">{t(m.flaps)}</th><th className="num">{t(m.differ)}</th><th /></tr></thead>
            <tbody>
              <Row name={<b>{t(m.total)}</b>} before={r.total.before} after={r.total.after} compared={r.compared} />
              {r.rules.map((x, n) => {
                const id = `${x.group}/${x.name}${x.labels ?? ''}`;
                const some = examples(x);
                return (
                  <Fragment key={n}>
                    <Row name={<><b>{x.name}</b> <span className="muted">{x.group}</span></>} status={<StateMark tone={statuses[x.status].tone}>{t(statuses[x.status].word)}</StateMark>} before={x.before} after={x.after} compared={r.compared}
                      differ={r.compared ? `${x.new}, ${x.removed}, ${x.changed}` : undefined}
                      more={some.length > 0 && <Button variant="subtle" size="compact-xs" aria-expanded={open === id} onClick={() => show(open === id ? '' : id)}>{t(open === id ? m.hide : m.show)}</Button>} />
                    {open === id && <tr><td colSpan={9}><Examples rule={x} list={some} report={r} /></td></tr>}
                  </Fragment>
                );
              })}
            </tbody>
          </table>
        </div>
      </Card>
      {(r.limits ?? []).map((x) => <div key={x} className="muted" style={{ fontSize: 11 }}>{said(x)}</div>)}
    </div>
  );
}

/** Row has each figure as it was and as it would be. */
function Row({ name, status, before, after, compared, differ, more }: { name: ReactNode; status?: ReactNode; before?: BacktestFigures; after?: BacktestFigures; compared: boolean; differ?: string; more?: ReactNode }): ReactNode {
  const t = useT();
  const time = (seconds: number | undefined): string | undefined => { if (seconds === undefined) return undefined; const s = span(seconds * 1000); return `${s.number} ${s.unit}`; };
  const pair = (of: (f: BacktestFigures) => string | undefined): ReactNode => {
    const [was, is] = [before && of(before), after && of(after)];
    if (!compared) return is ?? '–';
    return was === is ? (is ?? '–') : <span><span className="muted">{was ?? '–'} →</span> <b>{is ?? '–'}</b></span>;
  };
  return (
    <tr>
      <td data-name={t(m.rule)} style={{ overflowWrap: 'anywhere' }}><span>{name}</span></td>
      <td data-name={t(m.status)}>{status}</td>
      <td data-name={t(m.alerts)} className="num">{pair((f) => digits(f.alerts + f.firing_at_start))}</td>
      <td data-name={t(m.pages)} className="num">{pair((f) => digits(Math.round(f.pages_per_week * 10) / 10))}</td>
      <td data-name={t(m.firing)} className="num">{pair((f) => `${digits(f.firing_share * 100)} %`)}</td>
      <td data-name={t(m.delay)} className="num">{pair((f) => time(f.detection_delay?.p95))}</td>
      <td data-name={t(m.flaps)} className="num">{pair((f) => String(f.flaps))}</td>
      <td data-name={t(m.differ)} className="num">{differ}</td>
      <td>{more}</td>
    </tr>
  );
}

interface Shown extends BacktestExample {
  kind: 'new' | 'lost' | 'changed';
}

function examples(x: BacktestRule): Shown[] {
  const of = (kind: Shown['kind'], list: BacktestExample[] | undefined): Shown[] => (list ?? []).map((e) => ({ ...e, kind }));
  return [...of('new', x.new_examples), ...of('lost', x.removed_examples), ...of('changed', x.changed_examples)].sort((a, b) => Date.parse(a.fired) - Date.parse(b.fired));
}

const tones: Record<Shown['kind'], Tone> = { new: 'critical', lost: 'warning', changed: 'info' };

function Examples({ rule, list, report }: { rule: BacktestRule; list: Shown[]; report: BacktestReport }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  const { zone } = useTime();
  const at = (time: string | undefined): string => (time ? clock(Date.parse(time), l, zone, true) : t(m.still));
  return (
    <div>
      <Strip list={list} report={report} zone={zone} />
      <div className="table-scroll" style={{ maxHeight: 320, overflow: 'auto' }}>
        <table className="table as-cards">
          <thead><tr><th /><th>{t(m.from)}</th><th>{t(m.to)}</th>{report.compared && <th>{t(m.was)}</th>}<th>{t(m.labels)}</th></tr></thead>
          <tbody>
            {list.map((e, n) => (
              <tr key={n}>
                <td>{report.compared && <StateMark tone={tones[e.kind]}>{t(m[e.kind])}</StateMark>}</td>
                <td data-name={t(m.from)}>{at(e.fired)}</td>
                <td data-name={t(m.to)}>{at(e.resolved)}</td>
                {report.compared && <td data-name={t(m.was)}>{e.before_fired && <span className="muted">{at(e.before_fired)} – {at(e.before_resolved)}</span>}</td>}
                <td data-name={t(m.labels)}><LabelList labels={e.labels} without={['alertname']} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rule.new + rule.removed + rule.changed > list.length && <div className="muted">{t(m.more)}</div>}
      {rule.evaluated_singly_because && <div className="muted">{said(rule.evaluated_singly_because)}</div>}
    </div>
  );
}

/** Strip draws when the alerts of a rule that differ fired: before above, after below. */
function Strip({ list, report, zone }: { list: Shown[]; report: BacktestReport; zone: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const [from, to] = [Date.parse(report.from), Date.parse(report.to)];
  const x = (at: number): number => (Math.min(Math.max(at, from), to) - from) / (to - from) * 1000;
  const bar = (k: string, lane: number, begin: string, end: string | undefined, tone: Tone): ReactNode => {
    const left = x(Date.parse(begin));
    // A short alert stays in sight.
    return <rect key={k} x={left} y={lane * 14 + 2} width={Math.max(2, x(end ? Date.parse(end) : to) - left)} height={10} fill={`var(--${tone})`} />;
  };
  return (
    <figure style={{ margin: '4px 0 8px' }}>
      <svg viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label={t(m.strip)} style={{ display: 'block', width: '100%', height: 32, border: '1px solid var(--line)', borderRadius: 4 }}>
        {list.flatMap((e, n) => [
          ...(e.kind !== 'lost' ? [bar(`a${n}`, 1, e.fired, e.resolved, tones[e.kind])] : [bar(`b${n}`, 0, e.fired, e.resolved, tones[e.kind])]),
          ...(e.before_fired ? [bar(`b${n}`, 0, e.before_fired, e.before_resolved, tones[e.kind])] : []),
        ])}
      </svg>
      <figcaption className="muted" style={{ display: 'flex', justifyContent: 'space-between', fontSize: 11 }}><span>{clock(from, l, zone, true)}</span><span>{t(m.strip)}</span><span>{clock(to, l, zone, true)}</span></figcaption>
    </figure>
  );
}
