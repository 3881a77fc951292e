import { describe, expect, it } from 'vitest';

import { layoutOf } from './layout';
import { normalize } from './normalize';

const panel = (id: number, x: number, y: number, w: number, h: number, more: object = {}) => ({ id, type: 'stat', gridPos: { x, y, w, h }, ...more });
const row = (id: number, y: number, more: object = {}) => ({ id, type: 'row', gridPos: { x: 0, y, w: 24, h: 1 }, ...more });
const places = (panels: object[], open?: Map<string, boolean>) => layoutOf(normalize({ panels }), {}, open).placed.map((p) => [p.panel.id, p.gridPos.x, p.gridPos.y, p.gridPos.w, p.gridPos.h]);

describe('panels that a file has over each other', () => {
  it('are pushed apart, and all go up as far as they can', () => {
    expect(places([panel(1, 0, 0, 12, 8), panel(2, 6, 4, 12, 4), panel(3, 18, 9, 6, 3), panel(4, 0, 30, 6, 2)])).toEqual([[1, 0, 0, 12, 8], [2, 6, 8, 12, 4], [3, 18, 0, 6, 3], [4, 0, 8, 6, 2]].sort((a, b) => a[2]! - b[2]! || a[1]! - b[1]!));
  });
  it('go up to what is above them, and not past it', () => {
    // There is room above 2 that 3 may not jump into.
    expect(places([panel(1, 0, 0, 6, 2), panel(2, 0, 1, 24, 4), panel(3, 12, 8, 6, 1)])).toEqual([[1, 0, 0, 6, 2], [2, 0, 2, 24, 4], [3, 12, 6, 6, 1]]);
  });
  it('stay in their rows, within a closed one too', () => {
    expect(places([row(1, 0), panel(2, 0, 0, 12, 4), panel(3, 0, 1, 12, 4)])).toEqual([[1, 0, 0, 24, 1], [2, 0, 1, 12, 4], [3, 0, 5, 12, 4]]);
    const closed = [row(1, 0, { collapsed: true, panels: [panel(2, 0, 1, 12, 4), panel(3, 0, 1, 12, 4)] }), row(4, 1)];
    expect(places(closed, new Map([['1', true]]))).toEqual([[1, 0, 0, 24, 1], [2, 0, 1, 12, 4], [3, 0, 5, 12, 4], [4, 0, 9, 24, 1]]);
  });
  it('leave a file without any as it is, gaps included', () => {
    const panels = [panel(1, 0, 3, 12, 8), panel(2, 12, 5, 12, 4), row(3, 20), panel(4, 6, 25, 6, 5), panel(5, 0, 40, 1, 1)];
    expect(normalize({ panels }).panels.map((p) => p.gridPos)).toEqual(panels.map((p) => p.gridPos));
  });
});
