import { Button, Checkbox } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';

import { exemplars as askExemplars } from '../../api/explore';
import { passing } from '../../api/passing';
import { seriesColors } from '../../app/theme';
import { useLanguage, useT } from '../../i18n';
import type { TimeState } from '../../time/state';
import { Chart } from '../../ui/Chart';
import { download } from '../../ui/files';
import { clock, figure } from '../../ui/format';
import { Card, Empty, Failed, LabelList, Loading, Notice } from '../../ui/parts';
import { graphCSV, join, numberOf, stack } from './frames';
import { Legend } from './Legend';
import { answeredOf, linesOf, notRun, type Result } from './results';

const m = {
  title: { en: 'Graph', zh: '图表' },
  stacked: { en: 'Stacked', zh: '堆叠' },
  log: { en: 'Logarithmic', zh: '对数轴' },
  points: { en: 'Points', zh: '数据点' },
  exemplars: { en: 'Exemplars', zh: '示例' },
  label: { en: 'Graph of the queries', zh: '查询的图表' },
  none: { en: 'No series in this time range', zh: '此时间范围内没有序列' },
  empty: { en: '{refs} has no series in this time range. Explain shows why.', zh: '{refs} 在此时间范围内没有序列。“解释”可显示原因。' },
  why: { en: 'Explain shows which part of the expression has nothing.', zh: '“解释”可显示表达式中哪一部分没有数据。' },
  ask: { en: 'Nothing is asked yet', zh: '尚未查询' },
  askHow: { en: 'Write an expression above and press Enter, or pick a metric from the browser.', zh: '在上方输入表达式并按 Enter，或从指标浏览器中选择指标。' },
  many: { en: '{shown} of {all} series are drawn, so that the page stays quick.', zh: '为保持流畅，仅绘制 {all} 条序列中的 {shown} 条。' },
  all: { en: 'Draw all', zh: '全部绘制' },
  noExemplars: { en: 'No exemplars in this range: the targets send none, or exemplar storage is off.', zh: '此范围内没有示例：目标未发送，或未启用示例存储。' },
  exemplarsTitle: { en: 'Exemplars ({n})', zh: '示例（{n}）' },
  trace: { en: 'Trace', zh: '跟踪' },
  time: { en: 'Time', zh: '时间' },
  value: { en: 'Value', zh: '值' },
  labels: { en: 'Labels', zh: '标签' },
};

/** What is drawn at once without being asked for. */
const mostDrawn = 500;
const mostExemplars = 500;
export const short = (v: number): string => {
  const f = figure(v);
  return f.number + f.unit;
};

export interface GraphOptions {
  stack?: boolean;
  log?: boolean;
  points?: boolean;
  exemplars?: boolean;
}

/** GraphView draws the range queries on one axis. */
export function GraphView({ results, time, datasource, options, onOption }: {
  results: Result[]; time: TimeState; datasource?: string; options: GraphOptions; onOption: (name: keyof GraphOptions, on: boolean) => void;
}): ReactNode {
  const t = useT();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  const answers = results.map((r) => r.answer);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const { times, lines } = useMemo(() => (results.length === 0 ? { times: [], lines: [] } : join(results.map(linesOf))), [...answers, ...results.map((r) => `${r.ref}${r.query.legend}${r.window.start}${r.window.end}${r.window.step}`), results.length]);
  const keys = useMemo(() => lines.map((l) => `${l.ref} ${JSON.stringify(l.labels)}`), [lines]);
  const colors = useMemo(() => lines.map((_, i) => seriesColors[i % seriesColors.length]!), [lines]);
  const shown = useMemo(() => {
    const out: number[] = [];
    for (let i = 0; i < lines.length && (all || out.length < mostDrawn); i++) if (!hidden.has(keys[i]!)) out.push(i);
    return out;
  }, [lines, keys, hidden, all]);
  const series = useMemo(() => shown.map((i) => ({ name: results.length > 1 ? `${lines[i]!.ref}: ${lines[i]!.name}` : lines[i]!.name, color: colors[i]!, values: lines[i]!.values, fill: options.stack })), [shown, lines, colors, options.stack, results.length]);
  const drawn = useMemo(() => (options.stack ? stack(series.map((s) => s.values)) : undefined), [series, options.stack]);
  const found = useExemplars(options.exemplars ? results : [], datasource);
  const trace = t(m.trace);
  const dots = useMemo(() => found.list.filter((e) => Number.isFinite(e.value)).map((e) => ({ at: e.at, value: e.value, color: seriesColors[1]!, says: says(e, trace) })), [found.list, trace]);
  // A click shows this one alone, or all again; with Ctrl it takes one in or out.
  const toggle = (key: string, one: boolean): void => {
    const next = new Set(hidden);
    if (one) {
      if (!next.delete(key)) next.add(key);
    } else {
      const alone = !hidden.has(key) && keys.filter((k) => !hidden.has(k)).length === 1;
      next.clear();
      if (!alone) for (const k of keys) if (k !== key) next.add(k);
    }
    setHidden(next);
  };
  const pending = results.some((r) => r.pending && !r.answer);
  const failed = results.filter((r) => r.error);
  const empty = lines.length === 0 ? [] : results.filter((r) => r.answer && !lines.some((l) => l.ref === r.ref)).map((r) => r.ref);
  const warnings = [...new Set(results.flatMap((r) => [...(r.answer?.warnings ?? []), ...(r.answer?.infos ?? [])]))];
  return (
    <>
      {failed.map((r) => <Failed key={r.ref} what={t(notRun)} error={new Error(`${r.ref}: ${r.error instanceof Error ? r.error.message : String(r.error)}`)} retry={r.retry} />)}
      {warnings.length > 0 && <Notice tone="warning">{warnings.slice(0, 5).map((w) => <div key={w}>{w}</div>)}</Notice>}
      {empty.length > 0 && <Notice tone="info">{t(m.empty, { refs: empty.join(', ') })}</Notice>}
      <Card flush title={t(m.title)} actions={
        <div style={{ display: 'flex', gap: 12, alignItems: 'center', flexWrap: 'wrap' }}>
          {(['stack', 'log', 'points', 'exemplars'] as const).map((o) => <Checkbox key={o} label={t(o === 'stack' ? m.stacked : m[o])} checked={!!options[o]} onChange={(e) => onOption(o, e.currentTarget.checked)} />)}
          <Button variant="default" size="compact-xs" disabled={lines.length === 0} onClick={() => download('explore.csv', graphCSV(results.flatMap(answeredOf)), 'text/csv')}>CSV</Button>
        </div>}>
        <div data-panel-type="timeseries" data-panel-state={pending ? 'loading' : lines.length > 0 ? 'data' : failed.length > 0 ? 'error' : 'empty'} aria-busy={pending}>
          {pending && lines.length === 0 ? <div className="card-body"><Loading height={340} /></div> : lines.length === 0 ? (
            <div style={{ minHeight: 200 }}>{results.length === 0 ? <Empty title={t(m.ask)}>{t(m.askHow)}</Empty> : failed.length === results.length ? null : <Empty title={t(m.none)}>{t(m.why)}</Empty>}</div>
          ) : (
            <>
              <div className="card-body">
                <Chart times={times} series={series} drawn={drawn} range={time.range} zone={time.zone} height={340} format={short} onZoom={time.zoom} label={t(m.label)} log={options.log} points={options.points} dots={dots} />
              </div>
              {!all && lines.length > mostDrawn && (
                <div className="explore-bar">
                  <span className="muted">{t(m.many, { shown: shown.length, all: lines.length })}</span>
                  <button type="button" className="explore-link" onClick={() => setAll(true)}>{t(m.all)}</button>
                </div>
              )}
              <Legend lines={lines} keys={keys} colors={colors} hidden={hidden} prefix={results.length > 1} onToggle={toggle} format={short} />
            </>
          )}
        </div>
      </Card>
      {options.exemplars && (
        <Card flush title={t(m.exemplarsTitle, { n: found.list.length })}>
          {found.error ? <div className="card-body"><Failed error={found.error} /></div> : found.list.length === 0 ? <Empty title={t(m.noExemplars)} /> : <Exemplars list={found.list.slice(-100)} zone={time.zone} />}
        </Card>
      )}
    </>
  );
}

interface Exemplar {
  at: number;
  value: number;
  labels: Record<string, string>;
  series: Record<string, string>;
}

const traceOf = (e: Exemplar): string => e.labels.trace_id ?? e.labels.traceID ?? e.labels.traceId ?? '';

/** says is what the tooltip of an exemplar has: its trace first, then what it has of its own, then its series. */
function says(e: Exemplar, trace: string): [string, string][] {
  const rest = { ...e.series, ...e.labels };
  for (const known of traceLabels) delete rest[known];
  return [...(traceOf(e) ? [[trace, traceOf(e)] as [string, string]] : []), ...Object.entries(e.labels).filter(([n]) => n in rest), ...Object.entries(e.series).filter(([n]) => n in rest && !(n in e.labels))];
}

const traceLabels = ['trace_id', 'traceID', 'traceId', '__name__'];

function useExemplars(results: Result[], datasource?: string): { list: Exemplar[]; error: unknown } {
  const answers = useQueries({
    queries: results.map((r) => ({
      ...passing,
      queryKey: ['explore', 'exemplars', datasource, r.expr, r.window.start, r.window.end],
      queryFn: ({ signal }: { signal: AbortSignal }) => askExemplars({ query: r.expr, start: r.window.start, end: r.window.end, datasource, signal }),
    })),
  });
  const data = answers.map((a) => a.data);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const list = useMemo(() => data.flatMap((d) => (d ?? []).flatMap((s) => s.exemplars.map((e) => ({ at: e.timestamp * 1000, value: numberOf(e.value), labels: e.labels, series: s.seriesLabels })))).sort((a, b) => a.at - b.at).slice(-mostExemplars), data);
  return { list, error: answers.find((a) => a.error)?.error };
}

function Exemplars({ list, zone }: { list: Exemplar[]; zone: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  return (
    <div className="table-scroll" style={{ maxHeight: 260, overflow: 'auto' }}>
      <table className="table as-cards">
        <thead><tr><th>{t(m.time)}</th><th className="num">{t(m.value)}</th><th>{t(m.trace)}</th><th>{t(m.labels)}</th></tr></thead>
        <tbody>
          {[...list].reverse().map((e, i) => (
            <tr key={i}>
              <td data-name={t(m.time)}>{clock(e.at, l, zone)}</td><td data-name={t(m.value)} className="num">{short(e.value)}</td>
              <td data-name={t(m.trace)}><code>{traceOf(e) || '–'}</code></td><td data-name={t(m.labels)}><LabelList labels={{ ...e.series, ...e.labels }} without={traceLabels} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
