import { call, get } from './client';

/** When an alert passed each hop on its way to a receiver. */
export interface Way {
  rule?: string;
  class: string;
  sample?: string;
  received?: string;
  decided?: string;
  queued?: string;
  dispatched?: string;
  sent: string;
  answered: string;
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

export const notifications = (f: NotificationFilter, signal?: AbortSignal): Promise<NotificationPage> => get('/touchline/v1/notifications', { params: { ...f }, signal });

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
