import { describe, expect, it } from 'vitest';

import type { Target } from '../../api/prometheus';
import { lastScrapes, seriesByJob } from './lastSeen';
import { dropped, droppedCount, fits, pools, targetKey } from './targetList';

const target = (pool: string, url: string, health: Target['health'], labels = {}): Target => ({
  discoveredLabels: {}, labels: { job: pool, ...labels }, scrapePool: pool, scrapeUrl: url, globalUrl: url, lastError: health === 'down' ? 'connection refused' : '',
  lastScrape: '2026-01-02T03:04:05Z', lastScrapeDuration: 0, health, scrapeInterval: '1s', scrapeTimeout: '1s',
});

const list = [target('b', 'http://b1', 'up'), target('a', 'http://a2', 'up', { team: 'Shop' }), target('a', 'http://a1', 'unknown'), target('c', 'http://c1', 'up'), target('c', 'http://c0', 'down')];

describe('pools', () => {
  it('puts what is down first, pools and targets alike', () => {
    const out = pools(list, {});
    expect(out.map((p) => [p.name, p.up, p.down])).toEqual([['c', 1, 1], ['a', 1, 0], ['b', 1, 0]]);
    expect(out[0]!.targets.map((t) => t.scrapeUrl)).toEqual(['http://c0', 'http://c1']);
    expect(out[1]!.targets.map((t) => t.health)).toEqual(['unknown', 'up']);
  });
  it('filters by words, health and pool', () => {
    expect(pools(list, { text: 'team=shop A2' }).flatMap((p) => p.targets.map((t) => t.scrapeUrl))).toEqual(['http://a2']);
    expect(pools(list, { text: 'refused' }).map((p) => p.name)).toEqual(['c']);
    expect(pools(list, { health: 'up', pool: 'c' }).flatMap((p) => p.targets)).toHaveLength(1);
    expect(pools(list, { text: 'nothing' })).toEqual([]);
  });
});

it('fits asks for every word', () => {
  expect(fits('a=1 b', { a: '1' })).toBe(false);
  expect(fits(' A=1  b ', { a: '1', b: '2' })).toBe(true);
});

it('targetKey does not rest on the order of labels', () => {
  expect(targetKey({ scrapePool: 'p', scrapeUrl: 'u', labels: { b: '2', a: '1' } })).toBe('p u a=1,b=2');
});

it('dropped and droppedCount tell what is kept from what there is', () => {
  const t = { activeTargets: [], droppedTargets: [{ scrapePool: 'p', discoveredLabels: { __address__: 'x:1' } }, { scrapePool: 'q', discoveredLabels: { __address__: 'y:1' } }], droppedTargetCounts: { p: 9, q: 1 } };
  expect(droppedCount(t)).toBe(10);
  expect(droppedCount({ activeTargets: [], droppedTargets: t.droppedTargets })).toBe(2);
  expect(dropped(t, { text: 'x:1' })).toHaveLength(1);
  expect(dropped(t, { pool: 'q' })[0]!.scrapePool).toBe('q');
});

it('lastScrapes keeps the newest, and leaves out what was never scraped', () => {
  const out = lastScrapes([{ ...target('a', 'u', 'up', { instance: 'i' }), lastScrape: '2026-01-01T00:00:00Z' }, target('a', 'v', 'up', { instance: 'j' }), { ...target('z', 'w', 'unknown'), lastScrape: '0001-01-01T00:00:00Z' }]);
  expect(out.get('a')).toBe(Date.parse('2026-01-02T03:04:05Z'));
  expect(out.get('a i')).toBe(Date.parse('2026-01-01T00:00:00Z'));
  expect(out.has('z')).toBe(false);
});

it('seriesByJob adds up', () => {
  const out = seriesByJob([{ labels: { job: 'a', instance: 'i' }, value: 2 }, { labels: { job: 'a', instance: 'j' }, value: 3 }]);
  expect(Object.fromEntries(out)).toEqual({ a: 5, 'a i': 2, 'a j': 3 });
});
