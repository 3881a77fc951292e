// Puts the values of frames upon one rising vector of times.
import type { Value } from './stack';

export interface Line {
  times: readonly number[];
  values: readonly Value[];
  /** The pause between points in milliseconds, where it is known. */
  interval?: number;
  /** Whether gaps are drawn over: always, never, or those that are no longer than so many milliseconds. */
  span: boolean | number;
}

export interface Aligned {
  times: number[];
  /** null is a gap; undefined is drawn over. */
  values: Value[][];
}

/** align joins lines of different times. Points that are further apart than the interval get a gap between them. */
export function align(lines: readonly Line[]): Aligned {
  if (lines.length === 0) return { times: [], values: [] };
  const prepared = new Map<readonly number[], { times: readonly number[]; gaps: Set<number>; interval: number }>();
  const known: { times: readonly number[]; gaps: Set<number>; interval: number }[] = [];
  for (const l of lines) {
    if (prepared.has(l.times)) continue;
    // Most series of one query have equal times in arrays of their own.
    const same = known.find((k) => equal(k.times, l.times));
    if (same) prepared.set(l.times, same);
    else {
      const interval = l.interval && l.interval > 0 ? l.interval : pace(l.times);
      const p = { times: l.times, gaps: gapsOf(l.times, interval), interval };
      if (known.length < 64) known.push(p);
      prepared.set(l.times, p);
    }
  }
  const distinct = [...new Set(prepared.values())];
  const all = new Set<number>();
  for (const d of distinct) {
    for (const t of d.times) all.add(t);
    for (const g of d.gaps) all.add(g);
  }
  const times = [...all].sort((a, b) => a - b);
  const direct = distinct.length === 1 && distinct[0]!.gaps.size === 0 && rising(distinct[0]!.times);
  const at = new Map<number, number>();
  if (!direct) times.forEach((t, i) => at.set(t, i));
  return {
    times,
    values: lines.map((l) => {
      const p = prepared.get(l.times)!;
      let out: Value[];
      if (direct) out = l.values.slice(0, times.length) as Value[];
      else {
        out = new Array<Value>(times.length).fill(undefined);
        for (const g of p.gaps) out[at.get(g)!] = null;
        l.times.forEach((t, i) => { out[at.get(t)!] = l.values[i] ?? null; });
      }
      for (let i = 0; i < out.length; i++) if (typeof out[i] === 'number' && !Number.isFinite(out[i])) out[i] = null;
      if (l.span === true) for (let i = 0; i < out.length; i++) out[i] ??= undefined;
      else if (typeof l.span === 'number') bridge(out, times, l.span);
      return out;
    }),
  };
}

function rising(times: readonly number[]): boolean {
  for (let i = 1; i < times.length; i++) if (times[i]! <= times[i - 1]!) return false;
  return true;
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** pace is the smallest pause between points. */
export function pace(times: readonly number[]): number {
  let least = Infinity;
  for (let i = 1; i < times.length; i++) {
    const d = times[i]! - times[i - 1]!;
    if (d > 0 && d < least) least = d;
  }
  return least === Infinity ? 0 : least;
}

function gapsOf(times: readonly number[], interval: number): Set<number> {
  const out = new Set<number>();
  if (interval <= 0) return out;
  const here = new Set(times);
  for (let i = 1; i < times.length; i++) {
    const d = times[i]! - times[i - 1]!;
    if (d > interval * 1.5 && !here.has(times[i - 1]! + interval)) out.add(times[i - 1]! + interval);
  }
  return out;
}

/** bridge draws over gaps of at most so many milliseconds. */
function bridge(values: Value[], times: readonly number[], most: number): void {
  let last = -1;
  for (let i = 0; i < values.length; i++) {
    if (typeof values[i] !== 'number') continue;
    if (last >= 0 && i - last > 1) {
      const to = times[i]! - times[last]! <= most ? undefined : null;
      for (let j = last + 1; j < i; j++) values[j] = to;
    }
    last = i;
  }
}
