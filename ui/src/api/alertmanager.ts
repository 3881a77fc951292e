import { isSafe, type SafeRegex, safeRegex } from '../model/regex';
import { call, get } from './client';
import type { Labels } from './prometheus';

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual?: boolean;
}

export interface Alert {
  fingerprint: string;
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  generatorURL?: string;
  receivers: { name: string }[];
  status: { state: 'unprocessed' | 'active' | 'suppressed'; silencedBy: string[]; inhibitedBy: string[]; mutedBy?: string[] };
}

export interface AlertGroup {
  labels: Labels;
  receiver: { name: string };
  alerts: Alert[];
}

export interface Silence {
  id: string;
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  createdBy: string;
  comment: string;
  status: { state: 'expired' | 'active' | 'pending' };
}

export interface NewSilence {
  id?: string;
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}

export const alerts = (params: { filter?: string[]; active?: boolean; silenced?: boolean; inhibited?: boolean } = {}, signal?: AbortSignal): Promise<Alert[]> =>
  get('/api/v2/alerts', { params, signal });
export const alertGroups = (signal?: AbortSignal): Promise<AlertGroup[]> => get('/api/v2/alerts/groups', { signal });
export const silences = (filter: string[] = [], signal?: AbortSignal): Promise<Silence[]> => get('/api/v2/silences', { params: { filter }, signal });
export const silence = (id: string, signal?: AbortSignal): Promise<Silence> => get(`/api/v2/silence/${encodeURIComponent(id)}`, { signal });
export const receivers = (signal?: AbortSignal): Promise<{ name: string }[]> => get('/api/v2/receivers', { signal });

export async function putSilence(s: NewSilence): Promise<string> {
  return (await call<{ silenceID: string }>('/api/v2/silences', { json: s })).body.silenceID;
}

export async function expireSilence(id: string): Promise<void> {
  await call<unknown>(`/api/v2/silence/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

/** matcherText writes a matcher as Alertmanager's own tools do. */
export function matcherText(m: Matcher): string {
  const op = m.isRegex ? (m.isEqual === false ? '!~' : '=~') : m.isEqual === false ? '!=' : '=';
  return `${m.name}${op}${JSON.stringify(m.value)}`;
}

const whole = new Map<string, SafeRegex | undefined>();

/** anchored reads an expression as Alertmanager does, whole and with RE2's flags in front; undefined where the engine of this browser cannot, or could take forever. */
function anchored(pattern: string): SafeRegex | undefined {
  if (!whole.has(pattern)) {
    const [front = '', flags = ''] = /^\(\?([ims]+)\)/.exec(pattern) ?? [];
    const re = safeRegex(`/^(?:${pattern.slice(front.length)})$/${[...new Set(`${flags}s`)].join('')}`);
    if (whole.size > 200) whole.clear();
    whole.set(pattern, isSafe(re) ? re : undefined);
  }
  return whole.get(pattern);
}

/** canApply tells whether a matcher can be tried on labels here; the server can try all. */
export const canApply = (m: Matcher): boolean => !m.isRegex || anchored(m.value) !== undefined;

/** matches tells whether labels meet a matcher. One that cannot be applied here meets nothing. */
export function matches(m: Matcher, labels: Labels): boolean {
  const value = labels[m.name] ?? '';
  let hit = value === m.value;
  if (m.isRegex) {
    const safe = anchored(m.value);
    if (!safe || value.length > safe.mostInput) return false;
    hit = safe.re.test(value);
  }
  return m.isEqual === false ? !hit : hit;
}
