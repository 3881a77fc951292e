import { get } from './client';

/** Something that is scraped: a job and instance. */
export interface Watched {
  job: string;
  instance: string;
  what: string;
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
  warnings?: string[] | null;
  token_file?: string;
}

export const status = (signal?: AbortSignal): Promise<Status> => get('/touchline/v1/status', { signal });
