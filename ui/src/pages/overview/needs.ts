import { rank } from '../../ui/tone';

/** What an incident is on this page. */
export interface OpenIncident {
  id: number;
  title: string;
  severity: string;
  state: string;
  opened_at: string;
  labels?: Record<string, string>;
  acknowledged_by?: string;
  assignee?: string;
  snoozed_until?: string;
}

/** Who has to do something about it: nobody has it, somebody has, or it is to be quiet for a while. */
export type Stand = 'untaken' | 'taken' | 'snoozed';

const stands: Stand[] = ['untaken', 'taken', 'snoozed'];

export function standOf(i: OpenIncident, now: number): Stand {
  if (i.snoozed_until && Date.parse(i.snoozed_until) > now) return 'snoozed';
  return i.state === 'acknowledged' || i.acknowledged_by || i.assignee ? 'taken' : 'untaken';
}

export interface Need<T> {
  stand: Stand;
  severity: string | undefined;
  /** Since when, in milliseconds. */
  since: number;
  what: T;
}

/** inOrder puts first what needs somebody most: what nobody has taken before what somebody has, then the worse, then the newer. */
export function inOrder<T>(needs: Need<T>[]): Need<T>[] {
  return [...needs].sort((a, b) => stands.indexOf(a.stand) - stands.indexOf(b.stand) || rank(a.severity) - rank(b.severity) || b.since - a.since);
}
