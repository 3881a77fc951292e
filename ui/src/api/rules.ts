import { get } from './client';

/** How a rule is decided, and what that has cost so far. */
export interface RuleArrival {
  file: string;
  group: string;
  rule: string;
  query: string;
  class: string;
  reason: string;
  partition?: string;
  recorded?: string[];
  arrival: string;
  arrivals: number;
  skips: number;
  confirmations: number;
  failures: number;
  left_to_tick: number;
  fired_on_arrival: number;
  fired_on_tick: number;
  decision_p50_seconds: number;
  decision_p99_seconds: number;
  decisions: number;
  evaluation_seconds_total: number;
}

export const ruleArrivals = async (signal?: AbortSignal): Promise<RuleArrival[]> => (await get<{ rules: RuleArrival[] | null }>('/touchline/v1/rules/arrival', { signal })).rules ?? [];
