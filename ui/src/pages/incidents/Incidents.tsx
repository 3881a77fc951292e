import { Button, Select, TextInput } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { incidents } from '../../api/incidents';
import { useMe } from '../../api/me';
import { passing } from '../../api/passing';
import { useT } from '../../i18n';
import { useSummary } from '../../stock';
import { useTime } from '../../time/state';
import { below, useAddress } from '../../ui/address';
import { span } from '../../ui/format';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading, Page, Span } from '../../ui/parts';
import { began, ended, snoozed } from './clocks';
import { IncidentTabs } from './Tabs';
import { IncidentMark, snoozedWords, stateWords, verdictWords } from './words';

const m = {
  title: { en: 'Incidents', zh: '事件' },
  none: { en: 'Nothing is open.', zh: '没有未结事件。' },
  some: { en: '{n} open, of them {u} that nobody has taken; the longest waits for {long}.', zh: '未结事件 {n} 个，其中 {u} 个无人确认，最长已等待 {long}。' },
  quiet: { en: '{n} open, all of them taken or snoozed.', zh: '未结事件 {n} 个，均已有人处理或已暂缓。' },
  taken: { en: '{n} open, all of them taken.', zh: '未结事件 {n} 个，均已有人处理。' },
  search: { en: 'Words of the title, or label=value', zh: '标题关键词，或 标签=值' },
  state: { en: 'State', zh: '状态' },
  open: { en: 'Open', zh: '未结' },
  all: { en: 'All', zh: '全部' },
  severity: { en: 'Severity', zh: '级别' },
  anySeverity: { en: 'Any severity', zh: '所有级别' },
  mine: { en: 'Mine', zh: '我的' },
  more: { en: 'Show older ones', zh: '显示更早的' },
  incident: { en: 'Incident', zh: '事件' },
  who: { en: 'Whose', zh: '负责人' },
  began: { en: 'Began', zh: '开始' },
  lasted: { en: 'Lasts', zh: '持续' },
  told: { en: 'Told after', zh: '通知用时' },
  empty: { en: 'No incident fits', zh: '没有符合条件的事件' },
  why: { en: 'An incident opens when an alert with a severity fires. Alerts with severity none or info open none.', zh: '带级别的告警触发时会自动创建事件；级别为 none 或 info 的告警不会。' },
};

export function Incidents(): ReactNode {
  const t = useT();
  const summary = useSummary();
  const { value, change } = useAddress();
  const { me } = useMe();
  const { tick } = useTime();
  const state = value('state') || 'firing,acknowledged';
  const mine = value('mine') === '1';
  const filter = { state: state === 'all' ? undefined : state, severity: value('severity') || undefined, q: value('q') || undefined, assignee: mine ? (me?.user?.name ?? me?.name) : undefined };
  const open = useQuery({ ...passing, queryKey: ['incidents', 'open', tick], queryFn: ({ signal }) => incidents({ state: 'firing,acknowledged', limit: 1000 }, signal), refetchInterval: 2000, placeholderData: (old) => old });
  const pages = useInfiniteQuery({
    queryKey: ['incidents', filter], queryFn: ({ pageParam, signal }) => incidents({ ...filter, cursor: pageParam || undefined, limit: 50 }, signal),
    initialPageParam: '', getNextPageParam: (last) => last.next_cursor, refetchInterval: 3000, placeholderData: (old) => old,
  });
  const list = pages.data?.pages.flatMap((p) => p.incidents ?? []) ?? [];
  const opened = open.data?.incidents ?? [];
  const waiting = opened.filter((i) => i.state === 'firing' && snoozed(i, Date.now()) === undefined);
  const quiet = opened.some((i) => snoozed(i, Date.now()) !== undefined);
  const longest = Math.max(0, ...waiting.map((i) => Date.now() - Date.parse(i.opened_at)));
  const long = span(longest);
  const sentence = !open.data ? undefined : opened.length === 0 ? t(m.none) : waiting.length === 0 ? t(quiet ? m.quiet : m.taken, { n: opened.length }) : t(m.some, { n: opened.length, u: waiting.length, long: `${long.number} ${long.unit}` });
  return (
    <>
      <IncidentTabs />
      <Page title={t(m.title)} sentence={sentence}>
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12 }}>
          <TextInput style={{ flex: '1 1 220px' }} value={value('q')} aria-label={t(m.search)} placeholder={t(m.search)} leftSection={<Icon name="search" size={14} />} onChange={(e) => change({ q: e.currentTarget.value })} />
          <Select aria-label={t(m.state)} w={130} value={state} onChange={(v) => change({ state: v === 'firing,acknowledged' ? '' : (v ?? '') })}
            data={[{ value: 'firing,acknowledged', label: t(m.open) }, { value: 'all', label: t(m.all) }, { value: 'snoozed', label: t(snoozedWords.name) }, ...(['firing', 'acknowledged', 'resolved', 'closed', 'merged'] as const).map((s) => ({ value: s, label: t(stateWords[s]) }))]} />
          <Select aria-label={t(m.severity)} w={140} value={value('severity')} onChange={(v) => change({ severity: v ?? '' })} data={[{ value: '', label: t(m.anySeverity) }, ...[...new Set(['critical', 'warning', ...list.map((i) => i.severity), value('severity')])].filter(Boolean)]} />
          {me && me.method !== 'anonymous' && <Button variant={mine ? 'light' : 'default'} aria-pressed={mine} onClick={() => change({ mine: mine ? '' : '1' })}>{t(m.mine)}</Button>}
        </div>
        {pages.error && <Failed error={pages.error} retry={() => void pages.refetch()} />}
        {!pages.data ? !pages.error && <Loading height={240} /> : (
          <Card flush>
            {list.length === 0 ? <Empty title={t(state === 'firing,acknowledged' && !filter.q && !filter.severity && !mine ? m.none : m.empty)}><span>{t(m.why)}</span></Empty> : (
              <div className="table-scroll">
                <table className="table as-cards">
                  <thead><tr><th>{t(m.state)}</th><th>{t(m.incident)}</th><th>{t(m.severity)}</th><th>{t(m.who)}</th><th>{t(m.began)}</th><th className="num">{t(m.lasted)}</th><th className="num">{t(m.told)}</th></tr></thead>
                  <tbody>
                    {list.map((i) => (
                      <tr key={i.id}>
                        <td data-name={t(m.state)}><IncidentMark incident={i} /></td>
                        <td data-name={t(m.incident)} style={{ overflowWrap: 'anywhere' }}><span><Link {...below(`/incidents/${i.id}`)}><span className="muted">#{i.id}</span> <b>{summary(i.title)}</b></Link>{i.verdict === 'false_alarm' && <span className="muted"> · {t(verdictWords.false_alarm)}</span>}</span></td>
                        <td data-name={t(m.severity)}>{i.severity}</td>
                        <td data-name={t(m.who)}>{i.assignee || i.acknowledged_by || <span className="muted">–</span>}</td>
                        <td data-name={t(m.began)}><Ago at={i.sample_at ?? i.opened_at} /></td>
                        <td data-name={t(m.lasted)} className="num"><Span ms={(ended(i) ?? Date.now()) - began(i)} /></td>
                        <td data-name={t(m.told)} className="num">{i.notified_at ? <Span ms={Math.max(0, Date.parse(i.notified_at) - Date.parse(i.sample_at ?? i.decided_at ?? i.opened_at))} /> : <span className="muted">–</span>}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
            {pages.hasNextPage && <div style={{ padding: 10, textAlign: 'center' }}><Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{t(m.more)}</Button></div>}
          </Card>
        )}
      </Page>
    </>
  );
}
