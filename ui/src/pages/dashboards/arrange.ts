// Where panels stand in the grid of 24 columns.

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
