import type { Incident } from '../../api/incidents';
import { moment } from '../../time/moment';

/** began is when an incident's first bad sample was, or when it was opened. */
export function began(i: Incident): number {
  return Date.parse(i.sample_at ?? i.opened_at);
}

/** ended is when it was over, undefined while it goes on. */
export function ended(i: Incident): number | undefined {
  const at = i.resolved_at ?? i.closed_at;
  return at && i.state !== 'firing' && i.state !== 'acknowledged' ? Date.parse(at) : undefined;
}

/** snoozed is until when an open incident is quiet, undefined where it is not. */
export function snoozed(i: Pick<Incident, 'state' | 'snoozed_until'>, now: number): number | undefined {
  const until = i.snoozed_until ? Date.parse(i.snoozed_until) : 0;
  return (i.state === 'firing' || i.state === 'acknowledged') && until > now ? until : undefined;
}

/** lasted writes a time as hours, minutes and seconds: 00:14:22, with days before it where there are any. */
export function lasted(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const days = Math.floor(s / 86_400);
  return `${days > 0 ? `${days}d ` : ''}${two(Math.floor(s / 3600) % 24)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

export interface Timed {
  at: string;
}

/** gaps is how many milliseconds came between each event and the one before it. */
export function gaps(events: Timed[]): (number | undefined)[] {
  return events.map((e, n) => (n === 0 ? undefined : Math.max(0, moment(e.at) - moment(events[n - 1]!.at))));
}

/** expression is what an alert's generator link evaluates. */
export function expression(generator: string | undefined): string | undefined {
  if (!generator) return undefined;
  try {
    return new URL(generator, 'http://localhost').searchParams.get('g0.expr') ?? undefined;
  } catch {
    return undefined;
  }
}
