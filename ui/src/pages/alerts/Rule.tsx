import { Button } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';

import { notifications } from '../../api/notifications';
import { passing } from '../../api/passing';
import { type AlertingRule, queryRange, type RecordingRule, ruleGroups } from '../../api/prometheus';
import { ruleArrivals } from '../../api/rules';
import { prefix } from '../../app/base';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { useSummary } from '../../stock';
import { useTime } from '../../time/state';
import { below, useAddress } from '../../ui/address';
import { Chart } from '../../ui/Chart';
import { useBackend } from '../../ui/Elsewhere';
import { digits } from '../../ui/format';
import { Ago, Card, Empty, Failed, LabelList, Loading, Notice, Page, Span, StateMark } from '../../ui/parts';
import { severityTone } from '../../ui/tone';
import { Hops } from './Hops';
import { exploreLink } from '../explore/address';
import { runbookURL } from './links';
import { exactly } from './matchers';
import { ruleStates, ruleTone } from './Rules';
import { AlertTabs } from './Tabs';
import { comparison, stretches } from './threshold';

const m = {
  none: { en: 'There is no rule {name} in group {group} of {file}', zh: '{file} 的组 {group} 中没有规则 {name}' },
  list: { en: 'All rules', zh: '全部规则' },
  firing: { en: 'Fires for {n} series; evaluated', zh: '{n} 条序列触发中；上次评估' },
  quiet: { en: 'Quiet; evaluated', zh: '正常；上次评估' },
  error: { en: 'It cannot be evaluated:', zh: '无法评估：' },
  graph: { en: 'What it compares, with the threshold {op} {v}', zh: '比较的值，阈值 {op} {v}' },
  whole: { en: 'Its result', zh: '表达式结果' },
  noSplit: { en: 'This is more than a comparison with one number, so there is no threshold line; the graph shows the result of the whole expression.', zh: '此表达式不是与单个数值的比较，因此没有阈值线；图中为整个表达式的结果。' },
  nothing: { en: 'Nothing to draw in this range', zh: '此时间范围内无数据' },
  nothingWhole: { en: 'The expression had no result: nothing was wrong.', zh: '表达式没有结果：一切正常。' },
  cut: { en: 'The first {n} of {all} series are drawn.', zh: '仅绘制 {all} 条序列中的前 {n} 条。' },
  explore: { en: 'Explore', zh: '查看图表' },
  expression: { en: 'Expression', zh: '表达式' },
  noticed: { en: 'How it is noticed', zh: '如何检测' },
  elsewhere: { en: 'The server at {url} evaluates it, every {n} s. Noticing a sample when it arrives takes the engine that is built in here.', zh: '由 {url} 每 {n} 秒评估一次。样本到达即检测需要使用本服务器的内置引擎。' },
  toldElsewhere: { en: 'The Alertmanager at {url} tells people, and does not say when it did.', zh: '由 {url} 的 Alertmanager 发送通知，其接口不提供通知时间。' },
  class: { en: 'class', zh: '分类' },
  arrivals: { en: 'arrivals', zh: '到达样本' },
  skips: { en: 'proven unchanged', zh: '证明未变' },
  confirmations: { en: 'confirmations', zh: '确认评估' },
  onArrival: { en: 'fired on arrival', zh: '到达触发' },
  onTick: { en: 'fired on tick', zh: '周期触发' },
  left: { en: 'left to the tick', zh: '留给周期' },
  failures: { en: 'failures', zh: '失败' },
  p50: { en: 'decision p50', zh: '判定 p50' },
  p99: { en: 'decision p99', zh: '判定 p99' },
  last: { en: 'Last told', zh: '最近通知' },
  proof: { en: 'last proven', zh: '最近验证' },
  never: { en: 'No attempt to tell of it is among the last {n}.', zh: '最近 {n} 次通知中没有此规则的通知。' },
  neverAtAll: { en: 'Nobody has been told of it yet.', zh: '尚未发送过此规则的通知。' },
  older: { en: 'Show older ones', zh: '显示更早的' },
  looked: { en: '{k} of the last {n} attempts', zh: '最近 {n} 次通知中的 {k} 次' },
  labels: { en: 'Labels', zh: '标签' },
  annotations: { en: 'Annotations', zh: '注解' },
  alerts: { en: 'Alerts now', zh: '当前告警' },
  silence: { en: 'Silence', zh: '静默' },
  runbook: { en: 'Runbook', zh: '处置手册' },
  settings: { en: 'for {f}, keeps firing for {k}, group {g} of', zh: 'for {f}，keep_firing_for {k}，组 {g}，文件' },
};

const colors = ['#4c9be8', '#e8a33d', '#1fa971', '#b07cd8', '#d86a8c', '#5bc0be', '#a3a948', '#c77d4f', '#7f8fa6', '#8ac926'];
const most = 40;

export function Rule(): ReactNode {
  const t = useT();
  const summary = useSummary();
  const { value } = useAddress();
  const { tick } = useTime();
  const [file, group, name, expr] = [value('file'), value('group'), value('name'), value('query')];
  const groups = useQuery({ queryKey: ['rules', tick], queryFn: ({ signal }) => ruleGroups(signal), refetchInterval: 3000, placeholderData: (old) => old });
  if (!groups.data) return <><AlertTabs />{groups.error ? <Failed error={groups.error} retry={() => void groups.refetch()} /> : <Loading height={360} />}</>;
  const g = groups.data.find((x) => x.name === group && (file === '' || x.file === file));
  const rule = g?.rules.find((r) => r.name === name && (expr === '' || r.query === expr)) ?? g?.rules.find((r) => r.name === name);
  if (!g || !rule) return <><AlertTabs /><Empty title={t(m.none, { name, group, file })} action={<Link {...below('/rules')}>{t(m.list)}</Link>} /></>;
  const { tone, word } = ruleTone(rule);
  const alerting = rule.type === 'alerting' ? rule : undefined;
  const firing = alerting?.alerts.filter((a) => a.state === 'firing').length ?? 0;
  const runbook = alerting?.annotations.runbook_url ? runbookURL(alerting.annotations.runbook_url, prefix) : undefined;
  return (
    <>
      <AlertTabs />
      <Page title={rule.name} actions={<>{runbook && <a href={runbook} rel="noreferrer">{t(m.runbook)}</a>}{alerting && <Link {...below(`/silences?silence=${encodeURIComponent(exactly({ alertname: rule.name }))}`)}>{t(m.silence)}</Link>}<Link {...below(exploreLink(rule.query))}>{t(m.explore)}</Link></>}
        sentence={<><StateMark tone={tone}>{t(ruleStates[word])}</StateMark> {firing > 0 ? t(m.firing, { n: firing }) : t(m.quiet)} <Ago at={rule.lastEvaluation} />{alerting && <span className="muted"> · {t(m.settings, { f: `${alerting.duration} s`, k: `${alerting.keepFiringFor} s`, g: g.name })} {g.file}</span>}</>}>
        {rule.lastError && <div style={{ marginBottom: 12 }}><Notice tone="critical">{t(m.error)} {rule.lastError}</Notice></div>}
        <div className="grid">
          <div style={{ gridColumn: 'span 8', display: 'grid', gap: 12, alignContent: 'start', minWidth: 0 }}>
            <Graph rule={rule} interval={g.interval} />
            {alerting && <Card flush title={t(m.alerts)} actions={<span className="muted">{alerting.alerts.length}</span>}>
              {alerting.alerts.slice(0, 100).map((a) => (
                <div key={JSON.stringify(a.labels)} style={{ padding: '6px 12px', borderBottom: '1px solid var(--line)' }}>
                  <div style={{ display: 'flex', gap: 10, alignItems: 'baseline' }}><StateMark tone={a.state === 'firing' ? severityTone(a.labels.severity) : 'warning'}>{t(ruleStates[a.state])}</StateMark><span className="muted"><Ago at={a.activeAt} /></span><span>{Number.isFinite(Number(a.value)) ? digits(Number(a.value)) : a.value}</span><Link {...below(`/silences?silence=${encodeURIComponent(exactly(a.labels))}`)} style={{ marginLeft: 'auto' }}>{t(m.silence)}</Link></div>
                  {a.annotations.summary && <div>{summary(a.annotations.summary)}</div>}
                  <LabelList labels={a.labels} without={['alertname']} />
                </div>
              ))}
              {alerting.alerts.length === 0 && <Empty title={t(ruleStates.inactive)} />}
            </Card>}
          </div>
          <div style={{ gridColumn: 'span 4', display: 'grid', gap: 12, alignContent: 'start', minWidth: 0 }}>
            <Card title={t(m.expression)}><pre className="mono" style={{ margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{rule.query}</pre></Card>
            <Noticed file={g.file} group={g.name} interval={g.interval} rule={rule} />
            {alerting && <Told name={rule.name} />}
            {rule.labels && Object.keys(rule.labels).length > 0 && <Card title={t(m.labels)}><LabelList labels={rule.labels} /></Card>}
            {alerting && Object.keys(alerting.annotations).length > 0 && <Card title={t(m.annotations)}>{Object.entries(alerting.annotations).map(([n, v]) => <div key={n} style={{ overflowWrap: 'anywhere', marginBottom: 6 }}><div className="muted">{n}</div>{v}</div>)}</Card>}
          </div>
        </div>
      </Page>
    </>
  );
}

function Graph({ rule, interval }: { rule: AlertingRule | RecordingRule; interval: number }): ReactNode {
  const t = useT();
  const time = useTime();
  const split = useMemo(() => (rule.type === 'alerting' ? comparison(rule.query) : undefined), [rule.type, rule.query]);
  const { from, to } = time.range;
  const step = Math.max(1, Math.ceil((to - from) / 1000 / 240));
  const left = split?.left ?? rule.query;
  const ask = (query: string) => ({
    ...passing,
    queryKey: ['rule-graph', query, from, to], retry: false as const,
    queryFn: ({ signal }: { signal: AbortSignal }) => queryRange({ query, start: from / 1000, end: to / 1000, step, signal }),
  });
  const q = useQuery(ask(left));
  const fired = useQuery({ ...ask(`max(ALERTS{alertstate="firing",alertname=${JSON.stringify(rule.name)}})`), enabled: rule.type === 'alerting' });
  const drawn = useMemo(() => {
    const result = q.data?.data.resultType === 'matrix' ? q.data.data.result : [];
    const times = [...new Set(result.slice(0, most).flatMap((s) => (s.values ?? []).map(([at]) => at)))].sort((a, b) => a - b);
    const series = result.slice(0, most).map((s, n) => {
      const of = new Map(s.values);
      return { name: Object.entries(s.metric).filter(([k]) => k !== '__name__').map(([k, v]) => `${k}=${v}`).join(' ') || (s.metric.__name__ ?? rule.name), color: colors[n % colors.length]!, values: times.map((at) => (of.has(at) ? Number(of.get(at)) : null)) };
    });
    return { times, series, all: result.length };
  }, [q.data, rule.name]);
  const bands = useMemo(() => {
    const result = fired.data?.data.resultType === 'matrix' ? fired.data.data.result : [];
    return stretches(result.flatMap((s) => (s.values ?? []).map(([at]) => at)), Math.max(step, interval) * 1.5).map((b) => ({ from: b.from, to: b.to + step * 1000, color: '#f0524f20' }));
  }, [fired.data, step, interval]);
  return (
    <Card title={split ? t(m.graph, { op: split.op, v: split.value }) : t(m.whole)}>
      {rule.type === 'alerting' && !split && <p className="muted" style={{ margin: '0 0 8px' }}>{t(m.noSplit)}</p>}
      {q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : !q.data ? <Loading height={240} /> : drawn.series.length === 0 ? (
        <Empty title={t(m.nothing)}>{!split && rule.type === 'alerting' && <span>{t(m.nothingWhole)}</span>}</Empty>
      ) : (
        <Chart height={240} times={drawn.times} series={drawn.series} range={time.range} zone={time.zone} onZoom={time.zoom} lines={split ? [{ value: split.value, color: '#f0524f' }] : undefined} bands={bands} label={rule.name} />
      )}
      {drawn.all > most && <p className="muted">{t(m.cut, { n: most, all: drawn.all })}</p>}
      {q.data && q.data.warnings.length > 0 && <Notice tone="warning">{q.data.warnings.join('; ')}</Notice>}
    </Card>
  );
}

function Noticed({ file, group, interval, rule }: { file: string; group: string; interval: number; rule: AlertingRule | RecordingRule }): ReactNode {
  const t = useT();
  const said = useSaid();
  const metrics = useBackend('metrics');
  const q = useQuery({ queryKey: ['rule-arrivals'], queryFn: ({ signal }) => ruleArrivals(signal), refetchInterval: 3000 });
  const a = q.data?.find((x) => x.file === file && x.group === group && x.rule === rule.name && x.query === rule.query);
  if (metrics) return <Card title={t(m.noticed)}><span className="muted">{t(m.elsewhere, { url: metrics.url, n: interval })}</span></Card>;
  if (q.error) return <Failed error={q.error} retry={() => void q.refetch()} />;
  if (!a) return null;
  const rows: [{ en: string; zh: string }, ReactNode][] = [
    [m.arrivals, a.arrivals], [m.skips, a.skips], [m.confirmations, a.confirmations], [m.onArrival, a.fired_on_arrival], [m.onTick, a.fired_on_tick], [m.left, a.left_to_tick], [m.failures, a.failures],
    [m.p50, a.decisions > 0 ? <Span key="5" ms={a.decision_p50_seconds * 1000} /> : '–'], [m.p99, a.decisions > 0 ? <Span key="9" ms={a.decision_p99_seconds * 1000} /> : '–'],
  ];
  return (
    <Card title={t(m.noticed)}>
      <div><span className="muted">{t(m.class)}</span> <b>{a.class}</b> <span className="muted">{a.arrival}</span></div>
      <p className="muted" style={{ margin: '4px 0 8px' }}>{said(a.reason)}</p>
      <dl style={{ display: 'grid', gridTemplateColumns: '1fr auto', gap: '2px 12px', margin: 0 }}>
        {rows.map(([n, v]) => <div key={n.en} style={{ display: 'contents' }}><dt className="muted">{t(n)}</dt><dd style={{ margin: 0, textAlign: 'right' }}>{v}</dd></div>)}
      </dl>
    </Card>
  );
}

function Told({ name }: { name: string }): ReactNode {
  const t = useT();
  const alertmanager = useBackend('alerts');
  const [shown, setShown] = useState(3);
  const q = useInfiniteQuery({
    queryKey: ['notifications', 'rule', name], queryFn: ({ pageParam, signal }) => notifications({ limit: 500, cursor: pageParam || undefined }, signal),
    initialPageParam: '', getNextPageParam: (last) => last.next_cursor,
    // Who looks further back is not sent all of it again and again.
    refetchInterval: (now) => ((now.state.data?.pages.length ?? 0) > 1 ? false : 5000),
  });
  const all = q.data?.pages.flatMap((p) => p.notifications ?? []) ?? [];
  const of = all.filter((n) => n.way?.rule === name || n.group.includes(`alertname=${JSON.stringify(name)}`));
  const taken = of.find((n) => !n.error);
  return (
    <Card title={t(m.last)} actions={taken && <span className="muted">{t(m.proof)} <Ago at={taken.at} /></span>}>
      {q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : !q.data ? <Loading height={40} /> : of.length === 0 ? <span className="muted">{alertmanager ? t(m.toldElsewhere, { url: alertmanager.url }) : q.hasNextPage ? t(m.never, { n: all.length }) : t(m.neverAtAll)}</span> : of.slice(0, shown).map((n) => (
        <div key={n.id} style={{ marginBottom: 8 }}>
          <StateMark tone={n.error ? 'critical' : 'good'}>{n.receiver}/{n.integration}</StateMark> <span className="muted"><Ago at={n.at} /></span>
          {n.way && <div><Hops way={n.way} /></div>}
          {n.error && <div style={{ color: 'var(--critical)', overflowWrap: 'anywhere' }}>{n.error}</div>}
        </div>
      ))}
      {q.data && (of.length > shown || q.hasNextPage) && (
        <div style={{ display: 'flex', gap: 8, alignItems: 'baseline', marginTop: 6 }}>
          <Button variant="default" size="compact-xs" loading={q.isFetchingNextPage} onClick={() => { setShown(shown + 10); if (of.length <= shown + 10 && q.hasNextPage) void q.fetchNextPage(); }}>{t(m.older)}</Button>
          <span className="muted">{t(m.looked, { k: of.length, n: all.length })}</span>
        </div>
      )}
    </Card>
  );
}
