// Single points beside the series of a chart.

export interface Dot {
  /** Milliseconds. */
  at: number;
  value: number;
  color: string;
  /** What the tooltip says of it, as names and values. */
  says?: [string, string][];
}

/** How far from a dot the pointer may be, in pixels. */
const reach = 8;

/** nearest is the dot that is meant by a pointer, undefined where none is near. */
export function nearest(dots: readonly Dot[], pointer: { x: number; y: number }, place: (d: Dot) => { x: number; y: number }): Dot | undefined {
  let found: Dot | undefined;
  let best = reach;
  for (const d of dots) {
    const { x, y } = place(d);
    const away = Math.hypot(x - pointer.x, y - pointer.y);
    if (away <= best) {
      best = away;
      found = d;
    }
  }
  return found;
}
