// The forms of dashboards that can be edited: the classic one, and schema v2, which is loaded where there is one.
import type { DashboardJSON } from '../../api/dashboards';
import type { Message } from '../../i18n';
import { isV2 } from '../../model';
import type { Spot } from './arrange';
import { addPanel, changePanel, duplicatePanel, movePanel, type PanelJSON, removePanel } from './draft';

/** Edited is a dashboard after an edit. */
export interface Edited {
  dashboard: DashboardJSON;
  /** Of what was added. */
  id?: number;
  /** What of the edit the form cannot say; it is not in the dashboard. */
  lost?: Message[];
}

/** Form is how edits come into a dashboard. Each gives a new one. */
export interface Form {
  /** All but the panels, in the classic schema. */
  head: (d: DashboardJSON) => DashboardJSON;
  /** Writes what was changed in it. */
  settle: (d: DashboardJSON, head: DashboardJSON) => Edited;
  title: (d: DashboardJSON) => string;
  named: (d: DashboardJSON, title: string) => DashboardJSON;
  change: (d: DashboardJSON, id: number, to: PanelJSON) => Edited;
  remove: (d: DashboardJSON, id: number) => Edited;
  move: (d: DashboardJSON, id: number, to: Spot) => Edited;
  duplicate: (d: DashboardJSON, id: number) => Edited;
  /** shown says which tab each bar shows, by the id of the bar. */
  add: (d: DashboardJSON, panel: PanelJSON, shown: ReadonlyMap<number, number>) => Edited;
}

const classic: Form = {
  head: (d) => d,
  settle: (_, head) => ({ dashboard: head }),
  title: (d) => (typeof d.title === 'string' ? d.title : ''),
  named: (d, title) => ({ ...d, title }),
  change: (d, id, to) => ({ dashboard: changePanel(d, id, () => to) }),
  remove: (d, id) => ({ dashboard: removePanel(d, id) }),
  move: (d, id, to) => ({ dashboard: movePanel(d, id, to) }),
  duplicate: duplicatePanel,
  add: addPanel,
};

let v2: Form | undefined;

/** provideForm is called by what writes schema v2. */
export function provideForm(form: Form): void {
  v2 = form;
}

/** loadForm loads what an edit of a dashboard needs. */
export async function loadForm(d: DashboardJSON): Promise<void> {
  if (isV2(d) && !v2) await import('./v2/edits');
}

/** formOf is the form of a dashboard, for which loadForm has been called. */
export function formOf(d: DashboardJSON): Form {
  if (!isV2(d)) return classic;
  if (!v2) throw new Error('what edits schema v2 is not loaded');
  return v2;
}
