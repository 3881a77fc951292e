import type { Metadata } from '../../api/prometheus';
import type { Matcher } from './tree';
import { durationOf, selectorText } from './tree';

export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'native histogram' | 'summary' | 'info' | 'unknown';

/** familyOf is the name that metadata goes by: a histogram's own, not that of its parts. */
export function familyOf(name: string, known: (name: string) => Metadata | undefined): { family: string; meta: Metadata | undefined } {
  const own = known(name);
  if (own) return { family: name, meta: own };
  for (const tail of ['_bucket', '_count', '_sum', '_total', '_created']) {
    if (!name.endsWith(tail)) continue;
    const family = name.slice(0, -tail.length);
    const meta = known(family);
    if (meta) return { family, meta };
  }
  return { family: name, meta: undefined };
}

/** kindOf tells what a series holds, by what its target says of it, or else by its name. */
export function kindOf(name: string, meta: Metadata | undefined, native = false): MetricKind {
  if (native) return 'native histogram';
  const type = meta?.type ?? '';
  if (/_bucket$/.test(name) && (type === 'histogram' || type === '' || type === 'unknown')) return 'histogram';
  if ((type === 'histogram' || type === 'summary') && /_(count|sum)$/.test(name)) return 'counter';
  switch (type) {
    case 'counter':
    case 'gauge':
    case 'summary':
    case 'info':
      return type;
    case 'gaugehistogram':
      return 'gauge';
    case 'histogram':
      return 'native histogram';
    case 'stateset':
      return 'gauge';
  }
  if (/_(total|count|sum)$/.test(name)) return 'counter';
  if (/_info$/.test(name)) return 'info';
  return 'unknown';
}

/** rateInterval is what $__rate_interval stands for, in milliseconds: four scrapes at least, so that one that fails leaves two. */
export function rateInterval(stepMs: number, scrapeMs: number): number {
  return Math.max(stepMs + scrapeMs, 4 * scrapeMs);
}

/** expand fills in the variables of dashboards, so that a query can be pasted from one. */
export function expand(expr: string, o: { step: number; scrape: number; range: number }): string {
  const rate = durationOf(rateInterval(o.step * 1000, o.scrape * 1000));
  const values: Record<string, string> = {
    __rate_interval: rate, __interval: `${o.step}s`, __interval_ms: String(o.step * 1000),
    __range: `${Math.round(o.range)}s`, __range_s: String(Math.round(o.range)), __range_ms: String(Math.round(o.range * 1000)),
  };
  return expr.replace(/\$(?:\{(__\w+)\}|(__\w+))/g, (all, a: string | undefined, b: string | undefined) => values[a ?? b ?? ''] ?? all);
}

/** defaultQuery is the question that is asked of a metric most. rate is a range such as "1m". */
export function defaultQuery(name: string, kind: MetricKind, matchers: readonly Matcher[], rate: string): { expr: string; legend: string } {
  const sel = selectorText([{ name: '__name__', type: '=', value: name }, ...matchers]);
  switch (kind) {
    case 'counter':
      return { expr: `rate(${sel}[${rate}])`, legend: '' };
    case 'histogram':
      return { expr: `histogram_quantile(0.95, sum by (le) (rate(${sel}[${rate}])))`, legend: 'p95' };
    case 'native histogram':
      return { expr: `histogram_quantile(0.95, sum(rate(${sel}[${rate}])))`, legend: 'p95' };
    default:
      return { expr: sel, legend: '' };
  }
}
