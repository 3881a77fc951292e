import { expect, it } from 'vitest';

import { add, type Asked, star } from './history';

it('keeps what was asked once, newest first', () => {
  const list = add(add(add([], 'a', 1), 'b', 2), 'a', 3);
  expect(list).toEqual([{ expr: 'a', at: 3 }, { expr: 'b', at: 2 }]);
});

it('drops the oldest, but no starred one', () => {
  let list: Asked[] = star(add([], 'kept', 0), 'kept');
  for (let i = 1; i <= 300; i++) list = add(list, `q${i}`, i);
  expect(list).toHaveLength(201);
  expect(list.at(-1)).toEqual({ expr: 'kept', at: 0, starred: true });
  expect(list.at(-2)!.expr).toBe('q101');
});

it('takes nothing empty or endless', () => expect(add(add([], ' ', 1), 'x'.repeat(20_000), 2)).toEqual([]));
