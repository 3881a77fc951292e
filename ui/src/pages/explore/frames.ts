import type { Labels, MatrixSeries, Point, VectorSample } from '../../api/prometheus';
import type { Comparison } from './tree';

/** One line of the graph. */
export interface Line {
  /** Which query it is of, such as "A". */
  ref: string;
  name: string;
  labels: Labels;
  values: (number | null)[];
}

/** seriesName is a series as PromQL writes it. */
export function seriesName(labels: Labels): string {
  const rest = Object.entries(labels).filter(([n]) => n !== '__name__').sort(([a], [b]) => (a < b ? -1 : 1)).map(([n, v]) => `${n}=${JSON.stringify(v)}`);
  const name = labels.__name__ ?? '';
  return rest.length > 0 ? `${name}{${rest.join(', ')}}` : name || '{}';
}

/** legendText fills labels into "{{instance}}"; a label that is not there is left empty. */
export function legendText(format: string, labels: Labels): string {
  return format === '' ? seriesName(labels) : format.replace(/\{\{\s*([\w.:-]+)\s*\}\}/g, (_, n: string) => labels[n] ?? '');
}

export const numberOf = (v: string): number => (v === '+Inf' ? Infinity : v === '-Inf' ? -Infinity : Number(v));

/** grid is the times at which a range query is evaluated, in seconds. */
export function grid(start: number, end: number, step: number): number[] {
  const out: number[] = [];
  for (let i = 0; start + i * step <= end + 1e-6; i++) out.push(start + i * step);
  return out;
}

/**
 * align puts a series on the times of its query; null is where it has no sample.
 * What a chart cannot draw is null as well, but where it is to be exact.
 */
export function align(points: readonly Point[], times: readonly number[], step: number, exact = false): (number | null)[] {
  const out = new Array<number | null>(times.length).fill(null);
  const first = times[0] ?? 0;
  for (const [at, text] of points) {
    const i = Math.round((at - first) / step);
    const v = numberOf(text);
    if (i >= 0 && i < out.length && (exact || Number.isFinite(v))) out[i] = v;
  }
  return out;
}

/** pointsOf are the values of a series; of a native histogram, its counts. */
export function pointsOf(s: MatrixSeries): Point[] {
  return s.values ?? (s.histograms ?? []).map(([at, h]): Point => [at, h.count]);
}

/** join puts lines of several grids on one: the union of their times. */
export function join(parts: readonly { times: number[]; lines: Line[] }[]): { times: number[]; lines: Line[] } {
  if (parts.length === 1) return parts[0]!;
  const times = [...new Set(parts.flatMap((p) => p.times))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const lines = parts.flatMap((p) =>
    p.times.length === times.length ? p.lines : p.lines.map((l) => {
      const values = new Array<number | null>(times.length).fill(null);
      // Between two points of a coarser grid the line goes on straight.
      let before = -1;
      l.values.forEach((v, i) => {
        const j = at.get(p.times[i]!)!;
        if (v === null) {
          before = -1;
          return;
        }
        values[j] = v;
        if (before >= 0) for (let k = before + 1; k < j; k++) values[k] = values[before]! + ((v - values[before]!) * (times[k]! - times[before]!)) / (times[j]! - times[before]!);
        before = j;
      });
      return { ...l, values };
    }),
  );
  return { times, lines };
}

/** stack adds each line to those below it. A line that has nothing at a time is left out there. */
export function stack(lines: readonly (number | null)[][]): (number | null)[][] {
  const sum: number[] = [];
  return lines.map((values) => values.map((v, i) => (v === null ? null : (sum[i] = (sum[i] ?? 0) + v))));
}

export interface Calculations {
  last: number | undefined;
  max: number | undefined;
  mean: number | undefined;
}

export function calculate(values: readonly (number | null)[]): Calculations {
  let last: number | undefined;
  let max: number | undefined;
  let sum = 0;
  let n = 0;
  for (const v of values) {
    if (v === null) continue;
    last = v;
    max = max === undefined || v > max ? v : max;
    sum += v;
    n++;
  }
  return { last, max, mean: n > 0 ? sum / n : undefined };
}

export function compare(op: Comparison, a: number, b: number): boolean {
  switch (op) {
    case '>': return a > b;
    case '<': return a < b;
    case '>=': return a >= b;
    case '<=': return a <= b;
    case '==': return a === b;
    case '!=': return a !== b;
  }
}

/** A stretch in which an alert would fire, in the units of the times. */
export interface Firing {
  from: number;
  /** The first time at which it does not fire any more; undefined where it still does at the end. */
  to: number | undefined;
  line: number;
}

/**
 * wouldFire follows an alert through its states for each line: true at each
 * evaluation since at least hold, it fires; not true once, it begins anew.
 */
export function wouldFire(times: readonly number[], lines: readonly (readonly (number | null)[])[], op: Comparison, threshold: number, hold: number): Firing[] {
  const out: Firing[] = [];
  lines.forEach((values, line) => {
    let since: number | undefined;
    let open: Firing | undefined;
    times.forEach((t, i) => {
      const v = values[i];
      if (v !== null && v !== undefined && compare(op, v, threshold)) {
        since ??= t;
        if (!open && t - since >= hold) out.push((open = { from: t, to: undefined, line }));
        return;
      }
      if (open) open.to = t;
      since = open = undefined;
    });
  });
  return out.sort((a, b) => a.from - b.from || a.line - b.line);
}

export interface TableRow {
  ref: string;
  labels: Labels;
  /** As the server wrote it. */
  value: string;
  at: number;
}

export function rowsOf(ref: string, result: VectorSample[]): TableRow[] {
  return result.map((s) => ({
    ref, labels: s.metric, value: s.value?.[1] ?? (s.histogram ? `count ${s.histogram[1].count}, sum ${s.histogram[1].sum}` : ''), at: s.value?.[0] ?? s.histogram?.[0] ?? 0,
  }));
}

/** columnsOf are the labels that any row has, the name first. */
export function columnsOf(rows: readonly TableRow[]): string[] {
  const names = new Set<string>();
  for (const r of rows) for (const n of Object.keys(r.labels)) names.add(n);
  return [...names].sort((a, b) => (a === '__name__' ? -1 : b === '__name__' ? 1 : a < b ? -1 : 1));
}

/** sortRows sorts by "value", "query" or a label; "-" in front turns it round. */
export function sortRows(rows: readonly TableRow[], by: string): TableRow[] {
  const down = by.startsWith('-');
  const key = down ? by.slice(1) : by;
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (key === 'value') {
      const x = numberOf(a.value);
      const y = numberOf(b.value);
      // What is no number comes last, either way.
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
      return x === y ? 0 : sign * (x < y ? -1 : 1);
    }
    const x = key === 'query' ? a.ref : (a.labels[key] ?? '');
    const y = key === 'query' ? b.ref : (b.labels[key] ?? '');
    return sign * x.localeCompare(y, undefined, { numeric: true });
  });
}

/** csvField quotes what would break a row, and takes its meaning from what a spreadsheet would compute. */
function csvField(v: string): string {
  const safe = /^[=@\t\r]/.test(v) || (/^[+-]/.test(v) && Number.isNaN(numberOf(v))) ? `'${v}` : v;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csv = (rows: readonly (readonly string[])[]): string => rows.map((r) => r.map(csvField).join(',')).join('\r\n') + '\r\n';

export function tableCSV(rows: readonly TableRow[]): string {
  const columns = columnsOf(rows);
  return csv([['query', 'time', ...columns, 'value'], ...rows.map((r) => [r.ref, new Date(r.at * 1000).toISOString(), ...columns.map((c) => r.labels[c] ?? ''), r.value])]);
}

/** graphCSV has a column for each series, with what the server answered: nothing is computed for the times between. */
export function graphCSV(series: readonly { ref: string; name: string; points: readonly Point[] }[]): string {
  const times = [...new Set(series.flatMap((s) => s.points.map(([at]) => at)))].sort((a, b) => a - b);
  const values = series.map((s) => new Map(s.points));
  return csv([['time', ...series.map((s) => `${s.ref} ${s.name}`)], ...times.map((t) => [new Date(t * 1000).toISOString(), ...values.map((v) => v.get(t) ?? '')])]);
}
