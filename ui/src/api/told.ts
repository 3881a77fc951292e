import { get } from './client';

/** When an alert passed each station on its way to a receiver; a station that it did not pass is not there. */
export interface Way {
  rule?: string;
  class?: string;
  sample?: string;
  received?: string;
  decided?: string;
  queued?: string;
  dispatched?: string;
  sent?: string;
  answered?: string;
}

/** One attempt to tell a receiver. */
export interface Told {
  id: number;
  at: string;
  receiver: string;
  integration: string;
  group: string;
  incident?: number;
  firing: number;
  resolved: number;
  took_seconds: number;
  error?: string;
  way?: Way;
}

export interface ToldPage {
  notifications: Told[];
  next_cursor?: string;
}

export const told = (params: { limit?: number; cursor?: string; receiver?: string; incident?: number; failed?: boolean; from?: string; to?: string } = {}, signal?: AbortSignal): Promise<ToldPage> =>
  get('/touchline/v1/notifications', { params, signal });

const stations = ['sample', 'received', 'decided', 'queued', 'dispatched', 'sent', 'answered'] as const;

/** hops are the milliseconds from each station to the next, and the whole way from its first. */
export function hops(way: Way | undefined): { hops: { to: string; ms: number }[]; total: number } | undefined {
  if (!way) return undefined;
  const out: { to: string; ms: number }[] = [];
  let first: number | undefined;
  let last: number | undefined;
  for (const station of stations) {
    const at = exact(way[station]);
    if (at === undefined) continue;
    if (last !== undefined) out.push({ to: station, ms: at - last });
    first ??= at;
    last = at;
  }
  return first === undefined || last === undefined || out.length === 0 ? undefined : { hops: out, total: last - first };
}

/** exact reads a time with its fraction of a millisecond, which Date drops. */
function exact(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const m = /^(.*:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!m) return undefined;
  const whole = Date.parse(m[1]! + m[3]!);
  return Number.isNaN(whole) ? undefined : whole + Number(`0.${m[2] ?? '0'}`) * 1000;
}
