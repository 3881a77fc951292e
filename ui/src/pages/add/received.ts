import type { Labels, Target } from '../../api/prometheus';
import type { Sample } from '../../api/server';

/** What a guide's light shows. */
export type Light =
  | { state: 'waiting' }
  /** Something comes: from whom, and how much in the last minute where it is counted. */
  | { state: 'good'; count?: number; from: string[]; at?: number }
  /** It had come, and does not any more. */
  | { state: 'stopped'; from: string[]; at?: number }
  /** It comes, and is not taken, with this HTTP status. */
  | { state: 'refused'; code: string; count: number }
  /** It is there, and something is wrong with it. */
  | { state: 'failing'; from: string[]; error: string };

/** The pools of the sources that are built in. */
const builtin = 'touchline/';

const isOwn = (pool: string): boolean => pool.startsWith(builtin);

/** counts is how often each status was answered since a moment; a counter that began anew counts from zero. */
export function counts(now: Sample[], before: Sample[]): Map<string, number> {
  const key = (l: Labels): string => `${l.handler ?? ''} ${l.code ?? ''}`;
  const old = new Map(before.map((s) => [key(s.labels), s.value]));
  const out = new Map<string, number>();
  for (const s of now) {
    const was = old.get(key(s.labels)) ?? 0;
    const n = s.value >= was ? s.value - was : s.value;
    const code = s.labels.code ?? '';
    out.set(code, (out.get(code) ?? 0) + n);
  }
  return out;
}

/** requestLight judges by what was answered in the last minute. A success outweighs refusals: some sender works. */
export function requestLight(now: Sample[], before: Sample[], jobs: Sample[], own: readonly string[]): Light {
  const lately = counts(now, before);
  const senders = jobs.filter((s) => s.labels.job !== undefined && !own.includes(s.labels.job));
  const from = [...new Set(senders.map((s) => s.labels.job!))].sort();
  const at = senders.length > 0 ? Math.max(...senders.map((s) => s.value)) * 1000 : undefined;
  let good = 0;
  let worst: [string, number] | undefined;
  for (const [code, n] of lately) {
    if (n <= 0) continue;
    if (code.startsWith('2')) good += n;
    else if (/^[45]/.test(code) && (!worst || n > worst[1])) worst = [code, n];
  }
  if (good > 0) return { state: 'good', count: good, from, at };
  if (worst) return { state: 'refused', code: worst[0], count: worst[1] };
  const ever = now.some((s) => s.labels.code?.startsWith('2') && s.value > 0);
  return ever ? { state: 'stopped', from, at } : { state: 'waiting' };
}

/** scrapeLight judges by the targets of a job, and by what the exporter says of what it watches. */
export function scrapeLight(targets: Target[], job: string | undefined, proof: Sample[]): Light {
  const mine = targets.filter((t) => !isOwn(t.scrapePool) && (job === undefined || t.labels.job === job || t.scrapePool === job || proof.some((s) => s.labels.job !== undefined && s.labels.job === t.labels.job)));
  if (mine.length === 0) return { state: 'waiting' };
  const name = (t: Target): string => `${t.labels.job ?? t.scrapePool} ${t.labels.instance ?? t.scrapeUrl}`;
  const down = mine.filter((t) => t.health === 'down');
  if (down.length > 0) return { state: 'failing', from: down.map(name).sort(), error: down[0]!.lastError };
  const fails = proof.filter((s) => s.value === 0);
  if (fails.length > 0) return { state: 'failing', from: fails.map((s) => `${s.labels.job ?? ''} ${s.labels.instance ?? ''}`.trim()).sort(), error: `${fails[0]!.labels.__name__ ?? 'probe'} 0` };
  const up = mine.filter((t) => t.health === 'up');
  if (up.length === 0) return { state: 'waiting' };
  return { state: 'good', from: up.map(name).sort(), at: Math.max(...up.map((t) => Date.parse(t.lastScrape))) };
}

/** ownJobs are the jobs that this server scrapes itself, so nobody has sent them. */
export const ownJobs = (targets: Target[]): string[] => [...new Set(targets.map((t) => t.labels.job).filter((j): j is string => j !== undefined))];

/** The doors by which data comes, and the guide that tells how. */
export const doors = [
  { id: 'remote-write', handlers: ['/api/v1/write'] },
  { id: 'otel-collector', handlers: ['/v1/metrics', '/api/v1/otlp/v1/metrics'] },
  { id: 'alerts', handlers: ['/api/v2/alerts'] },
] as const;

export type DoorID = (typeof doors)[number]['id'];

export interface Refusal {
  door: DoorID;
  /** The HTTP status. */
  code: string;
  count: number;
}

/** refusals are what each door turned away in the last minute, by the status that it did most. Some sender may get through all the same. */
export function refusals(now: Sample[], before: Sample[]): Refusal[] {
  const of = (list: Sample[], handlers: readonly string[]): Sample[] => list.filter((s) => handlers.includes(s.labels.handler ?? ''));
  return doors.flatMap(({ id, handlers }) => {
    const worst = [...counts(of(now, handlers), of(before, handlers))].filter(([code, n]) => /^[45]/.test(code) && n > 0).sort((a, b) => b[1] - a[1])[0];
    return worst ? [{ door: id, code: worst[0], count: Math.round(worst[1]) }] : [];
  });
}

/** How old the newest sample may be, in milliseconds, where nothing says how often they come: most send each minute or more often. */
const patience = 90_000;

/** isLate tells whether the newest sample should have come by now. */
export const isLate = (at: number | undefined, now: number, interval?: number): boolean => at !== undefined && now - at > (interval ? 2 * interval + 5000 : patience);
