import { get } from './client';

/** Something that is scraped: a job and instance. */
export interface Watched {
  job: string;
  instance: string;
  what: string;
  /** 0 where another server scrapes, which does not say. */
  interval_seconds: number;
  up: boolean;
  source: string;
  targets: number;
  down: number;
  error?: string;
}

export interface NotSeen {
  what: string;
  reason: string;
  remedy: string;
}

export interface ReceiverState {
  name: string;
  integrations: string[] | null;
  default?: boolean;
  /** When each integration last took a message. */
  last_proven?: { integration: string; at?: string }[] | null;
}

export interface Component {
  name: string;
  state: string;
  since: string;
  message?: string;
}

/** A server that stands in for an engine of this one. */
export interface Backend {
  engine: 'metrics' | 'alerts';
  url: string;
  state: 'unknown' | 'up' | 'down';
  version?: string;
  looked_at?: string;
  latency_seconds: number;
  reason?: string;
}

/** What GET /touchline/v1/status says of this server. */
export interface Status {
  version: string;
  revision: string;
  go_version: string;
  upstream: Record<string, string>;
  state: string;
  started_at: string;
  ready_seconds: number;
  console_url: string;
  listeners: { name: string; address: string; flag: string; state: string }[];
  watched: Watched[] | null;
  not_seen: NotSeen[] | null;
  endpoints: { what: string; url: string }[] | null;
  alerts: { mode: string; receivers: ReceiverState[] | null; none?: boolean };
  data: { dir: string; retention_time: string; retention_size_bytes: number; used_bytes: number; database: string };
  access: { users: boolean; anonymous: string };
  rules: {
    files: number;
    groups: number;
    alerting: number;
    recording: number;
    firing: number;
    pending: number;
    kept_without_data: number;
    heartbeats: number;
  };
  components: Component[] | null;
  backends?: Backend[] | null;
  warnings?: string[] | null;
  token_file?: string;
}

/** The longest time between two scrapes, in seconds. A server that stands in for the engine does not say; most take 15. */
export function scrapeInterval(watched: Watched[] | null | undefined): number {
  const known = (watched ?? []).map((w) => w.interval_seconds).filter((n) => n > 0);
  return known.length > 0 ? Math.max(1, ...known) : 15;
}

export const status = (signal?: AbortSignal): Promise<Status> => get('/touchline/v1/status', { signal });
