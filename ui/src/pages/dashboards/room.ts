// How panels make room for each other when they are edited.
import { columns, fit, meet, type Spot } from './arrange';

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
