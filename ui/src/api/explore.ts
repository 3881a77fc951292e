import type { Ast } from '../pages/explore/tree';
import { call, get } from './client';
import { type Labels, type Metadata, prom, promRoot, type QueryAnswer } from './prometheus';

/** What a query cost, as the server counts it with stats=all. */
export interface QueryStats {
  timings: { evalTotalTime: number; queryPreparationTime: number; innerEvalTime: number; execQueueTime: number; execTotalTime: number; resultSortTime: number };
  samples?: { totalQueryableSamples: number; peakSamples: number; samplesRead?: number; seriesTouched?: number; totalQueryableSamplesPerStep?: [number, number][] };
}

export interface StatsAnswer extends QueryAnswer {
  stats: QueryStats | undefined;
}

interface Envelope {
  data: QueryAnswer['data'] & { stats?: QueryStats };
  warnings?: string[];
  infos?: string[];
}

async function ask(path: string, form: Record<string, string>, signal?: AbortSignal): Promise<StatsAnswer> {
  const { body } = await call<Envelope>(path, { form: { ...form, stats: 'all' }, signal });
  return { data: body.data, warnings: body.warnings ?? [], infos: body.infos ?? [], stats: body.data.stats };
}

export const rangeWithStats = (q: { query: string; start: number; end: number; step: number; datasource?: string; signal?: AbortSignal }): Promise<StatsAnswer> =>
  ask(`${promRoot(q.datasource)}/query_range`, { query: q.query, start: String(q.start), end: String(q.end), step: String(q.step) }, q.signal);

export const instantWithStats = (q: { query: string; time: number; datasource?: string; signal?: AbortSignal }): Promise<StatsAnswer> =>
  ask(`${promRoot(q.datasource)}/query`, { query: q.query, time: String(q.time) }, q.signal);

export const parseQuery = (query: string, signal?: AbortSignal): Promise<Ast> => prom('/parse_query', { form: { query }, signal });
export const formatQuery = (query: string, signal?: AbortSignal): Promise<string> => prom('/format_query', { form: { query }, signal });

export interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: { labels: Labels; value: string; timestamp: number }[];
}

export const exemplars = (q: { query: string; start: number; end: number; datasource?: string; signal?: AbortSignal }): Promise<ExemplarSeries[]> =>
  prom('/query_exemplars', { datasource: q.datasource, form: { query: q.query, start: String(q.start), end: String(q.end) }, signal: q.signal });

export const metadata = (datasource?: string, signal?: AbortSignal): Promise<Record<string, Metadata[]>> => prom('/metadata', { datasource, params: { limit_per_metric: 1 }, signal });

export const metricNames = (q: { datasource?: string; start: number; end: number; signal?: AbortSignal }): Promise<string[]> =>
  prom('/label/__name__/values', { datasource: q.datasource, params: { start: q.start, end: q.end }, signal: q.signal });

export const labelNames = (q: { datasource?: string; match: string; start: number; end: number; signal?: AbortSignal }): Promise<string[]> =>
  prom('/labels', { datasource: q.datasource, form: { 'match[]': q.match, start: String(q.start), end: String(q.end) }, signal: q.signal });

export interface Datasource {
  uid: string;
  name: string;
  type: string;
  default?: boolean;
}

export const datasources = async (signal?: AbortSignal): Promise<Datasource[]> => (await get<{ datasources: Datasource[] }>('/touchline/v1/datasources', { signal })).datasources;

export type DashboardModel = Record<string, unknown>;

/** editDashboard reads a dashboard, changes it, and writes it back unless somebody else was faster. */
export async function editDashboard(uid: string, message: string, change: (d: DashboardModel) => Promise<DashboardModel>): Promise<void> {
  const path = `/touchline/v1/dashboards/${encodeURIComponent(uid)}`;
  const { body, etag } = await call<{ dashboard: DashboardModel; meta: { folder: string } }>(path);
  await call<unknown>(path, { method: 'PUT', ifMatch: etag, json: { dashboard: await change(body.dashboard), folder: body.meta.folder, message } });
}

