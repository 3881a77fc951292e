import { moment } from '../time/moment';
import { call, get } from './client';

/** When an alert passed each hop on its way to a receiver. */
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

export interface Notification {
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

export interface NotificationFilter {
  receiver?: string;
  incident?: number;
  failed?: boolean;
  from?: string;
  to?: string;
  cursor?: string;
  limit?: number;
}

export interface NotificationPage {
  notifications: Notification[] | null;
  next_cursor?: string;
}

export const notifications = (f: NotificationFilter = {}, signal?: AbortSignal): Promise<NotificationPage> => get('/touchline/v1/notifications', { params: { ...f }, signal });

export interface Trial {
  integration: string;
  ok: boolean;
  said?: string;
  error?: string;
  took_seconds: number;
}

/** testReceiver sends a message that says that it is a test through every integration of a receiver. */
export async function testReceiver(name: string, lang: string): Promise<Trial[]> {
  return (await call<{ integrations: Trial[] | null }>(`/touchline/v1/receivers/${encodeURIComponent(name)}/test`, { method: 'POST', params: { lang } })).body.integrations ?? [];
}

/** A receiver as the server's status tells it. */
export interface Channel {
  name: string;
  integrations: string[] | null;
  default?: boolean;
  /** When each integration last took a message; without a time it never has. */
  last_proven?: { integration: string; at?: string }[] | null;
  failing?: { integration: string; at: string; error: string }[] | null;
}

export const channels = async (signal?: AbortSignal): Promise<Channel[]> => (await get<{ alerts: { receivers: Channel[] | null } }>('/touchline/v1/status', { signal })).alerts.receivers ?? [];

/** provenAt is when every integration of a channel has been proven, undefined while one has not been. */
export function provenAt(c: Channel): string | undefined {
  const at = (c.integrations ?? []).map((name) => c.last_proven?.find((p) => p.integration === name)?.at);
  return at.length === 0 || at.some((x) => !x) ? undefined : (at as string[]).sort()[0];
}

const stations = ['sample', 'received', 'decided', 'queued', 'dispatched', 'sent', 'answered'] as const;
export type Station = (typeof stations)[number];

/** hops are the milliseconds from each station to the next, and the whole way from its first. */
export function hops(way: Way | undefined): { first: Station; hops: { to: Station; ms: number }[]; total: number } | undefined {
  if (!way) return undefined;
  const out: { to: Station; ms: number }[] = [];
  let begin: Station | undefined;
  let first: number | undefined;
  let last: number | undefined;
  for (const station of stations) {
    const at = way[station] ? moment(way[station]) : NaN;
    if (Number.isNaN(at)) continue;
    if (last !== undefined) out.push({ to: station, ms: at - last });
    first ??= at;
    begin ??= station;
    last = at;
  }
  return first === undefined || last === undefined || begin === undefined || out.length === 0 ? undefined : { first: begin, hops: out, total: last - first };
}
