import { useQueries } from '@tanstack/react-query';

import { instantWithStats, rangeWithStats, type StatsAnswer } from '../../api/explore';
import { passing } from '../../api/passing';
import type { Point } from '../../api/prometheus';
import { duration, type Range, stepFor } from '../../time/range';
import { type ExploreQuery, letter, type View } from './address';
import { expand } from './defaults';
import { align, grid, legendText, type Line, pointsOf, rowsOf, type TableRow } from './frames';

/** The head of what a query that failed says. */
export const notRun = { en: 'The query failed', zh: '查询失败' };

/** What Prometheus allows of one series in one answer. */
const mostPoints = 11_000;

export interface Window {
  start: number;
  end: number;
  step: number;
}

/** windowOf is what is asked for of a query: whole steps, so that the same times come again with the next refresh. */
export function windowOf(range: Range, step: string, points = 600): Window {
  const length = (range.to - range.from) / 1000;
  const wanted = duration(step);
  let s = wanted ? wanted / 1000 : stepFor(range, points);
  if (length / s > mostPoints - 1) s = stepFor(range, mostPoints - 1);
  return { start: Math.floor(range.from / 1000 / s) * s, end: Math.floor(range.to / 1000 / s) * s, step: s };
}

export interface Result {
  ref: string;
  query: ExploreQuery;
  /** With variables filled in. */
  expr: string;
  window: Window;
  answer: StatsAnswer | undefined;
  error: unknown;
  pending: boolean;
  retry: () => void;
}

/** useResults asks what a view shows: ranges for the graph, instants for the table. */
export function useResults(queries: readonly ExploreQuery[], view: View, range: Range, scrape: number, datasource: string | undefined): Result[] {
  const asked = queries
    .map((query, i) => ({ query, ref: letter(i), window: windowOf(range, query.step) }))
    .filter(({ query }) => !query.hidden && query.expr.trim() !== '' && (view === 'graph' ? query.type !== 'instant' : view === 'table' ? query.type !== 'range' : true));
  const exprs = asked.map(({ query, window }) => expand(query.expr, { step: window.step, scrape, range: (range.to - range.from) / 1000 }));
  const answers = useQueries({
    queries: asked.map(({ window }, i) => {
      const q = exprs[i]!;
      return view === 'graph'
        ? { ...passing, queryKey: ['explore', 'range', datasource, q, window.start, window.end, window.step], queryFn: ({ signal }: { signal: AbortSignal }) => rangeWithStats({ query: q, ...window, datasource, signal }) }
        : { ...passing, queryKey: ['explore', 'instant', datasource, q, range.to], queryFn: ({ signal }: { signal: AbortSignal }) => instantWithStats({ query: q, time: range.to / 1000, datasource, signal }) };
    }),
  });
  return asked.map((a, i) => {
    const answer = answers[i]!;
    // Data of another question is no answer to this one.
    return { ...a, expr: exprs[i]!, answer: answer.isError ? undefined : answer.data, error: answer.error, pending: answer.isPending || (answer.isPlaceholderData && answer.isFetching), retry: () => void answer.refetch() };
  });
}

export function linesOf(r: Result): { times: number[]; lines: Line[] } {
  const times = grid(r.window.start, r.window.end, r.window.step);
  const data = r.answer?.data;
  if (data?.resultType !== 'matrix') return { times, lines: [] };
  return { times, lines: data.result.map((s) => ({ ref: r.ref, labels: s.metric, name: legendText(r.query.legend, s.metric), values: align(pointsOf(s), times, r.window.step) })) };
}

/** answeredOf are the series as the server answered them. */
export function answeredOf(r: Result): { ref: string; name: string; points: readonly Point[] }[] {
  const data = r.answer?.data;
  return data?.resultType === 'matrix' ? data.result.map((s) => ({ ref: r.ref, name: legendText(r.query.legend, s.metric), points: pointsOf(s) })) : [];
}

export function tableOf(r: Result): TableRow[] {
  const data = r.answer?.data;
  if (!data) return [];
  if (data.resultType === 'vector') return rowsOf(r.ref, data.result);
  if (data.resultType === 'matrix') return data.result.flatMap((s) => pointsOf(s).map(([at, value]) => ({ ref: r.ref, labels: s.metric, value, at })));
  return [{ ref: r.ref, labels: {}, value: data.result[1], at: data.result[0] }];
}
