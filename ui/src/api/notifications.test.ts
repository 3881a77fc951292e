import { expect, it } from 'vitest';

import { hops } from './notifications';

it('measures the way hop by hop', () => {
  const got = hops({ sample: '2026-11-26T19:04:39.79Z', received: '2026-11-26T19:04:39.7932Z', decided: '2026-11-26T19:04:39.794Z', sent: '2026-11-26T19:04:40.000000500Z' })!;
  expect(got.hops.map((h) => [h.to, Math.round(h.ms * 100) / 100])).toEqual([['received', 3.2], ['decided', 0.8], ['sent', 206]]);
  expect(Math.round(got.total)).toBe(210);
});

it('has no way without two stations', () => {
  expect(hops(undefined)).toBeUndefined();
  expect(hops({ sent: '2026-11-26T19:04:40Z' })).toBeUndefined();
  expect(hops({ sample: 'yesterday', sent: '2026-11-26T19:04:40Z' })).toBeUndefined();
});
