import { expect, it } from 'vitest';

import { nearest } from './dots';

it('finds the dot that a pointer means', () => {
  const dots = [{ at: 10, value: 10, color: 'a' }, { at: 14, value: 10, color: 'b' }, { at: 100, value: 0, color: 'c' }];
  const at = (x: number, y: number): string | undefined => nearest(dots, { x, y }, (d) => ({ x: d.at, y: d.value }))?.color;
  expect([at(10, 10), at(13, 11), at(100, 8), at(100, 9), at(50, 50)]).toEqual(['a', 'b', 'c', undefined, undefined]);
});
