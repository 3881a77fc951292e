import { call, get, type Request } from './client';
import { parseAnswer } from './matrix';

export type Labels = Record<string, string>;
export type Point = [seconds: number, value: string];

export interface Histogram {
  count: string;
  sum: string;
  buckets?: [boundaries: number, left: string, right: string, count: string][];
}

export interface MatrixSeries {
  metric: Labels;
  values?: Point[];
  histograms?: [seconds: number, histogram: Histogram][];
}

export interface VectorSample {
  metric: Labels;
  value?: Point;
  histogram?: [seconds: number, histogram: Histogram];
}

export type QueryData =
  | { resultType: 'matrix'; result: MatrixSeries[] }
  | { resultType: 'vector'; result: VectorSample[] }
  | { resultType: 'scalar' | 'string'; result: Point };

export interface QueryAnswer {
  data: QueryData;
  warnings: string[];
  infos: string[];
}

interface Envelope<T> {
  status: 'success' | 'error';
  data: T;
  warnings?: string[];
  infos?: string[];
}

/** The root of a Prometheus API below this server; "" is its own. */
export function promRoot(datasource?: string): string {
  return datasource && datasource !== 'touchline' ? `/touchline/v1/datasources/${encodeURIComponent(datasource)}/proxy/api/v1` : '/api/v1';
}

async function ask(path: string, form: Request['form'], signal?: AbortSignal): Promise<QueryAnswer> {
  const { body } = await call<Envelope<QueryData>>(path, { form, signal, parse: parseAnswer });
  return { data: body.data, warnings: body.warnings ?? [], infos: body.infos ?? [] };
}

export interface RangeQuery {
  query: string;
  /** Seconds since the epoch. */
  start: number;
  end: number;
  /** Seconds. */
  step: number;
  datasource?: string;
  signal?: AbortSignal;
}

/** queryRange evaluates an expression at steps of a range. */
export function queryRange(q: RangeQuery): Promise<QueryAnswer> {
  return ask(`${promRoot(q.datasource)}/query_range`, { query: q.query, start: String(q.start), end: String(q.end), step: String(q.step) }, q.signal);
}

/** query evaluates an expression at one instant, in seconds since the epoch; now where none is given. */
export function query(q: { query: string; time?: number; datasource?: string; signal?: AbortSignal; limit?: number }): Promise<QueryAnswer> {
  return ask(`${promRoot(q.datasource)}/query`, { query: q.query, time: q.time === undefined ? undefined : String(q.time), limit: q.limit ? String(q.limit) : undefined }, q.signal);
}

/** prom asks any other endpoint, such as "/labels", for its data. */
export async function prom<T>(path: string, r: Request & { datasource?: string } = {}): Promise<T> {
  return (await get<Envelope<T>>(`${promRoot(r.datasource)}${path}`, r)).data;
}

export interface AlertingRule {
  type: 'alerting';
  name: string;
  query: string;
  duration: number;
  keepFiringFor: number;
  labels: Labels;
  annotations: Labels;
  alerts: ActiveAlert[];
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
  state: 'inactive' | 'pending' | 'firing' | 'unknown';
}

export interface RecordingRule {
  type: 'recording';
  name: string;
  query: string;
  labels?: Labels;
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
}

export interface ActiveAlert {
  labels: Labels;
  annotations: Labels;
  state: 'pending' | 'firing';
  activeAt: string;
  value: string;
  keepFiringSince?: string;
}

export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  limit: number;
  rules: (AlertingRule | RecordingRule)[];
  evaluationTime: number;
  lastEvaluation: string;
}

export const ruleGroups = async (signal?: AbortSignal): Promise<RuleGroup[]> => (await prom<{ groups: RuleGroup[] }>('/rules', { signal })).groups;

export interface Target {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: 'up' | 'down' | 'unknown';
  scrapeInterval: string;
  scrapeTimeout: string;
}

export interface Targets {
  activeTargets: Target[];
  droppedTargets: { discoveredLabels: Labels; scrapePool: string }[];
  /** By pool; absent in answers of an older Prometheus and of other servers. */
  droppedTargetCounts?: Record<string, number>;
}

export interface Metadata {
  type: string;
  help: string;
  unit: string;
}
