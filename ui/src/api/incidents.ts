import { prefix } from '../app/base';
import { type Answer, call, extraHeaders, get, refusal } from './client';
import type { Labels } from './prometheus';

export type IncidentState = 'firing' | 'acknowledged' | 'resolved' | 'closed' | 'merged';
export type Verdict = 'real' | 'false_alarm' | '';

export interface Incident {
  id: number;
  title: string;
  state: IncidentState;
  severity: string;
  labels: Labels;
  assignee?: string;
  acknowledged_by?: string;
  acknowledged_at?: string;
  opened_at: string;
  sample_at?: string;
  /** When the rule had to fire: after sample_at where it waits (for). */
  due_at?: string;
  decided_at?: string;
  notified_at?: string;
  resolved_at?: string;
  closed_at?: string;
  snoozed_until?: string;
  updated_at: string;
  merged_into?: number;
  verdict?: Verdict;
  flaps: number;
  version: number;
}

/** An alert that belongs to an incident. */
export interface Member {
  fingerprint: string;
  name: string;
  severity?: string;
  labels: Labels;
  annotations: Labels;
  generator_url?: string;
  starts_at: string;
  ends_at?: string;
  fired: number;
}

export interface IncidentEvent {
  seq: number;
  at: string;
  kind: string;
  actor?: string;
  data?: Record<string, unknown>;
}

export interface IncidentDetail extends Incident {
  alerts: Member[] | null;
  timeline: IncidentEvent[] | null;
}

export interface Hint {
  rank: number;
  kind: 'deploy' | 'scrape' | 'alert' | 'shift';
  title: string;
  at: string;
  score: number;
  /** after_ms says that it began so long after the incident, and is rather a consequence. */
  data?: Record<string, unknown> & { after_ms?: number; labels?: Record<string, string>; counter?: boolean };
  verdict?: 'right' | 'wrong';
  judged_by?: string;
}

export interface IncidentFilter {
  state?: string;
  severity?: string;
  assignee?: string;
  q?: string;
  cursor?: string;
  limit?: number;
}

export interface IncidentPage {
  incidents: Incident[] | null;
  next_cursor?: string;
}

const root = '/touchline/v1/incidents';

export const incidents = (f: IncidentFilter, signal?: AbortSignal): Promise<IncidentPage> => get(root, { params: { ...f }, signal });
export const incident = (id: number, signal?: AbortSignal): Promise<Answer<IncidentDetail>> => call(`${root}/${id}`, { signal });
export const hints = async (id: number, signal?: AbortSignal): Promise<{ hints: Hint[]; unread?: string }> => {
  const { hints, unread } = await get<{ hints: Hint[] | null; unread?: string }>(`${root}/${id}/hints`, { signal });
  return { hints: hints ?? [], unread };
};

/** postmortem is the review of an incident, as Markdown or as the text of JSON. */
export async function postmortem(id: number, lang: 'en' | 'zh', format: 'md' | 'json', signal?: AbortSignal): Promise<string> {
  const path = `${root}/${id}/postmortem?format=${format}&lang=${lang}`;
  const response = await fetch(`${prefix}${path}`, { headers: extraHeaders, signal, credentials: 'same-origin' });
  const text = await response.text();
  if (response.ok) return text;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  throw refusal(response.status, parsed, text);
}

/** act does something to an incident; etag is the version that was seen, where the doing depends on it. */
export async function act(id: number, verb: 'acknowledge' | 'unacknowledge' | 'assign' | 'comments' | 'snooze' | 'close' | 'verdict' | 'merge', body?: unknown, etag?: string): Promise<Incident> {
  return (await call<Incident>(`${root}/${id}/${verb}`, { method: 'POST', json: body, ifMatch: etag })).body;
}

export async function judgeHint(id: number, rank: number, verdict: 'right' | 'wrong' | ''): Promise<void> {
  await call<unknown>(`${root}/${id}/hints/${rank}/verdict`, { json: { verdict } });
}

export interface Spread {
  count: number;
  mean: number;
  p50: number;
  p95: number;
}

export interface IncidentReport {
  from: string;
  to: string;
  incidents: number;
  judged: number;
  precision?: number;
  cut?: boolean;
  hints: { judged: number; top1: number; top3: number };
  weeks: { begin: string; incidents: number; calls: number }[] | null;
  severities: { severity: string; incidents: number; detect: Spread; tell: Spread; acknowledge: Spread; repair: Spread }[] | null;
  rules: { name: string; incidents: number; fired: number; false_alarms: number }[] | null;
  woken: { at: string; incident: number; people?: string[] | null; receivers: string[] | null }[] | null;
}

export const incidentReport = (from: Date, to: Date, signal?: AbortSignal): Promise<IncidentReport> =>
  get('/touchline/v1/reports/incidents', { params: { from: from.toISOString(), to: to.toISOString() }, signal });
