// Ranges and ticks of axes.
import { zoneOffset } from '../../time/zone';

export interface Limits {
  min?: number;
  max?: number;
  softMin?: number;
  softMax?: number;
  /** Base of a logarithmic scale. */
  log?: number;
  centered?: boolean;
  /** Bars and stacks begin at zero. */
  zero?: boolean;
}

/** rangeOf is what an axis shows of data between lo and hi. Fixed limits hold, soft ones give way to data. */
export function rangeOf(lo: number | null | undefined, hi: number | null | undefined, l: Limits): [number, number] {
  let a = lo ?? l.softMin ?? l.min ?? 0;
  let b = hi ?? l.softMax ?? l.max ?? (l.log ? l.log : 1);
  if (l.log) return logRange(a, b, l);
  if (l.softMin !== undefined) a = Math.min(a, l.softMin);
  if (l.softMax !== undefined) b = Math.max(b, l.softMax);
  if (l.zero) {
    a = Math.min(a, 0);
    b = Math.max(b, 0);
  }
  // A near zero is shown: half of a truth about sizes is a lie about them.
  if (a > 0 && a < b * 0.6) a = 0;
  if (b < 0 && b > a * 0.6) b = 0;
  if (l.centered) {
    const most = Math.max(Math.abs(a), Math.abs(b));
    [a, b] = [-most, most];
  }
  if (a === b) {
    if (a === 0) b = 1;
    else {
      const by = Math.abs(a) * 0.1;
      a -= by;
      b += by;
    }
  }
  const room = (b - a) * 0.06;
  const soft = (v: number, limit: number | undefined): boolean => v === 0 || v === limit;
  let low = l.min ?? (soft(a, l.softMin) ? a : a - room);
  let high = l.max ?? (soft(b, l.softMax) ? b : b + room);
  if (low === 0 && l.min === undefined && a === 0 && b === 0) high = 1;
  if (!(high > low)) {
    if (l.max === undefined) high = low + (Math.abs(low) || 1);
    else if (l.min === undefined) low = high - (Math.abs(high) || 1);
    else [low, high] = high < low ? [high, low] : [low, low + 1];
  }
  return [low, high];
}

function logRange(lo: number, hi: number, l: Limits): [number, number] {
  const base = l.log!;
  const least = 1e-12;
  const a = Math.max(least, l.min ?? Math.min(lo > 0 ? lo : hi > 0 ? hi / base : 1, l.softMin !== undefined && l.softMin > 0 ? l.softMin : Infinity));
  const b = Math.max(least * base, l.max ?? Math.max(hi > 0 ? hi : base, l.softMax ?? 0));
  const log = (v: number): number => Math.log(v) / Math.log(base);
  const low = l.min !== undefined && l.min > 0 ? l.min : base ** Math.floor(log(a) + 1e-9);
  const high = l.max !== undefined && l.max > 0 ? l.max : base ** Math.ceil(log(b) - 1e-9);
  return high > low ? [low, high] : [low, low * base];
}

/** step is the greatest distance of ticks of 1, 2 or 5 (powers of two in base 2) that gives at least about n of them. */
export function tickStep(span: number, n: number, base: 2 | 10 = 10): number {
  const raw = span / Math.max(1, n);
  if (!(raw > 0) || !Number.isFinite(raw)) return 1;
  if (base === 2 && raw >= 1) return 2 ** Math.round(Math.log2(raw));
  const power = 10 ** Math.floor(Math.log10(raw));
  const f = raw / power;
  return power * (f < 1.5 ? 1 : f < 3.5 ? 2 : f < 7.5 ? 5 : 10);
}

/** ticks are the round values between lo and hi. */
export function ticks(lo: number, hi: number, n: number, base: 2 | 10 = 10): number[] {
  const by = tickStep(hi - lo, n, base);
  const out: number[] = [];
  for (let i = Math.ceil(lo / by - 1e-9); i * by <= hi + by * 1e-9 && out.length < 200; i++) out.push(Number((i * by).toPrecision(12)));
  return out;
}

/** apart gives texts of ticks with as few decimals as keep neighbours apart. */
export function apart(values: readonly number[], format: (v: number, decimals?: number) => string): string[] {
  for (const decimals of [undefined, 1, 2, 3, 4]) {
    const out = values.map((v) => format(v, decimals));
    if (new Set(out).size === out.length) return out;
  }
  return values.map((v) => format(v));
}

/** linear maps a domain to pixels. */
export function linear(from: number, to: number, a: number, b: number): (v: number) => number {
  const k = to === from ? 0 : (b - a) / (to - from);
  return (v) => a + (v - from) * k;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** timeText is the shortest text for a tick, given the distance of ticks in milliseconds. */
export function timeText(ms: number, step: number, zone: string): string {
  const timeZone = zone === 'browser' || zone === '' ? undefined : zone === 'utc' ? 'UTC' : zone;
  const kind = step >= 864e5 * 300 ? 'y' : step >= 864e5 ? 'd' : step >= 6e4 ? 'm' : step >= 1e3 ? 's' : 'ms';
  const key = `${kind} ${zone}`;
  let f = formats.get(key);
  if (!f) {
    const o: Intl.DateTimeFormatOptions =
      kind === 'y' ? { year: 'numeric', month: '2-digit' } : kind === 'd' ? { month: '2-digit', day: '2-digit' }
        : { hourCycle: 'h23', hour: '2-digit', minute: '2-digit', ...(kind === 'm' ? {} : { second: '2-digit' }), ...(kind === 'ms' ? { fractionalSecondDigits: 3 as const } : {}) };
    f = new Intl.DateTimeFormat(kind === 'y' || kind === 'd' ? 'sv-SE' : 'en-GB', { timeZone, ...o });
    formats.set(key, f);
  }
  if (kind !== 'd' && kind !== 'y') return f.format(ms);
  const of = Object.fromEntries(f.formatToParts(ms).map((x) => [x.type, x.value]));
  return kind === 'd' ? `${of.month}-${of.day}` : `${of.year}-${of.month}`;
}

const niceTimes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 2 * 864e5, 7 * 864e5, 14 * 864e5, 30 * 864e5, 90 * 864e5, 365 * 864e5];

/** timeTicks are moments on round clock times of a zone, about n of them. */
export function timeTicks(from: number, to: number, n: number, zone: string): { at: number; text: string }[] {
  const raw = (to - from) / Math.max(1, n);
  const step = niceTimes.find((s) => s >= raw) ?? Math.ceil(raw / 31536e6) * 31536e6;
  const offset = step >= 18e5 ? zoneOffset(from, zone) : 0;
  const out: { at: number; text: string }[] = [];
  for (let t = Math.ceil((from + offset) / step) * step - offset; t <= to && out.length < 200; t += step) out.push({ at: t, text: timeText(t, step, zone) });
  return out;
}

/** momentText is a moment in full. */
export function momentText(ms: number, zone: string): string {
  const key = `full ${zone}`;
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat('sv-SE', { timeZone: zone === 'browser' || zone === '' ? undefined : zone === 'utc' ? 'UTC' : zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
    formats.set(key, f);
  }
  return f.format(ms);
}
