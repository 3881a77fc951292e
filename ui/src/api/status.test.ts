import { expect, test } from 'vitest';

import { scrapeInterval, type Watched } from './status';

const every = (interval_seconds: number): Watched => ({ job: 'j', instance: '', what: '', interval_seconds, up: true, source: '', targets: 1, down: 0 });

test('the interval of scrapes is the longest that is known', () => {
  expect(scrapeInterval([every(1), every(30)])).toBe(30);
  expect(scrapeInterval([every(0.5)])).toBe(1);
});

test('where another server scrapes, the usual interval is taken', () => {
  for (const watched of [null, undefined, [], [every(0)]]) expect(scrapeInterval(watched)).toBe(15);
});
