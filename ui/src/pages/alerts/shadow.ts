// Reports that "touchline shadow --output=json" writes.

import type { Labels } from '../../api/prometheus';
import type { Message } from '../../i18n';

/** How much sooner we were, in seconds; negative is later. */
export interface Sooner {
  min: number;
  p50: number;
  p95: number;
  max: number;
}

export interface ShadowRule {
  name: string;
  same: number;
  missed: number;
  extra: number;
  sooner?: Sooner;
}

export interface ShadowPair {
  labels: Labels;
  ours: string;
  theirs: string;
  sooner: number;
  decided?: string;
  /** Theirs is Alertmanager's startsAt, not the poll that saw it. */
  exact: boolean;
}

export interface ShadowAlert {
  labels: Labels;
  fired: string;
  ended?: string;
  note?: string;
}

export interface ShadowReport {
  from: string;
  to: string;
  prometheus: string;
  alertmanager?: string;
  mode: string;
  samples?: number;
  refused_samples?: number;
  same: number;
  missed: number;
  extra: number;
  already_active: number;
  undecided: number;
  sooner?: Sooner;
  rules: ShadowRule[];
  pairs: ShadowPair[];
  missed_alerts: ShadowAlert[];
  extra_alerts: ShadowAlert[];
  limits?: string[];
  errors?: Record<string, number>;
}

const wrong = {
  html: { en: 'This is the report as a page. Run touchline shadow with --output=json to open it here.', zh: '这是网页格式的报告。请用 --output=json 运行 touchline shadow。' },
  text: { en: 'This is not JSON. Run touchline shadow with --output=json.', zh: '这不是 JSON。请用 --output=json 运行 touchline shadow。' },
  other: { en: 'This is JSON, but no report of touchline shadow: {what} is missing or is something else.', zh: '这是 JSON，但不是 touchline shadow 的报告：缺少 {what} 或其类型不符。' },
} satisfies Record<string, Message>;

export type Read = { report: ShadowReport } | { problem: Message; what?: string };

/** readShadow reads a report, or says why it is none. */
export function readShadow(text: string): Read {
  if (/^\s*</.test(text)) return { problem: wrong.html };
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return { problem: wrong.text };
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { problem: wrong.other, what: 'from' };
  const r = raw as Record<string, unknown>;
  const time = (v: unknown): boolean => typeof v === 'string' && !Number.isNaN(Date.parse(v));
  const labels = (v: unknown): boolean => typeof v === 'object' && v !== null && Object.values(v).every((x) => typeof x === 'string');
  const spread = (v: unknown): boolean => v === undefined || (typeof v === 'object' && v !== null && ['min', 'p50', 'p95', 'max'].every((k) => typeof (v as Record<string, unknown>)[k] === 'number'));
  const list = (v: unknown, each: (x: Record<string, unknown>) => boolean): boolean => Array.isArray(v) && v.every((x: unknown) => typeof x === 'object' && x !== null && each(x as Record<string, unknown>));
  const alert = (x: Record<string, unknown>): boolean => labels(x.labels) && time(x.fired) && (x.ended === undefined || time(x.ended));
  const checks: [string, boolean][] = [
    ...['from', 'to'].map((k): [string, boolean] => [k, time(r[k])]),
    ...['prometheus', 'mode'].map((k): [string, boolean] => [k, typeof r[k] === 'string']),
    ...['same', 'missed', 'extra', 'already_active', 'undecided'].map((k): [string, boolean] => [k, typeof r[k] === 'number']),
    ['sooner', spread(r.sooner)],
    ['rules', list(r.rules, (x) => typeof x.name === 'string' && ['same', 'missed', 'extra'].every((k) => typeof x[k] === 'number') && spread(x.sooner))],
    ['pairs', list(r.pairs, (x) => labels(x.labels) && time(x.ours) && time(x.theirs) && typeof x.sooner === 'number')],
    ['missed_alerts', list(r.missed_alerts, alert)],
    ['extra_alerts', list(r.extra_alerts, alert)],
    ['limits', r.limits === undefined || (Array.isArray(r.limits) && r.limits.every((x) => typeof x === 'string'))],
    ['errors', r.errors === undefined || (typeof r.errors === 'object' && r.errors !== null)],
  ];
  const bad = checks.find(([, ok]) => !ok);
  return bad ? { problem: wrong.other, what: bad[0] } : { report: raw as ShadowReport };
}

/** The seconds between which pairs are counted; a first and a last bucket are open. */
export const bounds = [-10, -1, 0, 1, 5, 15, 30, 60];

/** spreadOf counts pairs by how much sooner we were: in bucket i at least bounds[i-1] and less than bounds[i]. */
export function spreadOf(pairs: readonly Pick<ShadowPair, 'sooner'>[]): number[] {
  const out = new Array<number>(bounds.length + 1).fill(0);
  for (const p of pairs) {
    const i = bounds.findIndex((b) => p.sooner < b);
    out[i < 0 ? bounds.length : i]!++;
  }
  return out;
}
