import { describe, expect, it } from 'vitest';

import { fit, paginate, place, rectOf, type Spot } from './arrange';
import { below, makeRoom, overlaps } from './room';

const grid = (): Map<number, Spot> => new Map([
  [1, { x: 0, y: 0, w: 12, h: 8 }],
  [2, { x: 12, y: 0, w: 12, h: 8 }],
  [3, { x: 0, y: 8, w: 24, h: 4 }],
]);

describe('makeRoom', () => {
  it('moves what is in the way down, and lets nothing overlap', () => {
    const out = makeRoom(grid(), 3, { x: 0, y: 0, w: 24, h: 4 });
    expect(out.get(3)).toEqual({ x: 0, y: 0, w: 24, h: 4 });
    expect(out.get(1)!.y).toBe(4);
    expect(out.get(2)!.y).toBe(4);
    expect(overlaps([...out.values()])).toBe(false);
  });
  it('closes the hole that is left', () => {
    const out = makeRoom(grid(), 1, { x: 0, y: 40, w: 24, h: 8 });
    expect(out.get(1)!.y).toBe(12);
    expect(out.get(2)!.y).toBe(0);
  });
  it('grows one and pushes its neighbours', () => {
    const out = makeRoom(grid(), 1, { x: 0, y: 0, w: 24, h: 8 });
    expect(overlaps([...out.values()])).toBe(false);
    expect(out.get(1)).toEqual({ x: 0, y: 0, w: 24, h: 8 });
  });
  it('keeps thousands of panels apart', () => {
    const many = new Map(Array.from({ length: 5000 }, (_, i) => [i, { x: (i % 4) * 6, y: Math.floor(i / 4) * 8, w: 6, h: 8 }] as const));
    const out = makeRoom(many, 4999, { x: 3, y: 100, w: 10, h: 3 });
    expect(out.size).toBe(5000);
    expect(overlaps([...out.values()].slice(0, 300))).toBe(false);
  });
});

describe('fit', () => {
  it.each([
    [{ x: -3, y: -1, w: 0, h: 0 }, { x: 0, y: 0, w: 1, h: 1 }],
    [{ x: 23, y: 2, w: 12, h: 4 }, { x: 12, y: 2, w: 12, h: 4 }],
    [{ x: Number.NaN, y: Number.POSITIVE_INFINITY, w: 99, h: 1e9 }, { x: 0, y: 0, w: 24, h: 200 }],
  ])('keeps %j within the grid', (s, want) => expect(fit(s)).toEqual(want));
});

describe('place', () => {
  it('puts neighbours a gap apart', () => {
    const [a, b] = [rectOf({ x: 0, y: 0, w: 7, h: 2 }, 1000), rectOf({ x: 7, y: 0, w: 17, h: 2 }, 1000)];
    expect(b.left - (a.left + a.width)).toBe(8);
    expect(b.left + b.width).toBe(1000);
    expect(a.height).toBe(68);
  });
  it('stacks in reading order where narrow', () => {
    const { rects, height } = place([{ x: 12, y: 0, w: 12, h: 8 }, { x: 0, y: 0, w: 12, h: 8 }], 360, true);
    expect(rects.map((r) => r.top)).toEqual([304, 0]);
    expect(height).toBe(600);
  });
  it('finds the row below all', () => expect(below(grid().values())).toBe(12));
});

describe('paginate', () => {
  const rect = (top: number, height: number, left = 0): { left: number; top: number; width: number; height: number } => ({ left, top, width: 100, height });
  const tops = (rects: { top: number }[]): number[] => rects.map((r) => r.top);

  it('leaves what fits where it is', () => {
    expect(paginate([rect(0, 300), rect(300, 300)], 1000, 100)).toEqual({ rects: [rect(0, 300), rect(300, 300)], height: 600 });
  });
  it('moves what would be cut to the next sheet, with what stands beside and below it', () => {
    const { rects, height } = paginate([rect(0, 300), rect(308, 300), rect(308, 300, 200), rect(616, 300)], 500, 50);
    expect(tops(rects)).toEqual([0, 458, 458, 958]);
    expect(height).toBe(1258);
    for (const r of rects) expect(Math.floor((50 + r.top) / 500)).toBe(Math.floor((50 + r.top + r.height - 1) / 500));
  });
  it('begins a sheet with what is longer than one, and cuts it there', () => {
    expect(tops(paginate([rect(0, 100), rect(108, 1200), rect(1316, 100)], 500, 0).rects)).toEqual([0, 508, 1716]);
  });
  it('keeps the order in which they are given', () => {
    expect(tops(paginate([rect(400, 200), rect(0, 200)], 500, 0).rects)).toEqual([508, 0]);
  });
  it('takes a heading to the sheet of what it is the heading of', () => {
    expect(tops(paginate([rect(0, 300), rect(308, 30), rect(346, 300)], 500, 0, (i) => i === 1).rects)).toEqual([0, 508, 546]);
    expect(tops(paginate([rect(0, 300), rect(308, 30), rect(346, 100)], 500, 0, (i) => i === 1).rects)).toEqual([0, 308, 346]);
    expect(tops(paginate([rect(0, 300), rect(308, 30)], 500, 0, (i) => i === 1).rects)).toEqual([0, 308]);
  });
  it('keeps sheets of a fraction of a pixel apart over hundreds of them', () => {
    const page = 878.017;
    const { rects } = paginate(Array.from({ length: 900 }, (_, i) => rect(i * 308, 300)), page, 61);
    for (const r of rects) expect(Math.floor((61 + r.top) / page)).toBe(Math.floor((61 + r.top + r.height - 1) / page));
  });
});

