import { Button, Group, NumberInput, Select, SegmentedControl, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useState } from 'react';

import { backtest } from '../../api/backtest';
import { ApiError } from '../../api/client';
import { parseQuery, rangeWithStats } from '../../api/explore';
import type { MatrixSeries } from '../../api/prometheus';
import { seriesColors } from '../../app/theme';
import { useLanguage, useT } from '../../i18n';
import { duration } from '../../time/range';
import type { TimeState } from '../../time/state';
import { Chart } from '../../ui/Chart';
import { CopyButton } from '../../ui/CopyButton';
import { download } from '../../ui/files';
import { clock } from '../../ui/format';
import { Card, Failed, Loading, Notice } from '../../ui/parts';
import { type AlertDraft, backtestCommand, problems, ruleYAML, testYAML, withoutComments } from './alert';
import { BacktestGraph } from './BacktestGraph';
import { BacktestResult } from './BacktestResult';
import { align, grid, pointsOf, seriesName, wouldFire } from './frames';
import { short } from './GraphView';
import { NoTest, recordInput } from './recorded';
import { windowOf } from './results';
import { type Comparison, splitThreshold } from './tree';

const m = {
  title: { en: 'Make this an alert', zh: '转为告警' },
  close: { en: 'Close', zh: '关闭' },
  name: { en: 'Name', zh: '名称' },
  nameHint: { en: 'such as HighErrorRate', zh: '如 HighErrorRate' },
  nameBad: { en: 'Give the alert a name', zh: '请填写告警名称' },
  expr: { en: 'Fires where', zh: '触发条件' },
  op: { en: 'Comparison', zh: '比较' },
  threshold: { en: 'Threshold', zh: '阈值' },
  hold: { en: 'For', zh: '持续' },
  holdBad: { en: 'Write a duration such as 5m, or 0s', zh: '请输入时长，如 5m 或 0s' },
  severity: { en: 'Severity', zh: '级别' },
  labels: { en: 'Labels, one a line: name=value', zh: '标签，每行一个：name=value' },
  labelsBad: { en: 'Write name=value; a name has letters, digits and _', zh: '请写成 name=value；名称由字母、数字和 _ 组成' },
  summary: { en: 'Summary', zh: '摘要' },
  description: { en: 'Description', zh: '描述' },
  templates: { en: '{{ $labels.instance }} and {{ $value | humanize }} are filled in', zh: '可使用 {{ $labels.instance }} 和 {{ $value | humanize }}' },
  preview: { en: 'Would have fired', zh: '触发预览' },
  label: { en: 'The expression with its threshold and where it would have fired', zh: '表达式、阈值及触发区间' },
  never: { en: 'It would not have fired in this time range.', zh: '在此时间范围内不会触发。' },
  times: { en: 'It would have fired {n} times in this time range, first at {first}, at steps of {step} s.', zh: '在此时间范围内会触发 {n} 次，首次于 {first}（步长 {step} 秒）。' },
  none: { en: 'The expression has no series in this time range.', zh: '此时间范围内表达式没有序列。' },
  cut: { en: 'The first {n} of {all} series are drawn; all are counted.', zh: '仅绘制 {all} 条序列中的前 {n} 条；触发次数按全部序列计算。' },
  rule: { en: 'Rule file', zh: '规则文件' },
  test: { en: 'Unit test', zh: '单元测试' },
  writeTest: { en: 'A test plays recorded samples of this server to the rule: promtool test rules {file}.', zh: '测试会向规则回放此服务器记录的样本：promtool test rules {file}。' },
  files: { en: 'Files', zh: '文件' },
  download: { en: 'Download', zh: '下载' },
  where: { en: 'Put {file} beside prometheus.yml, and name it there under rule_files. Then check it, and have it read again. Nothing is written to the server from here.', zh: '将 {file} 放在 prometheus.yml 旁，并在其 rule_files 下写上。然后检查并重新加载。此处不会写入服务器。' },
  backtest: { en: 'Run a backtest over {days} days', zh: '回测最近 {days} 天' },
  backtestTitle: { en: 'Backtest', zh: '回测' },
  command: { en: 'This server has no backtest by API. Run it from a shell:', zh: '此服务器未提供回测 API，请在命令行执行：' },
  elsewhere: { en: 'A backtest replays the data of this server, and the query asks another.', zh: '回测使用此服务器的数据，而查询来自其他数据源。' },
};

const ops: Comparison[] = ['>', '>=', '<', '<=', '==', '!='];
const draftKey = (expr: string): string => `touchline.explore.alert.${expr.slice(0, 500)}`;
const backtestDays = 7;
const mostDrawn = 500;
const noSeries: MatrixSeries[] = [];

interface Typed {
  name: string;
  op: Comparison;
  threshold: number;
  hold: string;
  severity: string;
  labels: string;
  summary: string;
  description: string;
}

function kept(expr: string): Partial<Typed> {
  try {
    return JSON.parse(sessionStorage.getItem(draftKey(expr)) ?? '{}') as Partial<Typed>;
  } catch {
    return {};
  }
}

interface Props {
  expr: string;
  time: TimeState;
  datasource?: string;
  serverURL: string;
  onClose: () => void;
}

/** AlertForm makes a rule of a query, and shows what it would have done before it is used. */
export function AlertForm(p: Props): ReactNode {
  const t = useT();
  const parsed = useQuery({ queryKey: ['explore', 'parse', p.expr], queryFn: ({ signal }) => parseQuery(p.expr, signal), staleTime: Infinity, placeholderData: undefined });
  if (parsed.error) return <Failed error={parsed.error} retry={() => void parsed.refetch()} />;
  if (!parsed.data) return <Loading height={300} />;
  const split = splitThreshold(parsed.data);
  return (
    <Card title={t(m.title)} actions={<Button variant="default" size="compact-xs" onClick={p.onClose}>{t(m.close)}</Button>}>
      <Form {...p} expr={split?.expr ?? withoutComments(p.expr)} asked={p.expr} op={split?.op} threshold={split?.value} />
    </Card>
  );
}

function Form({ expr, asked, op, threshold, time, datasource, serverURL }: Props & { asked: string; op?: Comparison; threshold?: number }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const [f, setF] = useState<Typed>(() => ({ name: '', op: op ?? '>', threshold: threshold ?? 0, hold: '5m', severity: 'warning', labels: '', summary: '', description: '', ...kept(asked) }));
  useEffect(() => {
    // What is typed outlives a reload and a session that ends.
    try {
      sessionStorage.setItem(draftKey(asked), JSON.stringify(f));
    } catch {
      // It holds until the page is left.
    }
  }, [f, asked]);
  const typed = (by: Partial<Typed>): void => setF((old) => ({ ...old, ...by }));
  const pairs = f.labels.split('\n').map((x) => x.trim()).filter((x) => x !== '');
  const draft: AlertDraft = {
    name: f.name, expr, op: f.op, threshold: f.threshold, hold: f.hold, severity: f.severity, summary: f.summary, description: f.description,
    labels: Object.fromEntries(pairs.map((x): [string, string] => { const i = x.indexOf('='); return i < 0 ? [`=${x}`, ''] : [x.slice(0, i).trim(), x.slice(i + 1).trim()]; })),
  };
  const wrong = problems(draft);
  const hold = (duration(f.hold) ?? 0) / 1000;
  const window = windowOf(time.range, '', 720);
  const answer = useQuery({ queryKey: ['explore', 'range', datasource, expr, window.start, window.end, window.step], queryFn: ({ signal }) => rangeWithStats({ query: expr, ...window, datasource, signal }) });
  const data = answer.data?.data;
  const times = useMemo(() => grid(window.start, window.end, window.step), [window.start, window.end, window.step]);
  const all = data?.resultType === 'matrix' ? data.result : noSeries;
  const lines = useMemo(() => all.slice(0, mostDrawn).map((s) => ({ name: seriesName(s.metric), values: align(pointsOf(s), times, window.step) })), [all, times, window.step]);
  // All of them fire, also where a chart cannot draw what they are.
  const exact = useMemo(() => all.map((s) => align(pointsOf(s), times, window.step, true)), [all, times, window.step]);
  const firing = useMemo(() => (Number.isFinite(f.threshold) ? wouldFire(times, exact, f.op, f.threshold, hold) : []), [times, exact, f.op, f.threshold, hold]);
  const series = useMemo(() => lines.map((x, i) => ({ ...x, color: seriesColors[i % seriesColors.length]! })), [lines]);
  const bands = useMemo(() => firing.slice(0, 500).map((x) => ({ from: x.from * 1000, to: (x.to ?? window.end) * 1000, color: 'rgba(214,95,95,0.22)' })), [firing, window.end]);
  const marks = useMemo(() => [{ value: f.threshold, color: '#d65f5f' }], [f.threshold]);
  return (
    <div className="grid">
      <Stack gap="xs" style={{ gridColumn: 'span 4' }}>
        <TextInput label={t(m.name)} placeholder={t(m.nameHint)} value={f.name} onChange={(e) => typed({ name: e.currentTarget.value })} error={wrong.name && f.name !== '' ? t(m.nameBad) : undefined} required />
        <div><div style={{ fontSize: 12, fontWeight: 500 }}>{t(m.expr)}</div><code style={{ overflowWrap: 'anywhere' }}>{expr}</code></div>
        <Group gap={8} grow align="flex-start">
          <Select label={t(m.op)} data={ops} value={f.op} allowDeselect={false} onChange={(v) => typed({ op: v as Comparison })} />
          <NumberInput label={t(m.threshold)} value={f.threshold} hideControls onChange={(v) => typed({ threshold: v === '' || v === '-' ? NaN : Number(v) })} error={!!wrong.threshold} />
          <TextInput label={t(m.hold)} value={f.hold} onChange={(e) => typed({ hold: e.currentTarget.value.trim() })} error={wrong.hold ? t(m.holdBad) : undefined} />
        </Group>
        <Select label={t(m.severity)} data={['critical', 'warning', 'info']} value={f.severity} allowDeselect={false} onChange={(v) => typed({ severity: v ?? '' })} />
        <Textarea label={t(m.labels)} autosize minRows={1} maxRows={5} value={f.labels} onChange={(e) => typed({ labels: e.currentTarget.value })} error={wrong.labels ? t(m.labelsBad) : undefined} />
        <TextInput label={t(m.summary)} description={t(m.templates)} value={f.summary} onChange={(e) => typed({ summary: e.currentTarget.value })} />
        <Textarea label={t(m.description)} autosize minRows={2} maxRows={6} value={f.description} onChange={(e) => typed({ description: e.currentTarget.value })} />
      </Stack>
      <Stack gap="sm" style={{ gridColumn: 'span 8', minWidth: 0 }}>
        <div>
          <h3>{t(m.preview)}</h3>
          <div style={{ minHeight: 240 }} data-panel-type="timeseries" data-panel-state={answer.error ? 'error' : !data ? 'loading' : lines.length > 0 ? 'data' : 'empty'}>
            {answer.error ? <Failed error={answer.error} retry={() => void answer.refetch()} /> : !data ? <Loading height={220} /> : lines.length === 0 ? <Notice tone="warning">{t(m.none)}</Notice> : (
              <>
                <p role="status" style={{ margin: '2px 0 6px' }}>{firing.length === 0 ? t(m.never) : t(m.times, { n: firing.length, first: clock(firing[0]!.from * 1000, l, time.zone, true), step: window.step })}</p>
                <Chart times={times} series={series} range={time.range} zone={time.zone} height={210} format={short} lines={marks} bands={bands} onZoom={time.zoom} label={t(m.label)} />
                {all.length > mostDrawn && <div className="muted">{t(m.cut, { n: mostDrawn, all: all.length })}</div>}
              </>
            )}
          </div>
        </div>
        <Files draft={draft} ready={Object.keys(wrong).length === 0} range={time.range} first={firing[0]?.from} datasource={datasource} serverURL={serverURL} zone={time.zone} />
      </Stack>
    </div>
  );
}

function Files({ draft, ready, range, first, datasource, serverURL, zone }: { draft: AlertDraft; ready: boolean; range: { from: number; to: number }; first: number | undefined; datasource?: string; serverURL: string; zone: string }): ReactNode {
  const t = useT();
  const [file, setFile] = useState<'rule' | 'test'>('rule');
  const base = draft.name.trim().replace(/[^\w.-]+/g, '_') || 'alert';
  const name = file === 'rule' ? `${base}.yml` : `${base}_test.yml`;
  const rule = ruleYAML({ ...draft, name: draft.name.trim() || 'NewAlert' });
  const input = useQuery({
    queryKey: ['explore', 'recorded', datasource, draft.expr, draft.op, draft.threshold, draft.hold, first, range.to],
    queryFn: ({ signal }) => recordInput(draft, range, first, datasource, signal), enabled: file === 'test' && ready, placeholderData: undefined, retry: false, staleTime: Infinity,
  });
  const text = file === 'rule' ? rule : input.data ? testYAML(draft, `${base}.yml`, input.data) : '';
  // The graph is of what was replayed, whatever is typed since.
  const run = useMutation({ mutationFn: async () => { const to = Date.now(); return { draft, report: await backtest({ rules: rule, from: to - backtestDays * 86_400_000, to }) }; } });
  const absent = run.error instanceof ApiError && (run.error.status === 404 || run.error.status === 405);
  return (
    <>
      <div>
        <Group gap={8} mb={6}>
          <h3>{t(m.files)}</h3>
          <SegmentedControl aria-label={t(m.files)} value={file} onChange={(v) => setFile(v as 'rule' | 'test')} data={[{ value: 'rule', label: t(m.rule) }, { value: 'test', label: t(m.test) }]} />
          <span style={{ marginLeft: 'auto', display: 'flex', gap: 8 }}>
            <CopyButton text={() => text} />
            <Button variant="default" size="compact-xs" disabled={!ready || text === ''} onClick={() => download(name, text, 'application/yaml')}>{t(m.download)}</Button>
          </span>
        </Group>
        {!ready && <Notice tone="info">{t(m.nameBad)}</Notice>}
        {file === 'test' && ready && <p className="muted" style={{ margin: '4px 0' }}>{t(m.writeTest, { file: name })}</p>}
        {file === 'test' && input.error ? (input.error instanceof NoTest ? <Notice tone="info">{t(input.error.text, input.error.fill)}</Notice> : <Failed error={input.error} retry={() => void input.refetch()} />) :
          file === 'test' && ready && !input.data ? <Loading height={120} /> : text !== '' && <pre className="explore-yaml" tabIndex={0} aria-label={name}>{text}</pre>}
        {file === 'rule' && <><p className="muted" style={{ margin: '4px 0' }}>{t(m.where, { file: `${base}.yml` })}</p><pre className="explore-yaml">{`# prometheus.yml\nrule_files: [${base}.yml]\n\n# shell\ntouchline check prometheus.yml && kill -HUP "$(pidof touchline)"`}</pre></>}
      </div>
      <div>
        <Group gap={8} mb={6}>
          <h3>{t(m.backtestTitle)}</h3>
          {!datasource && <Button variant="default" size="compact-xs" disabled={!ready} loading={run.isPending} onClick={() => run.mutate()}>{t(m.backtest, { days: backtestDays })}</Button>}
        </Group>
        {datasource && <p className="muted" style={{ margin: 0 }}>{t(m.elsewhere)}</p>}
        {absent ? <Notice tone="info">{t(m.command)} <code style={{ userSelect: 'all', overflowWrap: 'anywhere' }}>{backtestCommand(`${base}.yml`, serverURL, Date.now() - backtestDays * 86_400_000)}</code></Notice> : run.error ? <Failed error={run.error} retry={() => run.mutate()} /> : run.data && <><BacktestGraph report={run.data.report} expr={run.data.draft.expr} threshold={run.data.draft.threshold} zone={zone} /><BacktestResult report={run.data.report} zone={zone} /></>}
      </div>
    </>
  );
}
