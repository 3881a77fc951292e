import { Button } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useEffect, useMemo, useState } from 'react';

import { ApiError } from '../../api/client';
import { type Hint, hints as readHints, incident as readIncident, type IncidentDetail, type IncidentEvent, judgeHint, type Member } from '../../api/incidents';
import { deployments } from '../../api/maintenance';
import { useMe } from '../../api/me';
import { queryRange } from '../../api/prometheus';
import { useLanguage, useT } from '../../i18n';
import { useSummary } from '../../stock';
import { useTime } from '../../time/state';
import { below, useAddress } from '../../ui/address';
import { Chart } from '../../ui/Chart';
import { clock } from '../../ui/format';
import { Ago, Card, Empty, Failed, LabelList, Loading, Notice, Page, Span, StateMark } from '../../ui/parts';
import { Refused } from '../../ui/Refused';
import { severityTone } from '../../ui/tone';
import { exploreLink } from '../explore/address';
import { comparison } from '../alerts/threshold';
import { Actions, CommentForm } from './Actions';
import { moment } from '../../time/moment';
import { began, ended, expression, lasted } from './clocks';
import { Escalation } from './Escalation';
import { Postmortem } from './Postmortem';
import { IncidentTabs } from './Tabs';
import { Timeline } from './Timeline';
import { IncidentMark } from './words';

const m = {
  none: { en: 'There is no incident {id}', zh: '不存在事件 {id}' },
  list: { en: 'All incidents', zh: '全部事件' },
  open: { en: 'Open for {long}, and nobody has taken it.', zh: '已持续 {long}，尚无人确认。' },
  taken: { en: '{who} has had it since {at}; it lasts for {long}.', zh: '{who} 于 {at} 确认；已持续 {long}。' },
  over: { en: 'Over after {long}.', zh: '已结束，历时 {long}。' },
  mergedInto: { en: 'Part of incident', zh: '已合并到事件' },
  postmortem: { en: 'Post-mortem', zh: '复盘' },
  timeline: { en: 'Timeline', zh: '时间线' },
  alerts: { en: 'Affected: {n} alerts', zh: '受影响：{n} 条告警' },
  hints: { en: 'What else changed', zh: '同期变化' },
  hintsUnread: { en: 'A part could not be read: {error}', zh: '有一部分无法读取：{error}' },
  rose: { en: '{what} rose from {before} to {after}', zh: '{what} 从 {before} 升至 {after}' },
  fell: { en: '{what} fell from {before} to {after}', zh: '{what} 从 {before} 降至 {after}' },
  rate: { en: 'rate of {what}', zh: '{what} 的速率' },
  scrapeFails: { en: 'scrapes of {what} fail', zh: '抓取 {what} 失败' },
  noHints: { en: 'Nothing else changed that is known', zh: '未发现其他变化' },
  noHintsWhy: { en: 'Deployments, failed scrapes, other alerts and shifted levels are looked at when an incident opens.', zh: '事件创建时会检查部署、抓取失败、其他告警和水平突变。' },
  follows: { en: 'began {after} after, so it is rather a consequence', zh: '始于事件开始 {after} 后，更可能是后果' },
  right: { en: 'Right', zh: '正确' },
  wrong: { en: 'Wrong', zh: '错误' },
  detected: { en: 'Detected after', zh: '检测用时' },
  told: { en: 'Told after', zh: '通知用时' },
  held: { en: 'The rule waited', zh: '规则等待（for）' },
  afterFor: { en: 'after the rule\'s for', zh: '（for 结束后）' },
  acked: { en: 'Taken after', zh: '确认用时' },
  flaps: { en: 'Fired again', zh: '再次触发' },
  whose: { en: 'Whose', zh: '负责人' },
  facts: { en: 'Facts', zh: '概要' },
  began: { en: 'Began', zh: '开始' },
  explore: { en: 'Explore', zh: '查看图表' },
  noGraph: { en: 'no series to draw', zh: '无可绘制的序列' },
  ended: { en: 'ended', zh: '已结束' },
};

export function IncidentPage(): ReactNode {
  const t = useT();
  const summary = useSummary();
  const l = useLanguage();
  const { zone, tick } = useTime();
  const { value, change } = useAddress();
  const id = Number((useParams({ strict: false }) as { id?: string }).id);
  const q = useQuery({ queryKey: ['incident', id, tick], queryFn: ({ signal }) => readIncident(id, signal), enabled: Number.isInteger(id) && id > 0, refetchInterval: 2000, placeholderData: (old) => (old?.body.id === id ? old : undefined), retry: false });
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setNow(Date.now()); }, 1000);
    return () => clearInterval(timer);
  }, []);
  const i = q.data?.body;
  const missing = !(Number.isInteger(id) && id > 0) || (q.error instanceof ApiError && q.error.status === 404);
  if (missing) return <><IncidentTabs /><Empty title={t(m.none, { id: Number.isNaN(id) ? '' : id })} action={<Link {...below('/incidents')}>{t(m.list)}</Link>} /></>;
  if (!i) return <><IncidentTabs />{q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading height={360} />}</>;
  const end = ended(i);
  const long = lasted((end ?? now) - began(i));
  const sentence = end !== undefined || i.state === 'merged' ? t(m.over, { long }) : i.state === 'acknowledged' ? t(m.taken, { who: i.acknowledged_by || i.assignee || '–', at: i.acknowledged_at ? clock(Date.parse(i.acknowledged_at), l, zone) : '–', long }) : t(m.open, { long });
  return (
    <>
      <IncidentTabs />
      <Page title={<><span className="muted">#{i.id}</span> {summary(i.title)}</>}
        sentence={<><IncidentMark incident={i} /> {sentence} {i.merged_into !== undefined && <>{t(m.mergedInto)} <Link {...below(`/incidents/${i.merged_into}`)}>#{i.merged_into}</Link></>}</>}
        actions={<Actions key={i.id} incident={i} etag={q.data?.etag}><Button variant="default" onClick={() => change({ show: 'postmortem' })}>{t(m.postmortem)}</Button></Actions>}>
        {q.error && <div style={{ marginBottom: 12 }}><Failed error={q.error} retry={() => void q.refetch()} /></div>}
        <div className="grid">
          <div style={{ gridColumn: 'span 7', display: 'grid', gap: 12, alignContent: 'start', minWidth: 0 }}>
            <Card title={t(m.timeline)}><WithDeploys incident={i} zone={zone} /><CommentForm key={i.id} id={i.id} /></Card>
          </div>
          <div style={{ gridColumn: 'span 5', display: 'grid', gap: 12, alignContent: 'start', minWidth: 0 }}>
            <Facts incident={i} />
            <Escalation id={i.id} zone={zone} />
            <Hints id={i.id} zone={zone} />
            <Card flush title={t(m.alerts, { n: i.alerts?.length ?? 0 })}>{(i.alerts ?? []).slice(0, 100).map((a, n) => <Affected key={a.fingerprint} alert={a} incident={i} draw={n < 6} zone={zone} />)}</Card>
          </div>
        </div>
      </Page>
      {value('show') === 'postmortem' && <Postmortem id={i.id} close={() => change({ show: undefined, lang: undefined, as: undefined })} />}
    </>
  );
}

function Facts({ incident: i }: { incident: IncidentDetail }): ReactNode {
  const t = useT();
  const after = (from: string | undefined, to: string | undefined): ReactNode => (from && to && moment(to) >= moment(from) ? <Span ms={moment(to) - moment(from)} /> : <span className="muted">–</span>);
  const due = i.due_at ?? i.sample_at;
  const held = i.sample_at !== undefined && due !== undefined && moment(due) > moment(i.sample_at);
  return (
    <Card title={t(m.facts)}>
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(96px, 1fr))', gap: 10, marginBottom: 10 }}>
        {([[m.began, <Ago key="b" at={i.sample_at ?? i.opened_at} />], ...(held ? [[m.held, after(i.sample_at, due)] as const] : []), [m.detected, after(due, i.decided_at)], [m.told, <span key="t">{after(i.sample_at ?? i.decided_at ?? i.opened_at, i.notified_at)}{held && i.notified_at && <span className="muted" style={{ display: 'block', fontSize: 11, fontWeight: 400 }}>{after(due, i.notified_at)} {t(m.afterFor)}</span>}</span>], [m.acked, after(i.opened_at, i.acknowledged_at)], [m.whose, i.assignee || i.acknowledged_by || '–'], [m.flaps, i.flaps]] as const).map(([name, v]) => (
          <div key={name.en}><div className="muted" style={{ fontSize: 11 }}>{t(name)}</div><div style={{ fontSize: 15, fontWeight: 600 }}>{v}</div></div>
        ))}
      </div>
      <LabelList labels={i.labels} />
    </Card>
  );
}

/** WithDeploys is the timeline with the deployments of its time in it. */
function WithDeploys({ incident: i, zone }: { incident: IncidentDetail; zone: string }): ReactNode {
  const from = began(i) - 30 * 60_000;
  const to = ended(i);
  const q = useQuery({ queryKey: ['deployments', i.id, to], queryFn: ({ signal }) => deployments(new Date(from), new Date(to ?? Date.now()), signal), refetchInterval: to === undefined ? 10_000 : false });
  const events: IncidentEvent[] = [
    ...(i.timeline ?? []),
    ...(q.data ?? []).map((d, n) => ({ seq: -1 - n, at: d.at, kind: 'deploy', actor: d.actor, data: { title: d.title, ...(d.failed ? { failed: 'true' } : {}) } })),
  ];
  return <>{q.error && <Notice tone="warning">{String(q.error)}</Notice>}<Timeline events={events} zone={zone} /></>;
}

/** hintTitle says what changed, in words; what people wrote themselves is as they wrote it. */
function hintTitle({ kind, title, data }: Hint, t: ReturnType<typeof useT>): string {
  if (typeof data?.before !== 'number' || typeof data.after !== 'number' || typeof data.metric !== 'string') return title;
  if (kind === 'scrape') return t(m.scrapeFails, { what: [data.labels?.job, data.labels?.instance].filter(Boolean).join(' · ') });
  const four = (v: number): string => String(Number(v.toPrecision(4)));
  return t(data.after < data.before ? m.fell : m.rose, { what: data.counter ? t(m.rate, { what: data.metric }) : data.metric, before: four(data.before), after: four(data.after) });
}

function Hints({ id, zone }: { id: number; zone: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { may } = useMe();
  const client = useQueryClient();
  const q = useQuery({ queryKey: ['hints', id], queryFn: ({ signal }) => readHints(id, signal), refetchInterval: 10_000 });
  const judge = useMutation({ mutationFn: ({ rank, verdict }: { rank: number; verdict: 'right' | 'wrong' | '' }) => judgeHint(id, rank, verdict), onSettled: () => client.invalidateQueries({ queryKey: ['hints', id] }) });
  return (
    <Card flush title={t(m.hints)}>
      {q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : !q.data ? <Loading height={60} /> : q.data.hints.length === 0 && !q.data.unread ? <Empty title={t(m.noHints)}><span>{t(m.noHintsWhy)}</span></Empty> : (
        <ol style={{ listStyle: 'none', margin: 0, padding: 0 }}>
          {q.data.unread && <li><Notice tone="warning">{t(m.hintsUnread, { error: q.data.unread })}</Notice></li>}
          {q.data.hints.map((h) => (
            <li key={h.rank} style={{ display: 'flex', gap: 10, alignItems: 'baseline', padding: '6px 12px', borderBottom: '1px solid var(--line)' }}>
              <span className="muted">{h.rank}</span>
              <span style={{ minWidth: 0, overflowWrap: 'anywhere' }}>{hintTitle(h, t)}<span className="muted"> · {clock(Date.parse(h.at), l, zone)}{h.data?.after_ms !== undefined && ` · ${t(m.follows, { after: lasted(h.data.after_ms) })}`}{h.judged_by ? ` · ${h.judged_by}` : ''}</span></span>
              <span style={{ marginLeft: 'auto', display: 'flex', gap: 4 }}>
                {may('respond') && !q.data.unread ? (['right', 'wrong'] as const).map((v) => (
                  <Button key={v} size="compact-xs" variant={h.verdict === v ? 'light' : 'default'} aria-pressed={h.verdict === v} onClick={() => judge.mutate({ rank: h.rank, verdict: h.verdict === v ? '' : v })}>{t(m[v])}</Button>
                )) : h.verdict && <span className="muted">{t(m[h.verdict])}</span>}
              </span>
            </li>
          ))}
        </ol>
      )}
      <Refused error={judge.error} />
    </Card>
  );
}

const around = 15 * 60_000;

function Affected({ alert: a, incident: i, draw, zone }: { alert: Member; incident: IncidentDetail; draw: boolean; zone: string }): ReactNode {
  const t = useT();
  const summary = useSummary();
  const expr = expression(a.generator_url);
  const split = expr ? comparison(expr) : undefined;
  const query = split?.left ?? expr;
  const end = ended(i);
  const minute = Math.ceil((end === undefined ? Date.now() : end + around) / 15_000) * 15_000;
  const range = useMemo(() => ({ from: began(i) - around, to: minute }), [i.sample_at, i.opened_at, minute]);
  const step = Math.max(1, Math.ceil((range.to - range.from) / 120_000));
  const q = useQuery({
    queryKey: ['affected', query, range.from, range.to], enabled: draw && !!query, retry: false, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => queryRange({ query: query!, start: range.from / 1000, end: range.to / 1000, step, signal }),
  });
  const series = useMemo(() => {
    if (q.data?.data.resultType !== 'matrix') return undefined;
    // The alert's own series: those whose labels it has.
    const own = q.data.data.result.filter((s) => Object.entries(s.metric).every(([n, v]) => n === '__name__' || a.labels[n] === undefined || a.labels[n] === v)).slice(0, 5);
    const times = [...new Set(own.flatMap((s) => (s.values ?? []).map(([at]) => at)))].sort((x, y) => x - y);
    return { times, lines: own.map((s, n) => { const of = new Map(s.values); return { name: Object.entries(s.metric).filter(([k]) => k !== '__name__').map(([k, v]) => `${k}=${v}`).join(' ') || a.name, color: ['#4c9be8', '#e8a33d', '#1fa971', '#b07cd8', '#d86a8c'][n]!, values: times.map((at) => (of.has(at) ? Number(of.get(at)) : null)) }; }) };
  }, [q.data, a]);
  return (
    <div style={{ padding: '8px 12px', borderBottom: '1px solid var(--line)' }}>
      <div style={{ display: 'flex', gap: 10, alignItems: 'baseline' }}>
        <StateMark tone={a.ends_at ? 'good' : severityTone(a.severity)}>{a.name}</StateMark>
        <span className="muted">{a.ends_at ? <>{t(m.ended)} <Ago at={a.ends_at} /></> : <Ago at={a.starts_at} />}</span>
        {expr && <Link {...below(exploreLink(expr))} style={{ marginLeft: 'auto' }}>{t(m.explore)}</Link>}
      </div>
      {a.annotations.summary && <div style={{ overflowWrap: 'anywhere' }}>{summary(a.annotations.summary)}</div>}
      <LabelList labels={a.labels} without={['alertname', 'severity']} />
      {draw && expr && (q.error ? <div className="muted">{String((q.error as Error).message)}</div> : !series ? <Loading height={72} /> : series.lines.length === 0 ? <div className="muted">{t(m.noGraph)}</div> : (
        <Chart height={90} times={series.times} series={series.lines} range={range} zone={zone} label={a.name} sync={`incident-${i.id}`}
          lines={split ? [{ value: split.value, color: '#f0524f' }] : undefined} bands={[{ from: Date.parse(a.starts_at), to: a.ends_at ? Date.parse(a.ends_at) : range.to, color: '#f0524f18' }]} />
      ))}
    </div>
  );
}
