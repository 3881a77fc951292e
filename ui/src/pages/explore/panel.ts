// A panel of a dashboard that is made from a query.

import type { DashboardModel } from '../../api/explore';
import type { Message } from '../../i18n';
import { isV2 } from '../../model/versions';

/** Why a panel cannot be put into a dashboard. */
export class NoPlace extends Error {
  constructor(readonly text: Message) {
    super(text.en);
  }
}

const m = {
  layout: { en: 'This dashboard has a layout that panels are not appended to from here. Copy the panel, and paste it in the dashboard\'s editor.', zh: '无法从此处向该仪表盘的布局追加面板。请复制面板，并在仪表盘的编辑器中粘贴。' },
  unknown: { en: 'This dashboard has a layout that is not known here. Copy the panel, and paste it in the dashboard\'s editor.', zh: '该仪表盘的布局未知。请复制面板，并在仪表盘的编辑器中粘贴。' },
};

export type PanelModel = Record<string, unknown> & { id: number; gridPos: { x: number; y: number; w: number; h: number } };

interface Placed {
  id?: unknown;
  gridPos?: { y?: number; h?: number };
  panels?: Placed[];
}

/** panelOf is a time series panel, ready for the end of a dashboard. */
export function panelOf(title: string, queries: readonly { ref: string; expr: string; legend: string }[], datasource?: string): Omit<PanelModel, 'id' | 'gridPos'> {
  const source = { type: 'prometheus', uid: datasource || 'touchline' };
  return {
    type: 'timeseries', title, datasource: source,
    targets: queries.map((q) => ({ refId: q.ref, expr: q.expr, datasource: source, ...(q.legend ? { legendFormat: q.legend } : { legendFormat: '__auto' }) })),
    fieldConfig: { defaults: {}, overrides: [] },
    options: { legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max', 'mean'] }, tooltip: { mode: 'multi', sort: 'desc' } },
  };
}

/** append puts a panel below all others, with an id that none of them has. Nothing of the dashboard itself is changed. */
export function append(d: DashboardModel, panel: Omit<PanelModel, 'id' | 'gridPos'>): DashboardModel {
  // A dashboard in the form of a resource has its own one within.
  if (typeof d.apiVersion === 'string' && typeof d.spec === 'object' && d.spec !== null) return { ...d, spec: append(d.spec as DashboardModel, panel) };
  if (d.elements !== undefined || d.rows !== undefined) throw new NoPlace(m.layout);
  const panels = (Array.isArray(d.panels) ? d.panels : []) as Placed[];
  const flat = panels.flatMap((p) => [p, ...(Array.isArray(p.panels) ? p.panels : [])]);
  const id = Math.max(0, ...flat.map((p) => (typeof p.id === 'number' ? p.id : 0))) + 1;
  const y = Math.max(0, ...flat.map((p) => (p.gridPos?.y ?? 0) + (p.gridPos?.h ?? 0)));
  return { ...d, panels: [...panels, { id, ...panel, gridPos: { x: 0, y, w: 12, h: 8 } }] };
}

/** appended is append for a dashboard of any form. */
export async function appended(d: DashboardModel, panel: Omit<PanelModel, 'id' | 'gridPos'>): Promise<DashboardModel> {
  if (!isV2(d)) return append(d, panel);
  const { form } = await import('../dashboards/v2/edits');
  const { dashboard, id } = form.add(d, panel, new Map());
  if (id === undefined) throw new NoPlace(m.unknown);
  return dashboard;
}
