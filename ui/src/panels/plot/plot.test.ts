import { describe, expect, it } from 'vitest';

import { zoneOffset } from '../../time/zone';
import { align, pace } from './align';
import { apart, rangeOf, ticks, timeTicks } from './scale';
import { stack } from './stack';

describe('stack', () => {
  it('adds up within a group and leaves others', () => {
    const s = stack([
      { group: 'a', percent: false, values: [1, 2, null] },
      { group: undefined, percent: false, values: [9, 9, 9] },
      { group: 'a', percent: false, values: [10, null, 30] },
      { group: 'a', percent: false, values: [100, 200, 300] },
    ]);
    expect(s.values).toEqual([[1, 2, null], [9, 9, 9], [11, null, 30], [111, 202, 330]]);
    expect(s.below).toEqual([-1, -1, 0, 2]);
  });
  it('gives shares of one', () => {
    const s = stack([{ group: 'a', percent: true, values: [1, 0] }, { group: 'a', percent: true, values: [3, 0] }]);
    expect(s.values).toEqual([[0.25, 0], [1, 0]]);
  });
});

describe('align', () => {
  it('keeps one vector as it is', () => {
    const times = [0, 10, 20];
    expect(align([{ times, values: [1, null, 3], span: false }, { times: [0, 10, 20], values: [4, 5, Infinity], span: false }])).toEqual({ times, values: [[1, null, 3], [4, 5, null]] });
  });
  it('joins different times, and puts gaps where points are missing', () => {
    const a = align([{ times: [0, 10, 20, 30], values: [1, 2, 3, 4], span: false }, { times: [0, 10, 40], values: [5, 6, 7], span: false }]);
    expect(a.times).toEqual([0, 10, 20, 30, 40]);
    expect(a.values[1]).toEqual([5, 6, null, undefined, 7]);
  });
  it('draws over gaps that are short enough', () => {
    const times = [0, 10, 20, 30, 40, 50, 60];
    const values = [1, null, 3, null, null, null, 7];
    expect(align([{ times, values, span: 20 }]).values[0]).toEqual([1, undefined, 3, null, null, null, 7]);
    expect(align([{ times, values, span: true }]).values[0]).toEqual([1, undefined, 3, undefined, undefined, undefined, 7]);
  });
  it('finds the pause', () => {
    expect(pace([0, 30, 45, 60])).toBe(15);
    expect(pace([5])).toBe(0);
  });
});

describe('scales', () => {
  it('starts at zero where that is near, and keeps fixed limits', () => {
    expect(rangeOf(2, 10, {})[0]).toBe(0);
    expect(rangeOf(98, 100, {})[0]).toBeGreaterThan(90);
    expect(rangeOf(2, 10, { min: 1, max: 5 })).toEqual([1, 5]);
    expect(rangeOf(2, 3, { softMin: 0, softMax: 10 })).toEqual([0, 10]);
    expect(rangeOf(2, 30, { softMax: 10 })[1]).toBeGreaterThan(30);
    expect(rangeOf(-2, 6, { centered: true })).toEqual([-6.72, 6.72]);
  });
  it('always has a length', () => {
    for (const [lo, hi, l] of [[0, 0, {}], [5, 5, {}], [null, null, {}], [5, 5, { max: 1 }], [5, 5, { min: 9 }], [1, 2, { min: 3, max: 3 }], [1, 2, { min: 4, max: 3 }], [-1, 0, { log: 10 }], [0, 0, { log: 2 }]] as const) {
      const [a, b] = rangeOf(lo, hi, l);
      expect(b, JSON.stringify([lo, hi, l])).toBeGreaterThan(a);
    }
  });
  it('rounds logarithmic ranges to powers', () => {
    const [a, b] = rangeOf(3, 4200, { log: 10 });
    expect(a).toBeCloseTo(1);
    expect(b).toBeCloseTo(10000);
  });
  it('puts ticks upon round values', () => {
    expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks(0.1, 0.35, 5)).toEqual([0.1, 0.15, 0.2, 0.25, 0.3, 0.35]);
    expect(ticks(0, 4096, 4, 2)).toEqual([0, 1024, 2048, 3072, 4096]);
    expect(ticks(0, Infinity, 4).length).toBeLessThanOrEqual(200);
  });
  it('keeps the texts of ticks apart', () => {
    expect(apart([1, 1.2, 1.4], (v, d) => v.toFixed(d ?? 0))).toEqual(['1.0', '1.2', '1.4']);
  });
  it('puts time upon the clock of the zone', () => {
    const from = Date.UTC(2026, 0, 1, 3, 7);
    expect(timeTicks(from, from + 36e5, 6, 'utc').map((t) => t.text)).toEqual(['03:10', '03:20', '03:30', '03:40', '03:50', '04:00']);
    expect(timeTicks(from, from + 3 * 864e5, 3, 'Asia/Shanghai').map((t) => t.text)).toEqual(['01-02', '01-03', '01-04']);
    expect(zoneOffset(from, 'Asia/Kolkata')).toBe(5.5 * 36e5);
  });
});
