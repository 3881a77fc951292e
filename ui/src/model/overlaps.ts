// Panels that a file has over each other, which happens to files made by hand or by programs.
import type { GridPos, Panel } from './dashboard';

const columns = 24;
const rank = (p: Panel): number => (p.type === 'row' ? 0 : 1);

/**
 * pushedApart moves panels as Grafana's grid does where any two overlap: from top to bottom each goes up as far as it
 * can, and what meets one that stands already goes below it. Without an overlap all stay as they are, gaps included.
 * Rows without a heading take no room.
 */
export function pushedApart(panels: Panel[]): Panel[] {
  const order = panels.map((p, i) => ({ ...p.gridPos, h: p.bare ? 0 : p.gridPos.h, i })).sort((a, b) => a.y - b.y || rank(panels[a.i]!) - rank(panels[b.i]!) || a.x - b.x || a.i - b.i);
  if (!overlap(order)) return panels;
  const done: GridPos[] = [];
  let bottom = 0;
  const out = panels.slice();
  for (const { x, y: from, w, h, i } of order) {
    const beside = done.filter((o) => x < o.x + o.w && o.x < x + w);
    const met = (y: number): GridPos | undefined => beside.find((o) => y < o.y + o.h && o.y < y + h);
    let y = Math.min(from, bottom);
    // What is met on the way up stops it: it does not jump over.
    if (!met(y)) y = beside.reduce((most, o) => (o.y + o.h <= y ? Math.max(most, o.y + o.h) : most), 0);
    for (let o = met(y); o; o = met(y)) y = o.y + o.h;
    done.push({ x, y, w, h });
    bottom = Math.max(bottom, y + h);
    out[i] = { ...out[i]!, gridPos: { ...out[i]!.gridPos, y } };
  }
  return out;
}

/** overlap tells whether any two of a list from top to bottom meet. */
function overlap(ordered: readonly GridPos[]): boolean {
  // How far down each column is taken.
  const floor = new Array<number>(columns).fill(0);
  return ordered.some(({ x, y, w, h }) => {
    const meets = floor.slice(x, x + w).some((f) => f > y);
    for (let c = x; c < x + w; c++) floor[c] = Math.max(floor[c]!, y + h);
    return meets;
  });
}
