// A dashboard from the server, with all loaded that reading it needs.
import { type Kept, readDashboard } from '../../api/dashboards';
import { normalize, whenRead } from '../../model';
import { keptDraft } from './draft';
import { loadForm } from './forms';

/** readKept gives a dashboard that can be read at once, and its draft with it. */
export async function readKept(uid: string, signal?: AbortSignal): Promise<Kept> {
  const kept = await readDashboard(uid, signal);
  await whenRead(() => normalize(kept.dashboard));
  await loadForm(kept.dashboard);
  const draft = keptDraft(sessionStorage, uid);
  if (draft) {
    await whenRead(() => normalize(draft.dashboard));
    await loadForm(draft.dashboard);
  }
  return kept;
}
