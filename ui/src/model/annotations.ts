// What happened, to be drawn over time: expressions, alerts, deployments, incidents.
import type { AnnotationQuery, DatasourceRef, Warning } from './dashboard';
import { interpolate, interpolateQuery, type FilterInto } from './interpolate';
import { atLeast, rateIntervalOf, stepOf } from './interval';
import { isObject, list, num, object, text, texts, type Json } from './read';
import type { Scope } from './scope';

export interface Annotation {
  id: string;
  /** Milliseconds. */
  time: number;
  /** The end of a region. */
  timeEnd?: number;
  title: string;
  text: string;
  tags: string[];
  color: string;
  /** Does not tint the drawing, however long it lasted. */
  thin?: true;
  /** Within the console. */
  url?: string;
}

export type AnnotationRequest =
  | { kind: 'range'; datasource: DatasourceRef; expr: string; start: number; end: number; step: number }
  | { kind: 'get'; path: string; params: Record<string, string> }
  | { kind: 'none'; warning?: Warning };

/** What one source may put on a chart; more would only be a bar of colour. */
const most = 2000;

const own = (name: string, kind: string, color: string): AnnotationQuery => ({
  // Alerts are of all that is watched: they are shown where a dashboard asks for them, or somebody who reads it.
  name, enable: kind !== 'alerts', hide: false, builtIn: true, color, datasource: { uid: `touchline:${kind}`, type: 'touchline' }, expr: '', step: '', titleFormat: '', textFormat: '', tagKeys: '',
  useValueForTime: false, panels: undefined, raw: {},
});

/** Our own sources of annotations, offered on every dashboard. */
export const ownAnnotations: readonly AnnotationQuery[] = [own('Alerts', 'alerts', 'red'), own('Deployments', 'deploys', 'blue'), own('Incidents', 'incidents', 'orange')];

/** annotationRequest tells what a query of annotations asks for. */
export function annotationRequest(q: AnnotationQuery, scope: Scope, filterInto?: FilterInto): AnnotationRequest {
  const { from, to } = scope.range;
  const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const least = atLeast(interpolate(q.step, scope)) ?? (q.step === '' ? 60_000 : 1000);
  const step = Math.max(stepOf({ range: to - from, maxDataPoints: 100, min: least }) / 1000, 1);
  const range = (expr: string): AnnotationRequest => ({ kind: 'range', datasource: q.datasource, expr, start: Math.floor(from / 1000 / step) * step, end: Math.ceil(to / 1000 / step) * step, step });
  switch (q.datasource.uid) {
    case 'touchline:alerts':
      return { ...range(`ALERTS{alertstate="firing", severity!~"none|info", alertname!="Watchdog"}`), datasource: { uid: 'touchline', type: 'prometheus' } } as AnnotationRequest;
    case 'touchline:deploys':
      return { kind: 'get', path: '/touchline/v1/deployments', params: times };
    case 'touchline:incidents':
      return { kind: 'get', path: '/touchline/v1/incidents', params: { ...times, limit: '1000' } };
    default:
  }
  // Notes that people wrote into Grafana's own database are not part of the file.
  if (q.builtIn || q.datasource.uid === '-- Grafana --' || q.datasource.uid === 'grafana') return { kind: 'none' };
  if (q.expr.trim() === '' || (q.datasource.type !== '' && !q.datasource.type.includes('prometheus'))) {
    return { kind: 'none', warning: { path: 'annotations', en: `the annotation ${q.name} is no PromQL, which is what is read here`, zh: `注释 ${q.name} 不是 PromQL，此处仅支持 PromQL` } };
  }
  try {
    return range(interpolateQuery(q.expr, { ...scope, interval: step * 1000, rateInterval: rateIntervalOf(step * 1000, least) }, filterInto));
  } catch (e) {
    const why = (e as Error).message;
    return { kind: 'none', warning: { path: 'annotations', en: `the annotation ${q.name} was not asked for: ${why}`, zh: `注释 ${q.name} 未查询：${why}` } };
  }
}

/** filled puts labels into "{{instance}} is down". */
const filled = (format: string, labels: Json): string => format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name: string) => (Object.hasOwn(labels, name) ? text(labels[name]) : ''));

/** regions joins points that follow each other by one step. */
function regions(times: number[], step: number): [from: number, to: number][] {
  const out: [number, number][] = [];
  for (const t of times) {
    const last = out[out.length - 1];
    if (last && t - last[1] <= step * 1.5) last[1] = t;
    else out.push([t, t]);
  }
  return out;
}

const moment = (v: unknown): number | undefined => {
  const at = Date.parse(text(v));
  return Number.isNaN(at) ? undefined : at;
};

/** annotationsFrom maps the answer to what annotationRequest asked: a query's data, or the body of our API. */
export function annotationsFrom(q: AnnotationQuery, request: AnnotationRequest, answer: unknown): Annotation[] {
  if (request.kind === 'range') return fromSeries(q, request.step * 1000, answer).slice(0, most);
  if (request.kind !== 'get') return [];
  const body = object(answer);
  if (q.datasource.uid === 'touchline:deploys') {
    return list(body.deployments).filter(isObject).slice(0, most).flatMap((d): Annotation[] => {
      const time = moment(d.at);
      const timeEnd = moment(d.ended);
      return time === undefined ? [] : [{
        id: `deploy-${text(d.id)}`, time, ...(timeEnd !== undefined && timeEnd > time ? { timeEnd } : {}), title: text(d.title), text: labelText(object(d.labels)),
        tags: d.failed === true ? ['failed'] : [], color: d.failed === true ? 'red' : q.color, thin: true,
      }];
    });
  }
  return list(body.incidents).filter(isObject).slice(0, most).flatMap((i): Annotation[] => {
    const time = moment(i.sample_at) ?? moment(i.opened_at);
    const timeEnd = moment(i.resolved_at) ?? moment(i.closed_at);
    return time === undefined ? [] : [{
      id: `incident-${text(i.id)}`, time, ...(timeEnd !== undefined && timeEnd > time ? { timeEnd } : {}), title: text(i.title), text: labelText(object(i.labels)), tags: [text(i.severity), text(i.state)].filter((t) => t !== ''),
      color: q.color, thin: true, url: `/incidents/${text(i.id)}`,
    }];
  });
}

const labelText = (labels: Json): string => Object.entries(labels).map(([k, v]) => `${k}=${text(v)}`).join(' ');

function fromSeries(q: AnnotationQuery, step: number, answer: unknown): Annotation[] {
  const out: Annotation[] = [];
  const isAlert = q.datasource.uid === 'touchline:alerts';
  for (const series of list(object(answer).result).filter(isObject).slice(0, most)) {
    const labels = object(series.metric);
    const points = list(series.values).flatMap((p): [number, number][] => {
      const [at, value] = [num(list(p)[0]), num(list(p)[1])];
      return at === undefined || value === undefined ? [] : [[at * 1000, value]];
    });
    const name = text(labels.__name__);
    const title = isAlert ? text(labels.alertname) : q.titleFormat !== '' ? filled(q.titleFormat, labels) : q.name;
    const rest = Object.fromEntries(Object.entries(labels).filter(([k]) => k !== '__name__' && k !== 'alertname' && k !== 'alertstate'));
    const shown = q.textFormat !== '' ? filled(q.textFormat, labels) : labelText(rest);
    const tags = q.tagKeys.split(',').map((k) => k.trim()).filter((k) => k !== '').flatMap((k) => texts(Object.hasOwn(labels, k) ? labels[k] : undefined));
    const base = { title, text: shown, tags, color: q.color };
    const id = `${q.name}/${name}${JSON.stringify(rest)}/${title}`;
    if (q.useValueForTime) {
      // The value is a time, in milliseconds, of what happened.
      for (const time of new Set(points.map(([, v]) => v))) out.push({ id: `${id}/${time}`, time, ...base });
    } else {
      // Grafana takes a point of the value 0 for "not now".
      for (const [from, to] of regions(points.filter(([, v]) => v !== 0).map(([t]) => t), step)) out.push({ id: `${id}/${from}`, time: from, ...(to > from ? { timeEnd: to } : {}), ...base });
    }
  }
  return out.sort((a, b) => a.time - b.time);
}

/** annotationIsFor tells whether a panel shows a query's annotations. */
export const annotationIsFor = (q: AnnotationQuery, panelId: number): boolean => !q.panels || q.panels.ids.includes(panelId) !== q.panels.exclude;
