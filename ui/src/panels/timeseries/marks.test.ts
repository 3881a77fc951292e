import { expect, it } from 'vitest';
import type uPlot from 'uplot';

import { steppedTo } from './Markers';
import { drawRegions } from './TimeSeries';

/** What is filled of a drawing from 100 to 200, one pixel a millisecond. */
function drawn(marks: Parameters<typeof drawRegions>[1]): number[][] {
  const out: number[][] = [];
  const ctx = { save: () => undefined, restore: () => undefined, fillStyle: '', fillRect: (...r: number[]) => out.push(r) };
  Object.assign(globalThis, { devicePixelRatio: 1 });
  drawRegions({ ctx, bbox: { left: 100, top: 5, width: 100, height: 40 }, valToPos: (v: number) => v } as unknown as uPlot, marks, 'dark');
  return out;
}

it('draws bands of what lasted, and a line where it began', () => {
  expect(drawn([{ id: 'a', time: 120, timeEnd: 150 }])).toEqual([[120, 5, 1, 40], [120, 5, 30, 40]]);
  expect(drawn([{ id: 'a', time: 50, timeEnd: 150 }])).toEqual([[100, 5, 50, 40]]);
  expect(drawn([{ id: 'a', time: 10, timeEnd: 50 }])).toEqual([]);
});

it('does not tint for what is thin, however long it lasted', () => {
  expect(drawn([{ id: 'a', time: 120, timeEnd: 150, thin: true }])).toEqual([[120, 5, 1, 40]]);
  expect(drawn([{ id: 'a', time: 50, timeEnd: 150, thin: true }])).toEqual([]);
});

it('goes from mark to mark by keys', () => {
  expect(['ArrowRight', 'ArrowLeft', 'Home', 'End', 'Tab'].map((k) => steppedTo(k, 1, 4))).toEqual([2, 0, 0, 3, undefined]);
  expect([steppedTo('ArrowRight', 3, 4), steppedTo('ArrowLeft', 0, 4)]).toEqual([3, 0]);
});
