// A dashboard from the server, with all loaded that reading it needs.
import { stock } from '../../stock';
import { type Kept, readDashboard } from '../../api/dashboards';
import { isV2, normalize, whenRead } from '../../model';
import { keptDraft } from './draft';
import { loadForm } from './forms';

/** readKept gives a dashboard that can be read at once, and its draft with it. */
export async function readKept(uid: string, signal?: AbortSignal): Promise<Kept> {
  const kept = await readDashboard(uid, signal);
  if (kept.meta.shipped) await stock.ready();
  await whenRead(() => normalize(kept.dashboard));
  // A bar of tabs is there when its panels are.
  if (isV2(kept.dashboard)) await Promise.all([loadForm(kept.dashboard), import('./TabBar')]);
  const draft = keptDraft(sessionStorage, uid);
  if (draft) {
    await whenRead(() => normalize(draft.dashboard));
    await loadForm(draft.dashboard);
  }
  return kept;
}
