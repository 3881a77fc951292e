// Where panels stand: repeats of rows and panels, and what closed rows hide.
import type { Dashboard, GridPos, Panel, Warning } from './dashboard';
import { allKey, type Scoped, type Values } from './scope';

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
    else out[out.length - 1]!.panels.push(p);
  }
  return out;
}

const rank = (p: Panel): number => (p.type === 'row' ? 0 : 1);

/** repeatsOf gives the values of a repeat; undefined where its variable is not there, and the panel stands once. */
function repeatsOf(name: string, values: Values, scoped: Record<string, Scoped>): Scoped[] | undefined {
  if (name === '' || Object.hasOwn(scoped, name)) return undefined;
  const c = Object.hasOwn(values, name) ? values[name] : undefined;
  if (!c) return undefined;
  if (c.value.includes(allKey)) return c.options.map((o) => ({ value: o.value, text: o.text }));
  return c.value.map((value, i) => ({ value, text: c.text[i] ?? value }));
}

const keyOf = (base: string, name: string, s: Scoped): string => `${base}/${name}=${String(s.value)}`;

class Layout {
  readonly placed: Placed[] = [];
  readonly warnings: Warning[] = [];
  private full = false;

  constructor(private readonly values: Values, private readonly open: ReadonlyMap<string, boolean>) {}

  private add(p: Placed): void {
    if (this.placed.length < mostPlaced) {
      this.placed.push(p);
    } else if (!this.full) {
      this.full = true;
      this.warnings.push({ path: '', en: `repeats make more than ${mostPlaced} panels; the rest is left out: choose fewer values`, zh: `重复生成的面板超过 ${mostPlaced} 个，其余已省略：请减少所选的值` });
    }
  }

  /** section places a row with its panels at y, once for each of its values, and gives the y below it. */
  section(s: Section, y: number): number {
    if (!s.row) return this.panels(s.panels, s.top, y, {}, '', false);
    const row = s.row;
    const repeats = repeatsOf(row.repeat, this.values, {});
    if (repeats?.length === 0) this.warnings.push({ path: `panel ${row.id}`, en: `the row repeats by $${row.repeat}, which has no value`, zh: `该行按 $${row.repeat} 重复，但其没有取值` });
    let at = y;
    for (const one of repeats && repeats.length > 0 ? repeats : [undefined]) {
      if (this.full) break;
      const key = one ? keyOf(String(row.id), row.repeat, one) : String(row.id);
      const open = this.open.get(key) ?? !row.collapsed;
      const scoped = one ? { [row.repeat]: one } : {};
      this.add({ key, panel: row, gridPos: { x: 0, y: at, w: 24, h: 1 }, scoped, open, row: '' });
      at++;
      if (open) at = this.panels(s.panels, row.collapsed && s.panels.length > 0 ? Math.min(...s.panels.map((p) => p.gridPos.y)) : s.top + 1, at, scoped, key, one !== undefined);
    }
    return at;
  }

  /** panels places panels whose file has their first line at top. Repeats push down what stands below them. */
  private panels(panels: readonly Panel[], top: number, y: number, scoped: Record<string, Scoped>, row: string, copied: boolean): number {
    const ordered = [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
    let bottom = y;
    // What a repeat adds moves everything that began below it in the file.
    const pushes: { below: number; by: number }[] = [];
    for (const panel of ordered) {
      const moved = pushes.filter((p) => panel.gridPos.y >= p.below).reduce((sum, p) => sum + p.by, 0);
      const at: GridPos = { ...panel.gridPos, y: y + Math.max(panel.gridPos.y - top, 0) + moved };
      const prefix = copied ? `${row}/` : '';
      const repeats = repeatsOf(panel.repeat, this.values, scoped);
      if (!repeats || repeats.length === 0) {
        this.add({ key: `${prefix}${panel.id}`, panel, gridPos: at, scoped, open: false, row });
        bottom = Math.max(bottom, at.y + at.h);
        continue;
      }
      const across = panel.repeatDirection === 'h';
      const columns = across ? Math.min(Math.max(panel.maxPerRow, 1), repeats.length, 24) : 1;
      const w = across ? Math.max(Math.floor(24 / columns), 1) : at.w;
      repeats.forEach((one, i) => {
        if (this.full) return;
        const pos: GridPos = across ? { x: (i % columns) * w, y: at.y + Math.floor(i / columns) * at.h, w, h: at.h } : { ...at, y: at.y + i * at.h };
        this.add({ key: keyOf(`${prefix}${panel.id}`, panel.repeat, one), panel, gridPos: pos, scoped: { ...scoped, [panel.repeat]: one }, open: false, row });
        bottom = Math.max(bottom, pos.y + pos.h);
      });
      const lines = across ? Math.ceil(repeats.length / columns) : repeats.length;
      if (lines > 1) pushes.push({ below: panel.gridPos.y + panel.gridPos.h, by: (lines - 1) * at.h });
    }
    return bottom;
  }
}

/** layoutOf repeats rows and panels, and places all that is seen. open says which rows were opened or closed by hand, by key. */
export function layoutOf(dashboard: Dashboard, values: Values, open: ReadonlyMap<string, boolean> = new Map()): { placed: Placed[]; warnings: Warning[] } {
  const layout = new Layout(values, open);
  let y = 0;
  for (const s of sections(dashboard.panels)) y = layout.section(s, y);
  return { placed: layout.placed, warnings: layout.warnings };
}
