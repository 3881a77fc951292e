import { get } from './client';
import { type Labels, prom, query, type Targets } from './prometheus';

export interface BuildInfo {
  version: string;
  revision: string;
  goVersion: string;
}

export interface RuntimeInfo {
  startTime: string;
  serverTime: string;
  CWD: string;
  hostname: string;
  reloadConfigSuccess: boolean;
  lastConfigTime: string;
  corruptionCount: number;
  goroutineCount: number;
  GOMAXPROCS: number;
  GOMEMLIMIT: number;
  GOGC: string;
  GODEBUG: string;
  storageRetention: string;
}

export interface Counted {
  name: string;
  value: number;
}

export interface TSDB {
  headStats: { numSeries: number; numLabelPairs: number; chunkCount: number; minTime: number; maxTime: number };
  seriesCountByMetricName: Counted[];
  labelValueCountByLabelName: Counted[];
  memoryInBytesByLabelName: Counted[];
  seriesCountByLabelValuePair: Counted[];
}

export interface Block {
  ulid: string;
  minTime: number;
  maxTime: number;
  stats?: { numSamples?: number; numSeries?: number; numChunks?: number };
}

/** What one relabelling rule makes of a target's labels. */
export interface RelabelStep {
  rule: Record<string, unknown>;
  output: Labels;
  keep: boolean;
}

export interface AlertmanagerStatus {
  cluster: { name?: string; status: string; peers?: { name: string; address: string }[] };
  versionInfo?: Record<string, string>;
  uptime?: string;
  config: { original: string };
}

export const targets = (signal?: AbortSignal): Promise<Targets> => prom('/targets', { signal });
export const runtimeInfo = (signal?: AbortSignal): Promise<RuntimeInfo> => prom('/status/runtimeinfo', { signal });
export const flags = (signal?: AbortSignal): Promise<Record<string, string>> => prom('/status/flags', { signal });
export const configuration = async (signal?: AbortSignal): Promise<string> => (await prom<{ yaml: string }>('/status/config', { signal })).yaml;
export const tsdb = (limit: number, signal?: AbortSignal): Promise<TSDB> => prom('/status/tsdb', { params: { limit }, signal });
export const blocks = async (signal?: AbortSignal): Promise<Block[]> => (await prom<{ blocks: Block[] | null }>('/status/tsdb/blocks', { signal })).blocks ?? [];
export const relabelSteps = async (pool: string, labels: Labels, signal?: AbortSignal): Promise<RelabelStep[]> =>
  (await prom<{ steps: RelabelStep[] | null }>('/targets/relabel_steps', { params: { scrapePool: pool, labels: JSON.stringify(labels) }, signal })).steps ?? [];
export const alertmanagerStatus = (signal?: AbortSignal): Promise<AlertmanagerStatus> => get('/api/v2/status', { signal });
export const labelValues = (name: string, signal?: AbortSignal): Promise<string[]> => prom(`/label/${encodeURIComponent(name)}/values`, { signal });

export interface Sample {
  labels: Labels;
  value: number;
}

/** vector evaluates an expression now, and gives its samples. */
export async function vector(expression: string, signal?: AbortSignal): Promise<Sample[]> {
  const { data } = await query({ query: expression, signal });
  if (data.resultType !== 'vector') throw new Error(`${expression} gives a ${data.resultType}, not a vector.`);
  return data.result.flatMap((s) => (s.value ? [{ labels: s.metric, value: Number(s.value[1]) }] : []));
}
