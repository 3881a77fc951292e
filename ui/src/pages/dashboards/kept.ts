// A dashboard from the server, with all loaded that reading it needs.
import { stock } from '../../stock';
import { type Kept, readDashboard } from '../../api/dashboards';
import { normalize, whenRead } from '../../model';
import { keptDraft } from './draft';

/** readKept gives a dashboard that can be read at once, and its draft with it. */
export async function readKept(uid: string, signal?: AbortSignal): Promise<Kept> {
  const kept = await readDashboard(uid, signal);
  if (kept.meta.shipped) await stock.ready();
  await whenRead(() => normalize(kept.dashboard));
  const draft = keptDraft(sessionStorage, uid);
  if (draft) await whenRead(() => normalize(draft.dashboard));
  return kept;
}
