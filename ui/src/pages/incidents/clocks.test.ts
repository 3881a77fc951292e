import { expect, it } from 'vitest';

import { moment } from '../../time/moment';
import { expression, gaps, lasted, snoozed } from './clocks';

it('calls what is open quiet until its snooze ends', () => {
  const until = Date.parse('2026-01-01T00:10:00Z');
  const i = { state: 'acknowledged', snoozed_until: '2026-01-01T00:10:00Z' } as const;
  expect(snoozed(i, until - 1)).toBe(until);
  expect(snoozed(i, until)).toBeUndefined();
  expect(snoozed({ ...i, state: 'resolved' }, until - 1)).toBeUndefined();
  expect(snoozed({ state: 'firing' }, until - 1)).toBeUndefined();
});

it('writes how long something lasts', () => {
  expect(lasted(862_900)).toBe('00:14:22');
  expect(lasted(90_061_000)).toBe('1d 01:01:01');
  expect(lasted(-5)).toBe('00:00:00');
});

it('measures between events to the microsecond', () => {
  const g = gaps([{ at: '2026-01-01T00:00:00.001200Z' }, { at: '2026-01-01T00:00:00.004700Z' }, { at: '2026-01-01T00:00:00Z' }]);
  expect(g[0]).toBeUndefined();
  expect(g[1]).toBeCloseTo(3.5, 2);
  expect(g[2]).toBe(0);
  expect(moment('2026-01-01T00:00:00Z') % 1).toBe(0);
});

it('finds the expression of a generator link', () => {
  expect(expression('http://x/graph?g0.expr=up+%3D%3D+0&g0.tab=1')).toBe('up == 0');
  expect(expression('')).toBeUndefined();
  expect(expression('http://[')).toBeUndefined();
});
