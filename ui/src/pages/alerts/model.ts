import { type Alert, type AlertGroup, type Matcher, matches } from '../../api/alertmanager';
import type { ActiveAlert, RuleGroup } from '../../api/prometheus';

export type ShownState = 'firing' | 'pending' | 'silenced' | 'inhibited';

/** An alert as a row: of Alertmanager, of a rule, or of both. */
export interface Row {
  key: string;
  state: ShownState;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  since: string;
  value?: string;
  silencedBy: string[];
  inhibitedBy: string[];
  rule?: { file: string; group: string; name: string; query: string };
  /** The groups of Alertmanager that it is told in. */
  groups: string[];
  generatorURL?: string;
}

/** identity is equal for what a rule and Alertmanager say of one alert, with external labels left to be more. */
export function identity(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function groupName(g: AlertGroup): string {
  const names = Object.entries(g.labels).sort(([a], [b]) => (a < b ? -1 : 1)).map(([n, v]) => `${n}=${v}`);
  return `${names.join(' ') || '–'} → ${g.receiver.name}`;
}

/** rows joins what Alertmanager knows of alerts with what rules say. */
export function rows(alerts: Alert[], groups: AlertGroup[], rules: RuleGroup[]): Row[] {
  const active = new Map<string, { a: ActiveAlert; rule: Row['rule'] }>();
  for (const g of rules) {
    for (const r of g.rules) {
      if (r.type !== 'alerting') continue;
      for (const a of r.alerts) active.set(identity(a.labels), { a, rule: { file: g.file, group: g.name, name: r.name, query: r.query } });
    }
  }
  const told = new Map<string, string[]>();
  for (const g of groups) for (const a of g.alerts) told.set(a.fingerprint, [...(told.get(a.fingerprint) ?? []), groupName(g)]);
  const out: Row[] = alerts.map((a) => {
    const id = identity(a.labels);
    // External labels are on what Alertmanager got only: a rule's alert whose labels are all there is the same.
    const of = active.get(id) ?? [...active.values()].find((x) => x.a.labels.alertname === a.labels.alertname && x.a.state === 'firing' && Object.entries(x.a.labels).every(([n, v]) => a.labels[n] === v));
    if (of) active.delete(identity(of.a.labels));
    const state: ShownState = a.status.silencedBy.length > 0 || (a.status.mutedBy?.length ?? 0) > 0 ? 'silenced' : a.status.inhibitedBy.length > 0 ? 'inhibited' : 'firing';
    return {
      key: a.fingerprint, state, labels: a.labels, annotations: a.annotations, since: a.startsAt, value: of?.a.value, rule: of?.rule,
      silencedBy: a.status.silencedBy, inhibitedBy: a.status.inhibitedBy, groups: told.get(a.fingerprint) ?? [], generatorURL: a.generatorURL,
    };
  });
  for (const [id, { a, rule }] of active) {
    out.push({ key: id, state: a.state, labels: a.labels, annotations: a.annotations, since: a.activeAt, value: a.value, rule, silencedBy: [], inhibitedBy: [], groups: [] });
  }
  const order: ShownState[] = ['firing', 'pending', 'silenced', 'inhibited'];
  return out.sort((x, y) => order.indexOf(x.state) - order.indexOf(y.state) || Date.parse(y.since) - Date.parse(x.since));
}

/** The name of what is in no group of Alertmanager, as what is pending. */
export const noGroup = '–';

/** grouped puts rows into groups by "group", "rule" or a label's name. */
export function grouped(list: Row[], by: string): { name: string; rows: Row[] }[] {
  const out = new Map<string, Row[]>();
  for (const r of list) {
    const names = by === 'group' ? (r.groups.length > 0 ? r.groups : [noGroup]) : [by === 'rule' ? (r.labels.alertname ?? '–') : (r.labels[by] ?? '–')];
    for (const n of names) out.set(n, [...(out.get(n) ?? []), r]);
  }
  return [...out].map(([name, of]) => ({ name, rows: of }));
}

export function filtered(list: Row[], matchers: Matcher[], severity: string, states: string[]): Row[] {
  return list.filter((r) => matchers.every((m) => matches(m, r.labels)) && (severity === '' || (r.labels.severity ?? '') === severity) && (states.length === 0 || states.includes(r.state)));
}
