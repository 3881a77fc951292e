// Edits of a dashboard's JSON in the classic schema. Each gives a new one, so that
// what was loaded stays for comparing. What an edit does not name stays as it is.
import type { DashboardJSON } from '../../api/dashboards';
import type { Message } from '../../i18n';
import type { Spot } from './arrange';
import { below, freeSpot, makeRoom } from './room';

export type PanelJSON = Record<string, unknown>;

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);
const panelsOf = (d: Record<string, unknown>): PanelJSON[] => (Array.isArray(d.panels) ? d.panels.filter(isObject) : []);

/** spotOf is where a panel stands; the size of Grafana's new panels where it does not say. */
export function spotOf(p: PanelJSON): Spot {
  const g = isObject(p.gridPos) ? p.gridPos : {};
  const n = (v: unknown, otherwise: number): number => (typeof v === 'number' && Number.isFinite(v) ? v : otherwise);
  return { x: n(g.x, 0), y: n(g.y, 0), w: n(g.w, 12), h: n(g.h, 8) };
}

/** everyPanel walks all panels, those of closed rows too. */
export function everyPanel(d: DashboardJSON): PanelJSON[] {
  return panelsOf(d).flatMap((p) => [p, ...panelsOf(p)]);
}

export function findPanel(d: DashboardJSON, id: number): PanelJSON | undefined {
  return everyPanel(d).find((p) => p.id === id);
}

/** freeId is an id that no panel has. */
export function freeId(d: DashboardJSON): number {
  return everyPanel(d).reduce((most, p) => (typeof p.id === 'number' ? Math.max(most, p.id) : most), 0) + 1;
}

/** changePanel replaces one panel; undefined takes it away. */
export function changePanel(d: DashboardJSON, id: number, by: (p: PanelJSON) => PanelJSON | undefined): DashboardJSON {
  const list = (panels: PanelJSON[]): PanelJSON[] =>
    panels.flatMap((p) => {
      if (p.id === id) {
        const to = by(p);
        return to ? [to] : [];
      }
      return Array.isArray(p.panels) && p.panels.length > 0 ? [{ ...p, panels: list(panelsOf(p)) }] : [p];
    });
  return { ...d, panels: list(panelsOf(d)) };
}

/** removePanel takes a panel away; the panels of a closed row stay, below each other where the row was. */
export function removePanel(d: DashboardJSON, id: number): DashboardJSON {
  const row = panelsOf(d).find((p) => p.id === id && p.type === 'row');
  const inside = row ? panelsOf(row) : [];
  const out = changePanel(d, id, () => undefined);
  return inside.length === 0 ? out : { ...out, panels: [...panelsOf(out), ...inside] };
}

/** addPanel puts a new panel beside the last ones where there is room, else below all; a row is below all. */
export function addPanel(d: DashboardJSON, panel: PanelJSON): { dashboard: DashboardJSON; id: number } {
  const id = freeId(d);
  const spot = spotOf(panel);
  const gridPos = freeSpot(panelsOf(d).map((p) => (p.type === 'row' ? { ...spotOf(p), x: 0, w: 24 } : spotOf(p))), spot.w, spot.h);
  return { dashboard: { ...d, panels: [...panelsOf(d), { ...panel, id, gridPos: { ...spot, ...gridPos } }] }, id };
}

/** duplicatePanel puts a copy beside a panel, or below it where there is no room. */
export function duplicatePanel(d: DashboardJSON, id: number): { dashboard: DashboardJSON; id: number } {
  const of = findPanel(d, id);
  if (!of) return { dashboard: d, id };
  const copy = structuredClone(of);
  const made = addPanel(d, copy);
  const s = spotOf(of);
  const beside = s.x + 2 * s.w <= 24 ? { ...s, x: s.x + s.w } : { ...s, y: s.y + s.h };
  return { dashboard: movePanel(made.dashboard, made.id, beside), id: made.id };
}

/** movePanel puts a panel at a spot of a size; the others make room. Panels of closed rows keep their places. */
export function movePanel(d: DashboardJSON, id: number, to: Spot): DashboardJSON {
  const panels = panelsOf(d);
  if (panels.some((p) => p.id === id && p.type === 'row')) return moveRow(d, id, to.y);
  if (!panels.some((p) => p.id === id)) return changePanel(d, id, (p) => ({ ...p, gridPos: { ...to } }));
  const spots = makeRoom(new Map(panels.map((p) => [p.id, spotOf(p)])), id as unknown, to);
  // A panel that moves past a row's line changes its row: the order in the file says which.
  const moved = panels.map((p) => ({ ...p, gridPos: { ...(isObject(p.gridPos) ? p.gridPos : {}), ...spots.get(p.id) } as Spot & Record<string, unknown> }));
  moved.sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  return { ...d, panels: moved };
}

/** moveRow puts a row with all that stands under it between other rows, at the place that is nearest to where it was put down. */
function moveRow(d: DashboardJSON, id: number, to: number): DashboardJSON {
  const panels = panelsOf(d).map((p) => ({ p, ...spotOf(p) })).sort((a, b) => a.y - b.y || a.x - b.x);
  const first = panels.findIndex(({ p }) => p.id === id);
  const row = panels[first]!;
  const next = panels.findIndex(({ p }, i) => i > first && p.type === 'row');
  // What follows a closed row is not in it: its panels are.
  const section = panels.slice(first, row.p.collapsed === true ? first + 1 : next < 0 ? undefined : next);
  const height = below(section) - row.y;
  const rest = panels.filter((x) => !section.includes(x)).map((x) => (x.y > row.y ? { ...x, y: x.y - height } : x));
  const down = to > row.y;
  const wanted = down ? to - height : to;
  const places = [...rest.filter(({ p }) => p.type === 'row').map(({ y }) => y), below(rest)].filter((y) => (down ? y > row.y : y < row.y));
  if (places.length === 0) return d;
  const place = places.reduce((best, y) => (Math.abs(y - wanted) < Math.abs(best - wanted) ? y : best));
  const put = [
    ...section.map((x) => ({ ...x, y: x.y - row.y + place })),
    ...rest.map((x) => (x.y >= place ? { ...x, y: x.y + height } : x)),
  ].sort((a, b) => a.y - b.y || a.x - b.x);
  return { ...d, panels: put.map(({ p, x, y, w, h }) => ({ ...p, gridPos: { ...(isObject(p.gridPos) ? p.gridPos : {}), x, y, w, h } })) };
}

/** newPanel is what a fresh panel of a type says. */
export function newPanel(type: string, title: string): PanelJSON {
  if (type === 'row') return { type, title, collapsed: false, panels: [], gridPos: { x: 0, y: 0, w: 24, h: 1 } };
  const panel: PanelJSON = { type, title, gridPos: { x: 0, y: 0, w: 12, h: 8 }, fieldConfig: { defaults: {}, overrides: [] }, options: {} };
  if (type === 'text') return { ...panel, options: { mode: 'markdown', content: '' } };
  return { ...panel, datasource: { type: 'prometheus', uid: 'touchline' }, targets: [{ refId: 'A', expr: '', range: true }] };
}

/** newDashboard is what a fresh dashboard says. */
export function newDashboard(title: string): DashboardJSON {
  return { title, schemaVersion: 41, time: { from: 'now-6h', to: 'now' }, timezone: 'browser', editable: true, tags: [], templating: { list: [] }, annotations: { list: [] }, panels: [] };
}

/** at reads a value by path. */
export function at(v: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((o, k) => (Array.isArray(o) && typeof k === 'number' ? o[k] : isObject(o) ? o[String(k)] : undefined), v);
}

/** put gives a copy with the value at a path; undefined takes the field away. */
export function put<T extends Record<string, unknown>>(v: T, path: readonly (string | number)[], to: unknown): T {
  const set = (o: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
    if (key === undefined) return to;
    if (typeof key === 'number') {
      const list = Array.isArray(o) ? [...(o as unknown[])] : [];
      list[key] = set(list[key], rest);
      return list;
    }
    const copy: Record<string, unknown> = isObject(o) ? { ...o } : {};
    const value = set(copy[key], rest);
    if (value === undefined) delete copy[key];
    // A key such as __proto__ in a stranger's file is a field like any other.
    else Object.defineProperty(copy, key, { value, writable: true, enumerable: true, configurable: true });
    return copy;
  };
  return set(v, path) as T;
}

// --- unsaved edits, over a reload and an expired session ----------------------------------------

export interface Draft {
  dashboard: DashboardJSON;
  folder?: string;
  /** The ETag that the edit began from; "" for a new dashboard. */
  etag: string;
  /** Milliseconds. */
  at: number;
  /** What of the edits the form of the dashboard could not say. */
  lost?: Message[];
}

const keyOf = (uid: string): string => `touchline.draft.${uid}`;

export function keepDraft(store: Pick<Storage, 'setItem' | 'removeItem'>, uid: string, draft: Draft | undefined): boolean {
  try {
    if (draft) store.setItem(keyOf(uid), JSON.stringify(draft));
    else store.removeItem(keyOf(uid));
    return true;
  } catch {
    return false; // too large, or forbidden: the page says so
  }
}

export function keptDraft(store: Pick<Storage, 'getItem'>, uid: string): Draft | undefined {
  try {
    const v: unknown = JSON.parse(store.getItem(keyOf(uid)) ?? 'null');
    return isObject(v) && isObject(v.dashboard) && typeof v.etag === 'string' ? (v as unknown as Draft) : undefined;
  } catch {
    return undefined;
  }
}
