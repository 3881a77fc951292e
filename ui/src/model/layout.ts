// Where panels stand: repeats of rows and panels, and what closed rows hide.
import type { Condition, Dashboard, GridPos, Panel, Warning } from './dashboard';
import { label } from './interpolate';
import { old } from './late';
import { allKey, type Scope, type Scoped, type Values } from './scope';

export interface Placed {
  /** Unique, and the same as long as panel and repeated values are. */
  key: string;
  panel: Panel;
  gridPos: GridPos;
  /** Values of the repeats that it stands in. */
  scoped: Record<string, Scoped>;
  /** Rows only. */
  open: boolean;
  /** Key of the row that it belongs to; "" for none. */
  row: string;
  /** Keys of the tabs that it stands in, from the outermost. */
  within: readonly string[];
  /** Where the grid begins that its file has it in: that of its tab, or of the dashboard. */
  top: number;
  /** Bars of tabs only. */
  bar?: Bar;
}

/** Bar is one of tabs, of which one is shown. */
export interface Bar {
  /** The parameter of the address that says which. */
  param: string;
  at: number;
  /** index is the place in the file, which those of one repeat share. */
  tabs: { key: string; slug: string; title: string; index: number }[];
}

/** Sight is what the address and the reader say about what is shown. */
export interface Sight {
  scope: Scope;
  /** What a parameter of the address is set to. */
  asked: (param: string) => string | undefined;
  /** Printed: all tabs, below each other. */
  all?: boolean;
  /** Edited: also what conditions hide. */
  hidden?: boolean;
}

/** What repeats may make of one dashboard. */
export const mostPlaced = 5000;

interface Section {
  row: Panel | undefined;
  panels: Panel[];
  /** Where the row stands in the file; 0 before the first one. */
  top: number;
}

/** sections tells which panels belong to which row: those in a closed one, and those that follow an open one. */
function sections(panels: readonly Panel[]): Section[] {
  const out: Section[] = [{ row: undefined, panels: [], top: 0 }];
  const ordered = panels.map((p, i) => ({ p, i })).sort((a, b) => a.p.gridPos.y - b.p.gridPos.y || rank(a.p) - rank(b.p) || a.p.gridPos.x - b.p.gridPos.x || a.i - b.i);
  for (const { p } of ordered) {
    if (p.type === 'row') out.push({ row: p, panels: [...p.panels], top: p.gridPos.y });
    // What follows a closed row in the file is not in it: its own panels are.
    else if (out[out.length - 1]!.row?.collapsed) out.push({ row: undefined, panels: [p], top: out[out.length - 1]!.top + 1 });
    else out[out.length - 1]!.panels.push(p);
  }
  return out;
}

const rank = (p: Panel): number => (p.type === 'row' ? 0 : 1);

/** repeatsOf gives the values of a repeat; undefined where its variable is not there, and the panel stands once. */
export function repeatsOf(name: string, values: Values, scoped: Record<string, Scoped>): Scoped[] | undefined {
  if (name === '' || Object.hasOwn(scoped, name)) return undefined;
  const c = Object.hasOwn(values, name) ? values[name] : undefined;
  if (!c) return undefined;
  if (c.value.includes(allKey)) return c.options.map((o) => ({ value: o.value, text: o.text }));
  return c.value.map((value, i) => ({ value, text: c.text[i] ?? value }));
}

export const keyOf = (base: string, name: string, s: Scoped): string => `${base}/${name}=${String(s.value)}`;

/** Where a list of panels stands. */
export interface Place {
  scoped: Record<string, Scoped>;
  row: string;
  /** What the keys of all in it begin with: that of the copy that it stands in. */
  prefix: string;
  /** The rows and tabs that it stands in, by their slugs in the address. */
  slugs: readonly Slug[];
  within: readonly string[];
  top: number;
}

/** Slug is a name in the address, and what it was there before Grafana 13. For a row it is made of its title, when somebody asks. */
export type Slug = { today: string; before: string } | { title: string; id: number };

/** Layout places what is seen. Bars of tabs are placed by what reads schema v2. */
export class Layout {
  readonly placed: Placed[] = [];
  readonly warnings: Warning[] = [];
  full = false;
  /** Parameters of the address that bars have. */
  readonly params = new Map<string, number>();

  constructor(readonly values: Values, private readonly open: ReadonlyMap<string, boolean>, readonly sight: Sight | undefined) {}

  add(p: Placed): void {
    if (this.placed.length < mostPlaced) {
      this.placed.push(p);
    } else if (!this.full) {
      this.full = true;
      this.warnings.push({ path: '', en: `repeats make more than ${mostPlaced} panels; the rest is left out: choose fewer values`, zh: `重复生成的面板超过 ${mostPlaced} 个，其余已省略：请减少所选的值` });
    }
  }

  private scope(scoped: Record<string, Scoped>): Scope | undefined {
    return this.sight && { ...this.sight.scope, scoped: { ...this.sight.scope.scoped, ...scoped } };
  }

  title(text: string, scoped: Record<string, Scoped>): string {
    const scope = this.scope(scoped);
    return scope ? label(text, scope) : text;
  }

  shows(conditions: readonly Condition[] | undefined, scoped: Record<string, Scoped>): boolean {
    const scope = conditions && !this.sight?.hidden ? this.scope(scoped) : undefined;
    return !scope || old().holds(conditions!, scope);
  }

  /** list places rows and panels below y, and gives the y below them. */
  list(panels: readonly Panel[], y: number, at: Place): number {
    let bottom = y;
    for (const s of sections(panels)) bottom = this.section(s, bottom, at);
    return bottom;
  }

  /** section places a row with its panels at y, once for each of its values, and gives the y below it. */
  private section(s: Section, y: number, place: Place): number {
    if (!s.row) return this.panels(s.panels, s.top, y, place);
    const row = s.row;
    const repeats = repeatsOf(row.repeat, this.values, place.scoped);
    if (repeats?.length === 0) this.warnings.push({ path: `panel ${row.id}`, en: `the row repeats by $${row.repeat}, which has no value`, zh: `该行按 $${row.repeat} 重复，但其没有取值` });
    let at = y;
    for (const one of repeats && repeats.length > 0 ? repeats : [undefined]) {
      if (this.full) break;
      const base = `${place.prefix}${row.id}`;
      const key = one ? keyOf(base, row.repeat, one) : base;
      const open = row.bare || (this.open.get(key) ?? !row.collapsed);
      const scoped = one ? { ...place.scoped, [row.repeat]: one } : place.scoped;
      if (!this.shows(row.conditions, scoped)) continue;
      if (!row.bare) this.add({ key, panel: row, gridPos: { x: 0, y: at++, w: 24, h: 1 }, scoped, open, row: '', within: place.within, top: place.top });
      if (open) at = this.panels(s.panels, row.collapsed && s.panels.length > 0 ? Math.min(...s.panels.map((p) => p.gridPos.y)) : s.top + (row.bare ? 0 : 1), at, { ...place, scoped, row: key, prefix: one ? `${key}/` : place.prefix, slugs: [...place.slugs, { title: this.title(row.title, scoped), id: row.id }] });
    }
    return at;
  }

  /** panels places panels whose file has their first line at top. Repeats and tabs push down what stands below them. */
  private panels(panels: readonly Panel[], top: number, y: number, place: Place): number {
    const { scoped, row, prefix, within } = place;
    const ordered = [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
    let bottom = y;
    // What a repeat adds moves everything that began below it in the file.
    const pushes: { below: number; by: number }[] = [];
    for (const panel of ordered) {
      const moved = pushes.filter((p) => panel.gridPos.y >= p.below).reduce((sum, p) => sum + p.by, 0);
      const at: GridPos = { ...panel.gridPos, y: y + Math.max(panel.gridPos.y - top, 0) + moved };
      if (panel.tabs) {
        const end = old().placeTabs(this, panel, at.y, place);
        bottom = Math.max(bottom, end);
        pushes.push({ below: panel.gridPos.y + 1, by: end - at.y - 1 });
        continue;
      }
      const common = { panel, open: false, row, within, top: place.top };
      const repeats = repeatsOf(panel.repeat, this.values, scoped);
      if (!repeats || repeats.length === 0) {
        if (!this.shows(panel.conditions, scoped)) continue;
        this.add({ ...common, key: `${prefix}${panel.id}`, gridPos: at, scoped });
        bottom = Math.max(bottom, at.y + at.h);
        continue;
      }
      const shown = repeats.filter((one) => this.shows(panel.conditions, { ...scoped, [panel.repeat]: one }));
      const across = panel.repeatDirection === 'h';
      const columns = across ? Math.min(Math.max(panel.maxPerRow, 1), repeats.length, 24) : 1;
      const w = across ? Math.max(Math.floor(24 / columns), 1) : at.w;
      shown.forEach((one, i) => {
        if (this.full) return;
        const pos: GridPos = across ? { x: (i % columns) * w, y: at.y + Math.floor(i / columns) * at.h, w, h: at.h } : { ...at, y: at.y + i * at.h };
        this.add({ ...common, key: keyOf(`${prefix}${panel.id}`, panel.repeat, one), gridPos: pos, scoped: { ...scoped, [panel.repeat]: one } });
        bottom = Math.max(bottom, pos.y + pos.h);
      });
      const lines = across ? Math.ceil(shown.length / columns) : shown.length;
      if (lines > 1) pushes.push({ below: panel.gridPos.y + panel.gridPos.h, by: (lines - 1) * at.h });
    }
    return bottom;
  }
}

/** layoutOf repeats rows, tabs and panels, and places all that is seen. open says which rows were opened or closed by hand, by key. */
export function layoutOf(dashboard: Dashboard, values: Values, open: ReadonlyMap<string, boolean> = new Map(), sight?: Sight): { placed: Placed[]; warnings: Warning[] } {
  const layout = new Layout(values, open, sight);
  layout.list(dashboard.panels, 0, { scoped: {}, row: '', prefix: '', slugs: [], within: [], top: 0 });
  return { placed: layout.placed, warnings: layout.warnings };
}

/** everyPanel walks panels with those of rows and tabs. */
export const everyPanel = (panels: readonly Panel[]): Panel[] => panels.flatMap((p) => [p, ...everyPanel(p.panels), ...(p.tabs ?? []).flatMap((t) => everyPanel(t.panels))]);

/** hasSight tells whether what is shown of a dashboard depends on more than values and rows. */
export const hasSight = (panels: readonly Panel[]): boolean => everyPanel(panels).some((p) => p.tabs !== undefined || p.conditions !== undefined);
