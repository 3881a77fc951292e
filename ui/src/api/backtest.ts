import { get } from './client';
import type { Labels } from './prometheus';

/** What a rule did in a backtest; durations are seconds. */
export interface BacktestFigures {
  alerts: number;
  firing_at_start: number;
  firing_at_end: number;
  firing_share: number;
  pages_per_week: number;
  detection_delay?: { p50: number; p95: number; max: number };
  flaps: number;
  evaluations: number;
  failures: number;
  first_failure?: string;
  no_data?: string[];
}

/** An alert that one side has and the other has not, or has otherwise. */
export interface BacktestExample {
  fired: string;
  /** Not there where it still fires. */
  resolved?: string;
  labels: Labels;
  value: number | string;
  before_fired?: string;
  before_resolved?: string;
  before_labels?: Labels;
}

export interface BacktestRule {
  name: string;
  group: string;
  labels?: string;
  /** "after" where there is nothing to compare with. */
  status: 'after' | 'unchanged' | 'affected' | 'changed' | 'added' | 'removed';
  before?: BacktestFigures;
  after?: BacktestFigures;
  new: number;
  removed: number;
  changed: number;
  new_examples?: BacktestExample[];
  removed_examples?: BacktestExample[];
  changed_examples?: BacktestExample[];
  evaluated_singly_because?: string;
}

export interface BacktestReport {
  from: string;
  to: string;
  took: number;
  pages_by: string;
  compared: boolean;
  total: { before?: BacktestFigures; after?: BacktestFigures };
  rules: BacktestRule[];
  recording_rules?: { name: string; group: string; side: 'before' | 'after'; failures?: number; first_failure?: string; no_data?: string[] }[];
  limits: string[] | null;
}

/** backtest replays a rule file, beside the one that it would replace where that is given. Milliseconds. */
export const backtest = (q: { rules: string; before?: string; from: number; to: number; signal?: AbortSignal }): Promise<BacktestReport> =>
  get('/touchline/v1/backtest', { json: { rules: q.rules, ...(q.before ? { before: q.before } : {}), from: new Date(q.from).toISOString(), to: new Date(q.to).toISOString() }, signal: q.signal });
