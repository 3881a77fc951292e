import { expect, it } from 'vitest';

import { rangeAxis, stepAxis } from './axis';

const box = { x: 50, y: 6, w: 100, h: 40 };

it('finds moments of a range, and the places of moments', () => {
  const axis = rangeAxis({ from: 1000, to: 2000 }, box);
  expect([axis.place(1000), axis.place(1500), axis.place(2000), axis.place(999), axis.place(2001)]).toEqual([50, 100, 150, undefined, undefined]);
  expect([axis.at(50), axis.at(100), axis.at(150), axis.at(49), axis.at(151)]).toEqual([1000, 1500, 2000, undefined, undefined]);
});

it('finds the bar that a moment belongs to', () => {
  const axis = stepAxis([1000, 2000, 3000, 4000], box);
  expect([axis.place(1000), axis.place(1400), axis.place(4000), axis.place(4900), axis.place(5001)]).toEqual([62.5, 62.5, 137.5, 137.5, undefined]);
  expect([axis.at(51), axis.at(149), axis.at(40), axis.at(151)]).toEqual([1000, 4000, undefined, undefined]);
  expect(stepAxis([], box).place(1)).toBeUndefined();
});
