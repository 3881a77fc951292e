import { describe, expect, it } from 'vitest';

import type { Target } from '../../api/prometheus';
import { selfMatchers } from '../../api/self';
import { deeper, quoteName, selector, splitPair, splitQuery, valuesQuery } from './cardinality';
import { align, ownCharts, stepFor, windowFor } from './ownCharts';

describe('cuts', () => {
  it('select what they name, whatever letters it has', () => {
    expect(selector({})).toBeUndefined();
    expect(selector({ metric: 'up' })).toBe('{__name__="up"}');
    expect(selector({ metric: 'http.requests', pair: 'service.name=a"b=c' })).toBe('{__name__="http.requests","service.name"="a\\"b=c"}');
    expect(selector({ label: 'le' })).toBe('{le!=""}');
  });
  it('split by label, or by metric', () => {
    expect(splitQuery({ pair: 'job=node' })).toEqual({ query: 'topk(20, count by (__name__) ({job="node"}))', by: '__name__' });
    expect(splitQuery({ metric: 'up', label: 'k8s.pod' })).toEqual({ query: 'topk(20, count by ("k8s.pod") ({__name__="up"}))', by: 'k8s.pod' });
    expect(splitQuery({ metric: 'up' })).toBeUndefined();
    expect(splitQuery({})).toBeUndefined();
  });
  it('count the values of a label', () => {
    expect(valuesQuery({ metric: 'up' }, 'instance')).toBe('count(count by (instance) ({__name__="up"}))');
  });
  it('lead deeper, and keep the metric', () => {
    expect(deeper({ pair: 'job=a' }, '__name__', 'up')).toEqual({ pair: 'job=a', metric: 'up', label: undefined });
    expect(deeper({ metric: 'up', label: 'job' }, 'job', 'a=b')).toEqual({ metric: 'up', pair: 'job=a=b', label: undefined });
  });
  it('take pairs apart at the first =', () => {
    expect(splitPair('a=b=c')).toEqual(['a', 'b=c']);
    expect(splitPair('a')).toEqual(['a', '']);
    expect(quoteName('0a')).toBe('"0a"');
  });
});

describe('own charts', () => {
  it('have steps of whole seconds, and windows that hold four of them', () => {
    expect(stepFor(0, 60_000)).toBe(1);
    expect(stepFor(0, 86_400_000)).toBe(360);
    expect(windowFor(1)).toBe('60s');
    expect(windowFor(360)).toBe('1440s');
  });
  it('align points, and leave gaps where there are none', () => {
    expect(align([[[10, '1'], [20, '2']], [[15, 'NaN'], [20, '3']]], 10, 20, 5)).toEqual({ times: [10, 15, 20], values: [[1, null, 2], [null, null, 3]] });
  });
  it('are of this process alone', () => {
    for (const c of ownCharts) for (const q of c.queries) expect(q.query).toContain('{$self}');
    const own = { scrapePool: 'touchline/touchline', labels: { job: 'touchline', instance: 'a"b' } } as unknown as Target;
    expect(selfMatchers([own])).toBe('job="touchline",instance="a\\"b"');
    expect(selfMatchers([])).toBe('job="touchline"');
  });
  it('name each series', () => {
    for (const c of ownCharts) for (const q of c.queries) expect(Boolean(q.by) || q.name.en !== '').toBe(true);
  });
});
