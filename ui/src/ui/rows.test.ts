import { expect, it } from 'vitest';

import { rowsIn } from './rows';

it.each<[string, number, number, number, { from: number; to: number }]>([
  ['the beginning', 0, 100, 1000, { from: 0, to: 7 }],
  ['the middle', 5010, 100, 1000, { from: 248, to: 258 }],
  ['the end', 19_900, 100, 1000, { from: 993, to: 1000 }],
  ['a list that has become shorter', 19_900, 100, 3, { from: 3, to: 3 }],
  ['a box without height', 0, 0, 1000, { from: 0, to: 2 }],
  ['no rows', 0, 100, 0, { from: 0, to: 0 }],
])('finds the rows in sight at %s', (_, top, box, count, want) => expect(rowsIn(top, box, count, 20, 2)).toEqual(want));
