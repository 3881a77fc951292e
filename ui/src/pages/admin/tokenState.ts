import type { Token } from '../../api/accounts';

export type TokenState = 'valid' | 'soon' | 'replaced' | 'ended';

const day = 86_400_000;

/** From when a token is said to end soon, in milliseconds before. */
const soon = 7 * day;

/** tokenState is whether a token is still taken, and for how long. */
export function tokenState(t: Pick<Token, 'expires_at' | 'revoked_at' | 'replaced_by'>, now: number): TokenState {
  const ends = t.expires_at === undefined ? Infinity : Date.parse(t.expires_at);
  if (t.revoked_at !== undefined && Date.parse(t.revoked_at) <= now) return 'ended';
  if (ends <= now) return 'ended';
  if (t.replaced_by) return 'replaced';
  return ends - now < soon ? 'soon' : 'valid';
}

/** How long a new token lasts. */
export type Life = '7d' | '30d' | '90d' | '365d' | 'never';

/** expiry is when a token of such a life ends; undefined where it does not. */
export function expiry(life: string, now: number): string | undefined {
  const days = /^(\d+)d$/.exec(life);
  return days ? new Date(now + Number(days[1]) * day).toISOString() : undefined;
}
