import { describe, expect, it } from 'vitest';

import { type Ast, countQuery, durationOf, selectors, splitThreshold, treeOf, write } from './tree';

const placed = { offset: 0, offsetExpr: null, timestamp: null, startOrEnd: null };
const up: Ast = { type: 'vectorSelector', name: 'up', matchers: [{ name: 'a', type: '!=', value: 'b"' }, { name: '__name__', type: '=', value: 'up' }], ...placed };
const range: Ast = { type: 'matrixSelector', name: '', matchers: [{ name: 'http.code', type: '=~', value: '2..' }, { name: '__name__', type: '=', value: 'a.b' }], range: 5_400_000, rangeExpr: null, ...placed, offset: 60_000 };
const rate: Ast = { type: 'call', func: { name: 'rate', returnType: 'vector' }, args: [range] };
const sum: Ast = { type: 'aggregation', op: 'sum', expr: rate, param: null, grouping: ['job'], without: false };
const one: Ast = { type: 'numberLiteral', val: '1' };
const compared: Ast = { type: 'binaryExpr', op: '>', lhs: sum, rhs: one, matching: null, bool: false };
const divided: Ast = { type: 'binaryExpr', op: '/', lhs: { type: 'parenExpr', expr: compared }, rhs: up, bool: false, matching: { card: 'many-to-one', labels: ['job'], on: true, include: ['x'] } };

describe('write', () => {
  it.each<[Ast, string]>([
    [up, 'up{a!="b\\""}'],
    [sum, 'sum by (job) (rate({"a.b","http.code"=~"2.."}[1h30m] offset 1m))'],
    [divided, '(sum by (job) (rate({"a.b","http.code"=~"2.."}[1h30m] offset 1m)) > 1) / on (job) group_left (x) up{a!="b\\""}'],
    [{ type: 'subquery', expr: up, range: 3_600_000, step: 0, ...placed, startOrEnd: 'end' }, 'up{a!="b\\""}[1h:] @ end()'],
    [{ type: 'vectorSelector', name: 'up', matchers: [{ name: '__name__', type: '=', value: 'up' }], ...placed, timestamp: 1500, offset: -60_000 }, 'up @ 1.500 offset -1m'],
    [{ type: 'aggregation', op: 'topk', expr: up, param: { type: 'numberLiteral', val: '3' }, grouping: [], without: true }, 'topk without () (3, up{a!="b\\""})'],
    [{ type: 'unaryExpr', op: '-', expr: one }, '-1'],
    [{ type: 'call', func: { name: 'label_replace', returnType: 'vector' }, args: [up, { type: 'stringLiteral', val: 'a\n' }] }, 'label_replace(up{a!="b\\""}, "a\\n")'],
  ])('%#', (ast, text) => expect(write(ast)).toBe(text));
});

it.each([[0, '0s'], [90_000, '1m30s'], [-86_400_000, '-1d'], [1_500, '1s500ms']])('durationOf(%d)', (ms, text) => expect(durationOf(ms)).toBe(text));

describe('the tree that is shown', () => {
  const tree = treeOf(divided);
  it('leaves brackets and numbers out', () => {
    expect(tree.children.map((c) => c.head)).toEqual(['>', 'up{a!="b\\""}']);
    expect(tree.children[0]!.children.map((c) => [c.id, c.head, c.depth])).toEqual([['0.0.0', 'sum by (job)', 2]]);
  });
  it('is bounded', () => {
    let deep: Ast = up;
    for (let i = 0; i < 500; i++) deep = { type: 'unaryExpr', op: '-', expr: deep };
    let n = 0;
    const count = (t: ReturnType<typeof treeOf>): void => { n++; t.children.forEach(count); };
    count(treeOf(deep));
    expect(n).toBe(200);
  });
});

it('counts a range by its samples', () => {
  expect(countQuery(range)).toMatch(/^count\(count_over_time\(/);
  expect(countQuery(sum)).toMatch(/^count\(sum by/);
  expect(countQuery(one)).toBeUndefined();
});

it('finds selectors with what is around them', () => {
  const found = selectors(divided);
  expect(found.map((f) => f.selector.name)).toEqual(['', 'up']);
  expect(found[0]!.around.map((a) => a.type)).toEqual(['binaryExpr', 'parenExpr', 'binaryExpr', 'aggregation', 'call']);
});

describe('splitThreshold', () => {
  it('takes the comparison off', () => expect(splitThreshold({ type: 'parenExpr', expr: compared })).toEqual({ expr: write(sum), op: '>', value: 1 }));
  it('leaves others alone', () => {
    expect(splitThreshold(divided)).toBeUndefined();
    expect(splitThreshold({ ...compared, bool: true })).toBeUndefined();
    expect(splitThreshold({ ...compared, rhs: up })).toBeUndefined();
  });
});
