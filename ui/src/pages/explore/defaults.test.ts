import { describe, expect, it } from 'vitest';

import { defaultQuery, expand, familyOf, kindOf, rateInterval } from './defaults';

const meta = (type: string) => ({ type, help: '', unit: '' });

describe('kindOf', () => {
  it.each<[string, string, string]>([
    ['http_requests_total', 'counter', 'counter'],
    ['http_requests_total', '', 'counter'],
    ['http_seconds_bucket', 'histogram', 'histogram'],
    ['http_seconds_bucket', '', 'histogram'],
    ['http_seconds_count', 'histogram', 'counter'],
    ['http_seconds', 'histogram', 'native histogram'],
    ['gc_seconds', 'summary', 'summary'],
    ['up', '', 'unknown'],
    ['node_uname_info', '', 'info'],
    ['bucket_total_bytes', 'gauge', 'gauge'],
  ])('%s (%s) is a %s', (name, type, want) => expect(kindOf(name, type ? meta(type) : undefined)).toBe(want));
  it('believes a sample more than its metadata', () => expect(kindOf('x', meta('gauge'), true)).toBe('native histogram'));
});

describe('familyOf', () => {
  const known = (n: string) => (n === 'http_seconds' ? meta('histogram') : undefined);
  it('finds the family of a part', () => expect(familyOf('http_seconds_bucket', known).family).toBe('http_seconds'));
  it('leaves a stranger alone', () => expect(familyOf('other_bucket', known)).toEqual({ family: 'other_bucket', meta: undefined }));
});

describe('defaultQuery', () => {
  it.each([
    ['counter', 'rate(m{a="b"}[1m])'],
    ['histogram', 'histogram_quantile(0.95, sum by (le) (rate(m{a="b"}[1m])))'],
    ['native histogram', 'histogram_quantile(0.95, sum(rate(m{a="b"}[1m])))'],
    ['gauge', 'm{a="b"}'],
    ['unknown', 'm{a="b"}'],
  ] as const)('of a %s', (kind, want) => expect(defaultQuery('m', kind, [{ name: 'a', type: '=', value: 'b' }], '1m').expr).toBe(want));
  it('quotes a name that is none in PromQL', () => expect(defaultQuery('http.server.duration', 'gauge', [], '1m').expr).toBe('{"http.server.duration"}'));
});

describe('variables of dashboards', () => {
  const o = { step: 15, scrape: 15, range: 3600 };
  it.each([
    ['rate(x[$__rate_interval])', 'rate(x[1m])'],
    ['rate(x[${__rate_interval}])', 'rate(x[1m])'],
    ['x[$__range] / $__interval_ms', 'x[3600s] / 15000'],
    ['x{a="$__unknown"}', 'x{a="$__unknown"}'],
  ])('%s', (from, to) => expect(expand(from, o)).toBe(to));
  it('covers four scrapes, or a step and a scrape', () => {
    expect(rateInterval(1000, 15_000)).toBe(60_000);
    expect(rateInterval(300_000, 15_000)).toBe(315_000);
  });
});
