import { describe, expect, it } from 'vitest';

import type { Target } from '../../api/prometheus';
import type { Sample } from '../../api/server';
import { counts, isLate, ownJobs, refusals, requestLight, scrapeLight } from './received';

const answered = (code: string, value: number, handler = '/api/v1/write') => ({ labels: { code, handler }, value });

const target = (over: Partial<Target>): Target => ({
  discoveredLabels: {}, labels: { job: 'redis', instance: 'a:1' }, scrapePool: 'redis', scrapeUrl: 'http://a:1/metrics', globalUrl: '', lastError: '',
  lastScrape: '2026-01-02T03:04:05Z', lastScrapeDuration: 0.01, health: 'up', scrapeInterval: '5s', scrapeTimeout: '5s', ...over,
});

describe('counts', () => {
  it('takes the difference, and a counter that is new or began anew as a whole', () => {
    const out = counts([answered('200', 10), answered('204', 3), answered('400', 2)], [answered('200', 4), answered('400', 9)]);
    expect(Object.fromEntries(out)).toEqual({ 200: 6, 204: 3, 400: 2 });
  });
  it('keeps handlers apart before it adds them up', () => {
    expect(counts([answered('200', 5, 'a'), answered('200', 7, 'b')], [answered('200', 5, 'a'), answered('200', 5, 'b')]).get('200')).toBe(2);
  });
});

describe('requestLight', () => {
  it('waits until the first request', () => {
    expect(requestLight([], [], [], [])).toEqual({ state: 'waiting' });
  });
  it('is good as soon as one is taken, and says which jobs came that are not scraped here', () => {
    const jobs: Sample[] = [{ labels: { job: 'api' }, value: 100 }, { labels: { job: 'node' }, value: 120 }, { labels: {}, value: 130 }];
    expect(requestLight([answered('204', 1)], [], jobs, ['node'])).toEqual({ state: 'good', count: 1, from: ['api'], at: 100_000 });
  });
  it('says what is refused, the most frequent first, unless some sender works', () => {
    expect(requestLight([answered('401', 2), answered('400', 5)], [], [], [])).toEqual({ state: 'refused', code: '400', count: 5 });
    expect(requestLight([answered('401', 9), answered('204', 1)], [], [], [])).toMatchObject({ state: 'good', count: 1 });
  });
  it('tells one that has stopped from one that never came', () => {
    expect(requestLight([answered('204', 8)], [answered('204', 8)], [], []).state).toBe('stopped');
    expect(requestLight([answered('401', 8)], [answered('401', 8)], [], []).state).toBe('waiting');
  });
});

describe('scrapeLight', () => {
  it('waits for a target of the job, and takes no built-in one for it', () => {
    expect(scrapeLight([target({ scrapePool: 'touchline/node', labels: { job: 'node' } })], undefined, []).state).toBe('waiting');
    expect(scrapeLight([target({ labels: { job: 'other' }, scrapePool: 'other' })], 'redis', []).state).toBe('waiting');
    expect(scrapeLight([target({ health: 'unknown' })], 'redis', []).state).toBe('waiting');
  });
  it('is good when all answer', () => {
    expect(scrapeLight([target({})], 'redis', [])).toEqual({ state: 'good', from: ['redis a:1'], at: Date.parse('2026-01-02T03:04:05Z') });
  });
  it('tells the error of one that does not', () => {
    expect(scrapeLight([target({}), target({ health: 'down', lastError: 'refused', labels: { job: 'redis', instance: 'b:1' } })], 'redis', [])).toEqual({ state: 'failing', from: ['redis b:1'], error: 'refused' });
  });
  it('tells an exporter that does not reach what it watches', () => {
    const light = scrapeLight([target({})], 'redis', [{ labels: { __name__: 'redis_up', job: 'redis', instance: 'a:1' }, value: 0 }]);
    expect(light).toEqual({ state: 'failing', from: ['redis a:1'], error: 'redis_up 0' });
  });
  it('finds the targets of another job by its proof', () => {
    expect(scrapeLight([target({ scrapePool: 'cache', labels: { job: 'cache', instance: 'a:1' } })], 'redis', [{ labels: { job: 'cache' }, value: 1 }]).state).toBe('good');
  });
});

it('ownJobs names each job once', () => {
  expect(ownJobs([target({}), target({}), target({ labels: {} })])).toEqual(['redis']);
});

describe('refusals', () => {
  it('names each door that turns something away, with what it says most, though others get through', () => {
    const before = [answered('401', 4), answered('400', 1), answered('204', 3), answered('401', 9, '/v1/metrics')];
    const now = [answered('401', 17), answered('400', 3), answered('204', 9), answered('401', 9, '/v1/metrics'), answered('503', 2, '/api/v2/alerts'), answered('401', 30, '/touchline/v1/me')];
    expect(refusals(now, before)).toEqual([{ door: 'remote-write', code: '401', count: 13 }, { door: 'alerts', code: '503', count: 2 }]);
  });
  it('is nothing where all is taken', () => {
    expect(refusals([answered('204', 9)], [answered('204', 3)])).toEqual([]);
  });
});

it('isLate knows the interval, or waits for more than a minute', () => {
  const now = 1_000_000;
  expect([isLate(now - 80_000, now), isLate(now - 100_000, now), isLate(now - 30_000, now, 15_000), isLate(now - 40_000, now, 15_000), isLate(undefined, now)]).toEqual([false, true, false, true, false]);
});
