import type { AuditEntry } from '../../api/accounts';

/** The action of entries about sign-ins that were refused. */
export const refusedSignIn = 'sign-in.failed';

/** attempts is how many refused sign-ins an entry tells of; undefined where it is about something else. */
export function attempts(e: Pick<AuditEntry, 'action' | 'after'>): number | undefined {
  if (e.action !== refusedSignIn || typeof e.after !== 'object' || e.after === null) return undefined;
  const n = (e.after as { attempts?: unknown }).attempts;
  return typeof n === 'number' ? n : undefined;
}
