import { get } from './client';
import type { IncidentState } from './incidents';

/** Whether somebody is called for an incident, and why nobody is. */
export type Stand = 'none' | 'waiting' | 'calling' | 'snoozed' | 'acknowledged' | 'exhausted' | 'policy_gone' | 'over';

/** A step that is to come, and whom it would call by what is known now. */
export interface NextStep {
  step: number;
  repetition?: number;
  at: string;
  receivers: string[] | null;
  on_call?: string[];
  notes?: string[];
}

export interface Standing {
  incident: number;
  title: string;
  severity: string;
  incident_state: IncidentState;
  opened_at: string;
  policy?: string;
  state: Stand;
  next?: NextStep;
}

export interface EscalationStep {
  wait_seconds: number;
  receivers: string[];
  schedule?: string;
  repeat?: number;
  every_seconds?: number;
  until_resolved?: boolean;
}

export interface EscalationPolicy {
  name: string;
  match: string[];
  steps: EscalationStep[];
}

/** A step that was carried out. An answer begins with "told" where the receiver took the call. */
export interface Made {
  at: string;
  policy: string;
  step?: number;
  repetition?: number;
  resolved?: boolean;
  on_call?: string[];
  receivers?: Record<string, string>;
  notes?: string[];
}

export interface EscalationDetail extends Standing {
  steps: EscalationStep[];
  calls: Made[];
}

export interface EscalationPage {
  policies: EscalationPolicy[];
  escalations: Standing[];
  next_cursor?: string;
}

export const escalation = (incident: number, signal?: AbortSignal): Promise<EscalationDetail> => get(`/touchline/v1/incidents/${incident}/escalation`, { signal });
export const escalations = (cursor: string, signal?: AbortSignal): Promise<EscalationPage> => get('/touchline/v1/escalations', { params: { cursor, limit: 200 }, signal });
