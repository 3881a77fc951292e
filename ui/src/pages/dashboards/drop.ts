// Where something that was dragged comes to stand in the file. What is shown stands elsewhere than the file has it
// below tabs, repeats, and rows that were opened or closed by hand.
import type { Placed } from '../../model';
import type { Spot } from './arrange';

/** A part of what is shown: a row with what is in it, or what stands in none. */
interface Part {
  key: string;
  head: Placed | undefined;
  items: Placed[];
}

/** partsOf divides the list that something stands in: that of the dashboard, or of its tab. */
function partsOf(placed: readonly Placed[], p: Placed): Part[] {
  const list = p.within.join('\n');
  const out: Part[] = [];
  for (const o of placed) {
    if (o.within.join('\n') !== list || o.top !== p.top) continue;
    const last = out.at(-1);
    if (o.panel.type === 'row') out.push({ key: o.key, head: o, items: [] });
    else if (last?.key === o.row) last.items.push(o);
    else out.push({ key: o.row, head: undefined, items: [o] });
  }
  return out;
}

/** What something begins with: as shown, and as in the file. */
const begin = (part: Part): { shown: number; file: number } => {
  const all = part.head ? [part.head] : part.items;
  return { shown: Math.min(...all.map((o) => o.gridPos.y)), file: Math.min(...all.map((o) => o.panel.gridPos.y)) };
};

/** dropped is the spot of the file that a spot among what is shown means. */
export function dropped(placed: readonly Placed[], p: Placed, to: Spot): Spot {
  const { panel, gridPos } = p;
  const dy = to.y - gridPos.y;
  const spot: Spot = {
    x: Math.round((to.x * panel.gridPos.w) / gridPos.w), y: Math.max(0, panel.gridPos.y + dy),
    w: panel.gridPos.w + to.w - gridPos.w, h: panel.gridPos.h + to.h - gridPos.h,
  };
  if (dy === 0) return spot;
  const parts = partsOf(placed, p);
  const row = panel.type === 'row';
  const own = parts.find((x) => x.head === p || x.items.includes(p));
  // What is in a row that the file has closed stays in it.
  if (!own || (!row && own.head?.panel.panels.includes(panel))) return spot;
  let part = parts.findLast((x) => (x.head && !row ? begin(x).shown < to.y : begin(x).shown <= to.y)) ?? parts[0]!;
  let line = to.y;
  // What is put into a row that is closed would not be seen, so it comes to the end of its own.
  if (!row && part !== own && part.head && (!part.head.open || part.head.panel.collapsed)) {
    if (line > gridPos.y) line = Infinity;
    part = own;
  }
  const start = begin(part);
  const next = parts.slice(parts.indexOf(part) + 1).find((x) => begin(x).file > start.file);
  // The last line that still is in the part, and the first.
  const most = next ? begin(next).file - (row || !next.head ? 1 : 0) : Infinity;
  const least = start.file + (part.head && !row ? 1 : 0);
  const above = part.head?.panel.collapsed ? [] : part.items.filter((o) => o.gridPos.y <= line);
  const near = above.reduce<Placed | undefined>((best, o) => (best && (best.gridPos.y > o.gridPos.y || (best === p && o.gridPos.y === p.gridPos.y)) ? best : o), undefined);
  const y = line === Infinity ? Math.max(...part.items.map((o) => o.panel.gridPos.y + o.panel.gridPos.h)) : near ? near.panel.gridPos.y + line - near.gridPos.y : start.file + line - start.shown;
  const within = Math.max(least, Math.min(y, most));
  // A row is moved by one place at least.
  return { ...spot, y: !row ? within : dy > 0 ? Math.max(within, panel.gridPos.y + 1) : Math.max(0, Math.min(within, panel.gridPos.y - 1)) };
}
