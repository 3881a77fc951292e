// Time ranges as the address bar has them: relative ("now-1h", "now/d") or
// absolute (milliseconds since the epoch, or an RFC 3339 time).
import { type Parts, partsOf, wallOf } from './zone';

export interface RawRange {
  from: string;
  to: string;
}

/** Both in milliseconds since the epoch. */
export interface Range {
  from: number;
  to: number;
}

/** "browser", "utc" or a name of the IANA database. */
export type Zone = string;

export const defaultRange: RawRange = { from: 'now-1h', to: 'now' };

const unitMs: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** duration reads "90s", "5m", "1d12h"; undefined where it is none. In milliseconds; months and years are 30 and 365 days. */
export function duration(text: string): number | undefined {
  const rest = text.trim();
  if (!/^(\d+(\.\d+)?(ms|[smhdwMy]))+$/.test(rest)) return undefined;
  let sum = 0;
  for (const [, n, unit] of rest.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g)) {
    sum += Number(n) * (unit === 'M' ? 30 * 864e5 : unit === 'y' ? 365 * 864e5 : (unitMs[unit!] ?? 0));
  }
  return sum;
}

/** durationText is the shortest text that duration reads back: "90s", "5m", "1d". */
export function durationText(ms: number): string {
  for (const [unit, size] of [['d', 864e5], ['h', 36e5], ['m', 6e4], ['s', 1e3]] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

/** instant is the moment at which a clock in a zone shows the parts. */
function instant(p: Parts, zone: Zone): number {
  const wall = wallOf(p);
  let at = wall;
  for (let i = 0; i < 2; i++) at += wall - wallOf(partsOf(at, zone));
  return at;
}

function shift(at: number, n: number, unit: string, zone: Zone): number {
  if (unit !== 'M' && unit !== 'y' && unit !== 'Q' && unit !== 'd' && unit !== 'w') return at + n * (unitMs[unit] ?? 0);
  const p = partsOf(at, zone);
  const ms = at - instant(p, zone);
  if (unit === 'd' || unit === 'w') {
    p.day += n * (unit === 'w' ? 7 : 1);
  } else {
    p.month += n * (unit === 'y' ? 12 : unit === 'Q' ? 3 : 1);
    p.day = Math.min(p.day, new Date(Date.UTC(p.year, p.month + 1, 0)).getUTCDate());
  }
  return instant(p, zone) + ms;
}

/** round goes to the beginning of a unit, or to its last millisecond. Weeks begin on Monday. */
function round(at: number, unit: string, up: boolean, zone: Zone): number {
  const p = partsOf(at, zone);
  const cut: Record<string, () => void> = {
    s: () => {},
    m: () => { p.second = 0; },
    h: () => { p.second = p.minute = 0; },
    d: () => { p.second = p.minute = p.hour = 0; },
    w: () => { cut.d!(); p.day -= (new Date(Date.UTC(p.year, p.month, p.day)).getUTCDay() + 6) % 7; },
    M: () => { cut.d!(); p.day = 1; },
    Q: () => { cut.M!(); p.month -= p.month % 3; },
    y: () => { cut.M!(); p.month = 0; },
  };
  cut[unit]?.();
  const start = instant(p, zone);
  return up ? shift(start, 1, unit, zone) - 1 : start;
}

/**
 * resolveTime gives the moment that a text of the address bar means, in
 * milliseconds, or undefined. up rounds "now/d" to the end of the day.
 */
export function resolveTime(text: string, now: number, up = false, zone: Zone = 'browser'): number | undefined {
  const s = text.trim();
  if (/^\d{9,14}$/.test(s)) return Number(s) < 1e11 ? Number(s) * 1000 : Number(s);
  if (!s.startsWith('now')) {
    // Without an offset it is what a clock of the zone shows.
    const wall = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?$/.exec(s);
    const at = Date.parse(wall ? `${wall[1]}T${wall[2] ?? '00:00'}Z` : s);
    if (Number.isNaN(at)) return undefined;
    return wall ? instant(partsOf(at, 'utc'), zone) + (at % 1000) : at;
  }
  let at = now;
  let rest = s.slice(3);
  while (rest !== '') {
    const m = /^([+-])(\d+)(ms|[smhdwMQy])|^\/(f?[smhdwMQy])/.exec(rest);
    if (!m) return undefined;
    rest = rest.slice(m[0].length);
    at = m[4] ? round(at, m[4].replace('fQ', 'Q').replace('fy', 'y'), up, zone) : shift(at, (m[1] === '-' ? -1 : 1) * Number(m[2]), m[3]!, zone);
  }
  return at;
}

/** resolve gives the moments of a range; what cannot be read is the last hour, and an end before the start is moved behind it. */
export function resolve(raw: RawRange, now: number, zone: Zone = 'browser'): Range {
  const from = resolveTime(raw.from, now, false, zone) ?? now - 36e5;
  const to = resolveTime(raw.to, now, true, zone) ?? now;
  return to > from ? { from, to } : { from, to: from + 1000 };
}

export const isRelative = (raw: RawRange): boolean => raw.from.startsWith('now') || raw.to.startsWith('now');

/** step is the pause between points, in seconds, so that about as many as pixels are asked for. */
export function stepFor(range: Range, points: number, least = 1): number {
  const raw = (range.to - range.from) / 1000 / Math.max(points, 1);
  for (const nice of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400]) {
    if (nice >= raw && nice >= least) return nice;
  }
  return Math.ceil(raw / 86400) * 86400;
}
