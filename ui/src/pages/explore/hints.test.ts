import { describe, expect, it } from 'vitest';

import { hintsOf, staticHints } from './hints';
import type { Ast, Matcher } from './tree';

const placed = { offset: 0, offsetExpr: null, timestamp: null, startOrEnd: null };
const named = (name: string, more: Matcher[] = []): Matcher[] => [{ name: '__name__', type: '=', value: name }, ...more];
const vector = (name: string, more: Matcher[] = []): Ast => ({ type: 'vectorSelector', name, matchers: named(name, more), ...placed });
const over = (fn: string, name: string): Ast => ({ type: 'call', func: { name: fn, returnType: 'vector' }, args: [{ type: 'matrixSelector', name, matchers: named(name), range: 60_000, ...placed }] });
const meta = (name: string) => ({ c_total: { type: 'counter', help: '', unit: '' }, g: { type: 'gauge', help: '', unit: '' }, h: { type: 'histogram', help: '', unit: '' } })[name];
const texts = (e: Ast) => staticHints(e, meta).map((h) => h.message.en.split(/[ :,]/)[0]);

describe('what the kind of a metric says', () => {
  it.each<[string, Ast, string[]]>([
    ['rate of a gauge', over('rate', 'g'), ['{fn}']],
    ['rate of a counter', over('rate', 'c_total'), []],
    ['delta of a counter', over('delta', 'c_total'), ['{fn}']],
    ['a counter as it is', vector('c_total'), ['{name}']],
    ['the number of counters', { type: 'aggregation', op: 'count', expr: vector('c_total'), param: null, grouping: [], without: false }, []],
    ['a gauge as it is', vector('g'), []],
    ['buckets as they are', vector('h_bucket'), ['{name}']],
    ['a stranger', over('rate', 'unknown'), []],
  ])('%s', (_, e, want) => expect(texts(e)).toEqual(want));
});

describe('why there is nothing', () => {
  const ask = (answers: Record<string, number | Record<string, string>[]>) => async (q: string) => {
    const a = answers[q] ?? 0;
    return typeof a === 'number' ? (a === 0 ? [] : [{ labels: {}, value: a }]) : a.map((labels) => ({ labels, value: 1 }));
  };
  const matched = vector('up', [{ name: 'job', type: '=', value: 'x' }, { name: 'zone', type: '=~', value: 'a.*' }]);
  it('no such metric', async () => expect((await hintsOf(matched, 0, ask({})))[0]!.fill).toEqual({ name: 'up' }));
  it('the matcher that excludes', async () =>
    expect((await hintsOf(matched, 0, ask({ 'count(up)': 3, 'count(up{job="x"})': 2 })))[0]!.fill).toEqual({ matcher: 'zone=~"a.*"', n: 2 }));
  it('matchers that exclude only together', async () => expect((await hintsOf(matched, 0, ask({ 'count(up)': 3 })))[0]!.message.en).toMatch(/together/));
  it('sides that do not meet', async () =>
    expect((await hintsOf({ type: 'binaryExpr', op: '/', lhs: vector('a'), rhs: vector('b'), matching: null, bool: false }, 0, ask({ 'count(a)': 2, 'count(b)': 5 })))[0]!.fill).toEqual({ left: 2, right: 5 }));
  it('a label that nothing has', async () =>
    expect((await hintsOf({ type: 'aggregation', op: 'sum', expr: vector('a'), param: null, grouping: ['job', 'pod'], without: false }, 1, ask({ 'group by (job, pod) (a)': [{ job: 'x' }] })))[0]!.fill).toEqual({ label: 'pod' }));
  it('says when there is very much', async () => expect((await hintsOf(vector('a'), 5000, ask({})))[0]!.fill).toEqual({ n: 5000 }));
});
