// Dashboards before schema 16 hold rows of panels whose widths are spans of
// twelve; these become panels on the grid, below panels of type "row".
import { clip, isObject, list, num, text, type Json, type Warnings } from './read';

const columns = 24;
const cell = 38; // a cell of 30 px and the gap below it of 8
const pixels = (v: unknown): number | undefined => num(typeof v === 'string' ? v.replace(/px$/, '') : v);
const cellsOf = (px: number): number => Math.min(Math.max(Math.ceil(px / cell), 1), 200);

/** Place puts boxes of one row from left to right, and below where they find no room. */
class Place {
  private readonly heights = new Array<number>(columns).fill(0);

  constructor(private readonly top: number) {}

  put(w: number, h: number): { x: number; y: number } {
    let best = { x: 0, y: Infinity };
    for (let x = 0; x + w <= columns; x++) {
      const y = Math.max(...this.heights.slice(x, x + w));
      if (y < best.y) best = { x, y };
    }
    this.heights.fill(best.y + h, best.x, best.x + w);
    return { x: best.x, y: this.top + best.y };
  }

  get bottom(): number {
    return this.top + Math.max(...this.heights);
  }
}

export function rowsToPanels(rows: unknown[], w: Warnings, most: number): { panels: unknown[]; path: (i: number) => string } {
  const out: unknown[] = [];
  const paths: string[] = [];
  const shown = rows.some((r) => isObject(r) && (r.collapse === true || r.collapsed === true || r.showTitle === true || text(r.repeat) !== ''));
  let y = 0;
  let count = 0;
  rows.forEach((row, i) => {
    if (!isObject(row)) {
      w.add(`rows[${i}]`, { en: 'this row is no object; it is left out', zh: '该行不是对象，已省略' });
      return;
    }
    if (count >= most) return;
    const closed = row.collapse === true || row.collapsed === true;
    const height = cellsOf(pixels(row.height) ?? 250);
    let holder: Json | undefined;
    if (shown) {
      holder = { type: 'row', title: text(row.title), collapsed: closed, repeat: text(row.repeat), gridPos: { x: 0, y, w: columns, h: 1 }, panels: [] };
      out.push(holder);
      paths.push(`rows[${i}]`);
      y++;
    }
    const place = new Place(y);
    list(row.panels).forEach((panel, j) => {
      const path = `rows[${i}].panels[${j}]`;
      if (!isObject(panel)) {
        w.add(path, { en: `this panel is no object but ${clip(JSON.stringify(panel) ?? 'nothing', 20)}; it is left out`, zh: '该面板不是对象，已省略' });
        return;
      }
      if (++count > most) return;
      const span = Math.min(Math.max(num(panel.span) ?? 4, 1), 12);
      const minSpan = num(panel.minSpan);
      const size = { w: Math.max(Math.floor(span) * 2, 1), h: pixels(panel.height) ? cellsOf(pixels(panel.height)!) : height };
      const placed: Json = { ...panel, gridPos: { ...place.put(size.w, size.h), ...size }, ...(minSpan ? { maxPerRow: Math.min(Math.max(Math.floor(12 / minSpan), 1), 24) } : {}) };
      if (holder && closed) {
        (holder.panels as Json[]).push(placed);
      } else {
        out.push(placed);
        paths.push(path);
      }
    });
    if (!closed) y = place.bottom;
  });
  if (count > most) w.add('rows', { en: `more than ${most} panels; the rest is left out`, zh: `面板超过 ${most} 个，其余已省略` });
  return { panels: out, path: (i) => paths[i] ?? `rows` };
}
