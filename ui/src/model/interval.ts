// Grafana's arithmetic of steps. The table of round steps and the rules are
// those that its users know; a test compares the table with the package's.
import { duration } from '../time/range';

/** Up to the first number a step is rounded to the second. Milliseconds. */
const steps: [below: number, step: number][] = [
  [10, 1], [15, 10], [35, 20], [75, 50], [150, 100], [350, 200], [750, 500], [1500, 1000], [3500, 2000], [7500, 5000], [12500, 10000], [17500, 15000], [25000, 20000], [45000, 30000],
  [90000, 60000], [210000, 120000], [450000, 300000], [750000, 600000], [1050000, 900000], [1500000, 1200000], [2700000, 1800000], [5400000, 3600000], [9000000, 7200000],
  [16200000, 10800000], [32400000, 21600000], [86400000, 43200000], [604800000, 86400000], [1814400000, 604800000], [3628800000, 2592000000],
];

export function roundInterval(ms: number): number {
  for (const [below, step] of steps) if (ms < below) return step;
  return 31536000000;
}

/** Prometheus refuses a range of more points. */
export const mostPoints = 11000;

export const defaultScrape = 15_000;

export interface IntervalInput {
  /** Milliseconds. */
  range: number;
  maxDataPoints: number;
  /** The least step, in milliseconds. */
  min: number;
}

/** stepOf divides a range into about as many points as are wanted, rounded, not finer than the least, not more than the server answers. */
export function stepOf(i: IntervalInput): number {
  const wanted = roundInterval(Math.max(i.range, 0) / Math.max(i.maxDataPoints, 1));
  const safe = roundInterval(Math.max(i.range, 0) / mostPoints);
  return Math.max(wanted, i.min, safe * mostPoints < i.range ? Math.ceil(i.range / mostPoints) : safe, 1);
}

/** rateIntervalOf is a window in which a rate finds four samples at least. Milliseconds. */
export const rateIntervalOf = (interval: number, scrape: number): number => Math.max(interval + scrape, 4 * scrape);

/** atLeast reads a least step: "1m", ">30s", "15" (seconds). */
export function atLeast(text: string): number | undefined {
  const s = text.trim().replace(/^>/, '').trim();
  if (/^\d+(\.\d+)?$/.test(s)) return Number(s) > 0 ? Number(s) * 1000 : undefined;
  const d = duration(s);
  return d !== undefined && d > 0 ? d : undefined;
}

/** autoInterval is what an interval variable's "auto" chooses. */
export function autoInterval(range: number, count: number, min: string): number {
  return Math.max(roundInterval(range / Math.max(count, 1)), atLeast(min) ?? 0, 1);
}
