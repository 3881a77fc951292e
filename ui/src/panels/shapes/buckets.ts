// From frames to the cells of a heatmap, and values to the buckets of a histogram. Pure.
import { heatmap } from '../../grafana/transform/heatmap';
import { type DataFrame, type Field, FieldType } from '../data';
import { nameOf } from '../fields';
import { bag, flag } from '../options';

export interface Cells {
  /** Rising moments in milliseconds, at which columns end. */
  times: number[];
  step: number;
  /** Rows from below; edges where they are known as numbers. */
  rows: { name: string; low?: number; high?: number }[];
  /** count[column * rows + row]; NaN is none. */
  counts: Float64Array;
  field?: Field;
}

/** The most cells that are drawn. */
export const mostCells = 2_000_000;

const edge = (text: string): number | undefined => {
  const s = text.trim();
  if (/^\+?inf(inity)?$/i.test(s)) return Infinity;
  return s !== '' && Number.isFinite(Number(s)) ? Number(s) : undefined;
};

/** cellsOf reads dense and sparse heatmaps, and series as rows of one. */
export function cellsOf(frames: DataFrame[], options?: unknown): Cells | undefined {
  const sparse = frames.find((f) => f.fields.some((x) => /^(yMax|yMin)$/.test(x.name)) && f.fields.some((x) => x.name === 'xMax' || x.name === 'xMin' || x.type === FieldType.time));
  if (sparse) return fromSparse(sparse);
  if (flag(options, 'calculate')) return calculated(frames, options);
  const series: { name: string; field: Field; times: number[]; le?: number }[] = [];
  for (const frame of frames) {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    if (!time) continue;
    for (const field of frame.fields) {
      if (field.type !== FieldType.number) continue;
      const name = nameOf(field, frame, frames);
      series.push({ name, field, times: time.values as number[], le: edge(field.labels?.le ?? name) });
    }
  }
  if (series.length === 0) return undefined;
  if (series.every((s) => s.le !== undefined)) series.sort((a, b) => a.le! - b.le!);
  const times = [...new Set(series.flatMap((s) => s.times))].sort((a, b) => a - b);
  if (times.length * series.length > mostCells) return undefined;
  const at = new Map(times.map((x, i) => [x, i]));
  const counts = new Float64Array(times.length * series.length).fill(NaN);
  series.forEach((s, row) => s.times.forEach((x, i) => {
    const v = s.field.values[i] as unknown;
    if (typeof v === 'number') counts[at.get(x)! * series.length + row] = v;
  }));
  return {
    times, step: stepOf(times), counts, field: series[0]!.field,
    rows: series.map((s, i) => ({ name: s.name, high: s.le, low: s.le === undefined ? undefined : i > 0 ? series[i - 1]!.le : 0 })),
  };
}

function stepOf(times: number[]): number {
  let least = Infinity;
  for (let i = 1; i < times.length; i++) least = Math.min(least, times[i]! - times[i - 1]!);
  return least === Infinity ? 60_000 : least;
}

function fromSparse(f: DataFrame): Cells | undefined {
  const get = (name: string): number[] | undefined => f.fields.find((x) => x.name === name)?.values as number[] | undefined;
  const from = f.fields.find((c) => c.name === 'xMin');
  // Columns are known by their ends.
  const x = get('xMax') ?? (from ? (from.values as number[]).map((v) => v + (from.config.interval ?? stepOf([...new Set(from.values as number[])].sort((a, b) => a - b)))) : (f.fields.find((c) => c.type === FieldType.time)?.values as number[] | undefined));
  const high = get('yMax');
  const low = get('yMin');
  const field = f.fields.find((c) => c.type === FieldType.number && !/^[xy](Min|Max)$/.test(c.name));
  const top = high ?? low;
  if (!x || !top || !field) return undefined;
  const times = [...new Set(x)].sort((a, b) => a - b);
  const tops = [...new Set(top)].sort((a, b) => a - b);
  if (times.length * tops.length > mostCells) return undefined;
  const col = new Map(times.map((v, i) => [v, i]));
  const row = new Map(tops.map((v, i) => [v, i]));
  const counts = new Float64Array(times.length * tops.length).fill(NaN);
  const lows = new Map<number, number>();
  for (let i = 0; i < f.length; i++) {
    counts[col.get(x[i]!)! * tops.length + row.get(top[i]!)!] = field.values[i] as number;
    if (low && high) lows.set(high[i]!, low[i]!);
  }
  return { times, step: from?.config.interval ?? stepOf(times), counts, field, rows: tops.map((v, i) => ({ name: String(Number(v.toPrecision(4))), high: v, low: lows.get(v) ?? tops[i - 1] ?? 0 })) };
}

/** calculated counts the values itself, as the transformation of that name does. More cells than it gives are none. */
function calculated(frames: DataFrame[], options: unknown): Cells | undefined {
  const [counted] = heatmap(frames, bag(options, 'calculation'), () => undefined);
  return counted && fromSparse(counted);
}

/** shade is where a count lies in a scale, from 0 to 1. */
export function shade(v: number, min: number, max: number, exponent = 1): number {
  if (!(max > min)) return v >= max ? 1 : 0;
  return Math.max(0, Math.min(1, (v - min) / (max - min))) ** exponent;
}

export interface Bucket {
  low: number;
  high: number;
  counts: number[];
}

/** histogramOf counts values of several fields into common buckets of a round size. */
export function histogramOf(fields: readonly (readonly unknown[])[], size?: number, offset = 0, count = 30): Bucket[] {
  const numbers = fields.map((f) => f.filter((v): v is number => typeof v === 'number' && Number.isFinite(v)));
  let lo = Infinity;
  let hi = -Infinity;
  for (const f of numbers) for (const v of f) {
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  if (lo > hi) return [];
  const raw = size !== undefined && size > 0 ? size : (hi - lo) / Math.max(1, count) || Math.abs(lo) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  let by = size !== undefined && size > 0 ? size : power * ([1, 2, 2.5, 5, 10].find((f) => f * power >= raw * 0.999) ?? 10);
  // A size that would give more buckets than pixels is made greater.
  while ((hi - lo) / by > 500) by *= 2;
  const first = Math.floor((lo - offset) / by);
  const n = Math.floor((hi - offset) / by) - first + 1;
  const out = Array.from({ length: n }, (_, i): Bucket => ({ low: (first + i) * by + offset, high: (first + i + 1) * by + offset, counts: numbers.map(() => 0) }));
  numbers.forEach((f, at) => f.forEach((v) => { out[Math.min(n - 1, Math.floor((v - offset) / by) - first)]!.counts[at]!++; }));
  return out;
}

export interface Stretch {
  from: number;
  to: number;
  row: number;
}

export interface Pauses {
  /** The pause between samples, where it is known: a state without the next sample ends after it. */
  interval?: number;
  /** Whether pauses are drawn over: always, never, or those of no more than so many milliseconds. */
  span: boolean | number;
}

/** stretches joins neighbours that look the same. What has no value, or no sample, is a pause. */
export function stretches(times: readonly number[], looks: readonly (string | undefined)[], end: number, merge: boolean, pauses: Pauses = { span: false }): Stretch[] {
  const out: Stretch[] = [];
  const { interval = 0, span } = pauses;
  let before = -Infinity; // the last sample that had a value
  for (let i = 0; i < times.length; i++) {
    const at = times[i]!;
    if (looks[i] === undefined) continue;
    const next = times[i + 1] ?? end;
    const to = interval > 0 && next - at > interval * 1.5 ? Math.min(at + interval, end) : next;
    const last = out.at(-1);
    if (last && last.to < at && (span === true || (typeof span === 'number' && at - before <= span))) last.to = at;
    if (merge && last && last.to === at && looks[last.row] === looks[i]) last.to = to;
    else out.push({ from: at, to, row: i });
    before = at;
  }
  return out;
}
