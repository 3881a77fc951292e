// Where panels stand in the grid of 24 columns, and how they make room for each other.

export interface Spot {
  x: number;
  y: number;
  w: number;
  h: number;
}

export const columns = 24;
/** The height of a cell and the gap between panels, in pixels. */
export const cell = 30;
export const gap = 8;
/** A panel is at most so high, in cells. */
const highest = 200;

const whole = (v: number, least: number, most: number): number => Math.min(most, Math.max(least, Math.round(Number.isFinite(v) ? v : least)));

/** fit keeps a spot within the grid. */
export function fit(s: Spot): Spot {
  const w = whole(s.w, 1, columns);
  return { w, h: whole(s.h, 1, highest), x: whole(s.x, 0, columns - w), y: whole(s.y, 0, 1e6) };
}

export const meet = (a: Spot, b: Spot): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/**
 * makeRoom puts one at a spot: what stands there moves down, and then all move
 * up as far as they can. Order from top to bottom is kept.
 */
export function makeRoom<K>(spots: ReadonlyMap<K, Spot>, moved: K, to: Spot): Map<K, Spot> {
  const target = fit(to);
  const rest = [...spots].filter(([k]) => k !== moved).sort(([, a], [, b]) => a.y - b.y || a.x - b.x);
  // The moved one goes before what begins at or below the middle of the place that it wants.
  const at = rest.findIndex(([, s]) => s.y + s.h / 2 > target.y);
  rest.splice(at < 0 ? rest.length : at, 0, [moved, target]);
  const done: Spot[] = [];
  const out = new Map<K, Spot>();
  // How far down each column is taken makes a dashboard of thousands of panels quick.
  const floor = new Array<number>(columns).fill(0);
  for (const [key, s] of rest) {
    let y = 0;
    for (let c = s.x; c < s.x + s.w; c++) y = Math.max(y, floor[c] ?? 0);
    const spot = { ...s, y };
    for (let c = s.x; c < s.x + s.w; c++) floor[c] = y + s.h;
    done.push(spot);
    out.set(key, spot);
  }
  return out;
}

/** overlaps tells whether any two meet; for tests and for warnings. */
export function overlaps(spots: readonly Spot[]): boolean {
  return spots.some((a, i) => spots.some((b, j) => j > i && meet(a, b)));
}

/** below is the first row under all of them. */
export function below(spots: Iterable<Spot>): number {
  let y = 0;
  for (const s of spots) y = Math.max(y, s.y + s.h);
  return y;
}

/** freeSpot is the first place for one in the line of the last panels, else below all. Nothing stands beside a heading. */
export function freeSpot(spots: readonly Spot[], w: number, h: number): Spot {
  const y = spots.reduce((most, s) => Math.max(most, s.y), 0);
  for (let x = 0; x + w <= columns && spots.length > 0; x++) {
    const spot = { x, y, w, h };
    if (!spots.some((s) => meet(s, spot))) return spot;
  }
  return { x: 0, y: below(spots), w, h };
}

export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** rectOf is the place of a spot in a grid of a width, in pixels. */
export function rectOf(s: Spot, width: number): Rect {
  const step = (width + gap) / columns;
  return { left: Math.round(s.x * step), top: s.y * (cell + gap), width: Math.max(0, Math.round((s.x + s.w) * step) - Math.round(s.x * step) - gap), height: s.h * (cell + gap) - gap };
}

/** place gives the rectangles of all, in the order given; in one column from top to bottom where narrow. */
export function place(spots: readonly Spot[], width: number, narrow: boolean): { rects: Rect[]; height: number } {
  if (!narrow) {
    const rects = spots.map((s) => rectOf(s, width));
    return { rects, height: rects.reduce((h, r) => Math.max(h, r.top + r.height), 0) };
  }
  const rects: Rect[] = new Array<Rect>(spots.length);
  let top = 0;
  for (const i of spots.map((_, i) => i).sort((a, b) => spots[a]!.y - spots[b]!.y || spots[a]!.x - spots[b]!.x)) {
    const height = Math.max(spots[i]!.h === 1 ? cell : 96, Math.min(spots[i]!.h * (cell + gap) - gap, 480));
    rects[i] = { left: 0, top, width, height };
    top += height + gap;
  }
  return { rects, height: Math.max(0, top - gap) };
}

/**
 * paginate moves rectangles down so that none is cut by the end of a sheet, and no
 * heading stands there alone. page is the length of a sheet and offset where the
 * first rectangle's zero is on it, in pixels. What is longer than a sheet begins a new one.
 */
export function paginate(rects: readonly Rect[], page: number, offset: number, heading: (i: number) => boolean = () => false): { rects: Rect[]; height: number } {
  const out = rects.slice();
  const order = rects.map((_, i) => i).sort((a, b) => rects[a]!.top - rects[b]!.top);
  let moved = 0;
  let height = 0;
  order.forEach((i, n) => {
    const rect = rects[i]!;
    const at = (offset + rect.top + moved) % page;
    const next = heading(i) ? rects[order[n + 1]!] : undefined;
    const end = next ? Math.max(rect.top + rect.height, next.top + Math.min(next.height, page / 2)) : rect.top + rect.height;
    // A gap, so that the frame of what begins a sheet does not show at the end of the one before.
    if (at + end - rect.top > page && at > gap) moved += Math.ceil(page - at) + gap;
    out[i] = { ...rect, top: rect.top + moved };
    height = Math.max(height, rect.top + moved + rect.height);
  });
  return { rects: out, height };
}
