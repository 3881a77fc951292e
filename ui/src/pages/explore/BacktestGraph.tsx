import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';

import type { BacktestExample, BacktestReport } from '../../api/backtest';
import { rangeWithStats } from '../../api/explore';
import { seriesColors } from '../../app/theme';
import { useT } from '../../i18n';
import { Chart } from '../../ui/Chart';
import { Failed, Loading, Notice } from '../../ui/parts';
import { align, grid, pointsOf, seriesName } from './frames';
import { short } from './GraphView';
import { windowOf } from './results';

const m = {
  label: { en: 'The expression over the period of the backtest; bands are when the alert would have fired', zh: '回测期间的表达式；色带为告警会触发的时间' },
  none: { en: 'The expression has no series in the period.', zh: '此期间表达式没有序列。' },
  cut: { en: 'The first {n} of {all} series are drawn.', zh: '仅绘制 {all} 条序列中的前 {n} 条。' },
  some: { en: 'Bands stand for the first {n} of {all} alerts.', zh: '色带仅表示 {all} 次告警中的前 {n} 次。' },
};

const most = 50;
const nothing: BacktestExample[] = [];

/** BacktestGraph is the expression of a rule over the time that was replayed, with bands where it would have fired. */
export function BacktestGraph({ report, expr, threshold, zone }: { report: BacktestReport; expr: string; threshold: number; zone: string }): ReactNode {
  const t = useT();
  const range = useMemo(() => ({ from: Date.parse(report.from), to: Date.parse(report.to) }), [report]);
  const window = windowOf(range, '', 720);
  const q = useQuery({
    queryKey: ['explore', 'range', undefined, expr, window.start, window.end, window.step], staleTime: Infinity,
    queryFn: ({ signal }) => rangeWithStats({ query: expr, ...window, signal }),
  });
  const times = useMemo(() => grid(window.start, window.end, window.step), [window.start, window.end, window.step]);
  const all = q.data?.data.resultType === 'matrix' ? q.data.data.result : undefined;
  const series = useMemo(() => (all ?? []).slice(0, most).map((s, i) => ({ name: seriesName(s.metric), values: align(pointsOf(s), times, window.step), color: seriesColors[i % seriesColors.length]! })), [all, times, window.step]);
  const fired = report.rules[0]?.new_examples ?? nothing;
  const bands = useMemo(() => fired.map((x) => ({ from: Date.parse(x.fired), to: x.resolved ? Date.parse(x.resolved) : range.to, color: 'rgba(214,95,95,0.22)' })), [fired, range.to]);
  const lines = useMemo(() => [{ value: threshold, color: '#d65f5f' }], [threshold]);
  if (q.error) return <Failed error={q.error} retry={() => void q.refetch()} />;
  if (!all) return <Loading height={180} />;
  if (all.length === 0) return <Notice tone="warning">{t(m.none)}</Notice>;
  const count = report.rules[0]?.new ?? 0;
  return (
    <div data-backtest-bands={bands.length}>
      <Chart times={times} series={series} range={range} zone={zone} height={180} format={short} lines={lines} bands={bands} label={t(m.label)} />
      {all.length > most && <div className="muted">{t(m.cut, { n: most, all: all.length })}</div>}
      {count > fired.length && <div className="muted">{t(m.some, { n: fired.length, all: count })}</div>}
    </div>
  );
}
