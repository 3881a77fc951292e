import { describe, expect, it } from 'vitest';

import { holds } from './conditions';
import type { Condition } from './dashboard';
import { layoutOf, type Sight } from './layout';
import { normalize } from './normalize';
import { allKey, type Scope, type Values } from './scope';
import './old';

const values = (name: string, value: string[], options = value): Values => ({ [name]: { name, type: 'custom', value, text: value, multi: true, several: true, allValue: undefined, options: options.map((o) => ({ text: o, value: o })), filters: [] } });
const scopeOf = (v: Values, hours = 1): Scope => ({ values: v, raw: { from: 'now-1h', to: 'now' }, range: { from: 0, to: hours * 36e5 }, zone: 'utc' });
const sight = (asked: Record<string, string> = {}, v: Values = {}, more: Partial<Sight> = {}): Sight => ({ scope: scopeOf(v), asked: (param) => asked[param], ...more });

const element = (id: number): object => ({ kind: 'Panel', spec: { id, title: `p${id}`, vizConfig: { kind: 'VizConfig', group: 'stat', spec: {} } } });
const item = (id: number, more: object = {}): object => ({ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 12, height: 4, element: { name: `e${id}` }, ...more } });
const grid = (...ids: number[]): object => ({ kind: 'GridLayout', spec: { items: ids.map((id, i) => item(id, { y: 4 * i })) } });
const tab = (title: string, layout: object, more: object = {}): object => ({ kind: 'TabsLayoutTab', spec: { title, layout, ...more } });
const tabs = (...list: object[]): object => ({ kind: 'TabsLayout', spec: { tabs: list } });
const row = (title: string, layout: object, more: object = {}): object => ({ kind: 'RowsLayoutRow', spec: { title, layout, ...more } });
const rows = (...list: object[]): object => ({ kind: 'RowsLayout', spec: { rows: list } });
const of = (layout: object) => normalize({ apiVersion: 'dashboard.grafana.app/v2', metadata: { name: 'u' }, spec: { title: 'T', elements: Object.fromEntries([1, 2, 3, 4, 5].map((id) => [`e${id}`, element(id)])), layout } });
const shape = (r: ReturnType<typeof layoutOf>): unknown[] => r.placed.map((p) => [p.bar ? p.bar.tabs.map((t, i) => (i === p.bar!.at ? `[${t.title}]` : t.title)).join(' ') : p.panel.title, p.gridPos.y]);

describe('tabs', () => {
  const two = of(tabs(tab('First one', grid(1, 2)), tab('Second: a/b', grid(3))));
  it('show the first, or the one that the address asks for', () => {
    expect(shape(layoutOf(two, {}))).toEqual([['[First one] Second: a/b', 0], ['p1', 1], ['p2', 5]]);
    const r = layoutOf(two, {}, undefined, sight({ dtab: 'Second:-a/b' }));
    expect(shape(r)).toEqual([['First one [Second: a/b]', 0], ['p3', 1]]);
    expect(r.placed[0]!.bar).toMatchObject({ param: 'dtab', at: 1, tabs: [{ slug: 'First-one' }, { slug: 'Second:-a/b' }] });
    expect(r.placed[1]).toMatchObject({ within: ['1001/1'], top: 1 });
  });
  it('understand addresses of Grafana before 13, and others not', () => {
    expect(shape(layoutOf(two, {}, undefined, sight({ dtab: 'second-ab' })))[0]).toEqual(['First one [Second: a/b]', 0]);
    expect(shape(layoutOf(two, {}, undefined, sight({ dtab: 'third' })))[0]).toEqual(['[First one] Second: a/b', 0]);
  });
  it('tell those of one name apart', () => {
    const d = of(tabs(tab('A', grid(1)), tab('A', grid(2)), tab('', grid(3))));
    expect(layoutOf(d, {}).placed[0]!.bar!.tabs.map((t) => t.slug)).toEqual(['A', 'A__2', '3']);
    expect(shape(layoutOf(d, {}, undefined, sight({ dtab: 'A__2' })))[1]).toEqual(['p2', 1]);
  });
  it('stand within rows and tabs, with parameters of their own, and rows within them', () => {
    const d = of(rows(row('My row', tabs(tab('x', grid(1)), tab('y', tabs(tab('in', rows(row('r', grid(2)), row('closed', grid(4), { collapse: true })))))), {}), row('Last', grid(3))));
    expect(shape(layoutOf(d, {}))).toEqual([['My row', 0], ['[x] y', 1], ['p1', 2], ['Last', 6], ['p3', 7]]);
    const deep = layoutOf(d, {}, undefined, sight({ 'My-row-dtab': 'y' }));
    expect(shape(deep)).toEqual([['My row', 0], ['x [y]', 1], ['[in]', 2], ['r', 3], ['p2', 4], ['closed', 8], ['Last', 9], ['p3', 10]]);
    expect(deep.placed[2]!.bar!.param).toBe('My-row-y-dtab');
    expect(deep.placed[4]!.within).toHaveLength(2);
    expect(deep.placed[6]!.within).toEqual([]);
    const closed = String(deep.placed[0]!.panel.id);
    expect(shape(layoutOf(d, {}, new Map([[closed, false]])))).toEqual([['My row', 0], ['Last', 1], ['p3', 2]]);
  });
  it('are all there on paper, each below its name', () => {
    const d = of(tabs(tab('one', grid(1)), tab('two', tabs(tab('a', grid(2)), tab('b', grid(3))))));
    const r = layoutOf(d, {}, undefined, sight({}, {}, { all: true }));
    expect(shape(r)).toEqual([['[one]', 0], ['p1', 1], ['[two]', 5], ['[a]', 6], ['p2', 7], ['[b]', 11], ['p3', 12]]);
    expect(new Set(r.placed.map((p) => p.key)).size).toBe(7);
  });
  it('repeat by a variable, whose value their names and panels have', () => {
    const d = of(tabs(tab('on $v', grid(1), { repeat: { mode: 'variable', value: 'v' } }), tab('rest', grid(2))));
    const v = values('v', [allKey], ['a b', 'c']);
    const r = layoutOf(d, v, undefined, sight({ dtab: 'on-c' }, v));
    expect(shape(r)).toEqual([['on a b [on c] rest', 0], ['p1', 1]]);
    expect(r.placed[1]).toMatchObject({ key: '1001/0/v=c/1', scoped: { v: { value: 'c' } } });
  });
  it('of a row that repeats are turned each by itself', () => {
    const d = of(rows(row('r $v', tabs(tab('x', grid(1)), tab('y', grid(2))), { repeat: { mode: 'variable', value: 'v' } })));
    const v = values('v', ['a', 'b']);
    const r = layoutOf(d, v, undefined, sight({ 'r-b-dtab': 'y' }, v));
    expect(shape(r)).toEqual([['r $v', 0], ['[x] y', 1], ['p1', 2], ['r $v', 6], ['x [y]', 7], ['p2', 8]]);
    expect(r.placed.map((p) => p.bar?.param).filter(Boolean)).toEqual(['r-a-dtab', 'r-b-dtab']);
    expect(new Set(r.placed.map((p) => p.key)).size).toBe(6);
  });
});

const group = (items: object[], more: object = {}): Condition => ({ kind: 'ConditionalRenderingGroup', spec: { visibility: 'show', condition: 'and', items, ...more } });
const is = (variable: string, operator: string, value: string): object => ({ kind: 'ConditionalRenderingVariable', spec: { variable, operator, value } });
const within = (value: string): object => ({ kind: 'ConditionalRenderingTimeRangeSize', spec: { value } });

describe('conditions', () => {
  const v = values('env', ['prod', 'stage']);
  it.each([
    [[is('env', 'equals', 'prod')], {}, true], [[is('env', 'equals', 'dev')], {}, false], [[is('env', 'notEquals', 'dev')], {}, true],
    [[is('env', 'matches', '^st')], {}, true], [[is('env', 'notMatches', '(?i)^PROD$')], {}, false], [[is('env', 'matches', '(a+)+$')], {}, true],
    [[within('1h')], {}, true], [[within('30m')], {}, false], [[within('x')], {}, true],
    [[is('env', 'equals', 'dev'), within('1h')], { condition: 'or' }, true], [[is('env', 'equals', 'dev'), within('1h')], {}, false],
    [[is('env', 'equals', 'prod')], { visibility: 'hide' }, false],
    [[is('none', 'equals', 'x')], {}, true], [[{ kind: 'ConditionalRenderingData', spec: { value: true } }], { visibility: 'hide' }, true], [[], {}, true],
  ])('%j %j', (items, more, want) => expect(holds([group(items as object[], more)], scopeOf(v))).toBe(want));
  it('know "all", and the value of a repeat', () => {
    const all = scopeOf(values('env', [allKey], ['a', 'b']));
    expect(holds([group([is('env', 'equals', 'All')])], all)).toBe(true);
    expect(holds([group([is('env', 'equals', 'a')])], { ...all, scoped: { env: { value: 'b', text: 'b' } } })).toBe(false);
  });
  it('leave a row without a heading by itself, below one that is closed', () => {
    const d = of(rows(row('closed', grid(1), { collapse: true }), row('', grid(2), { hideHeader: true }), row('Last', grid(3))));
    expect(shape(layoutOf(d, v))).toEqual([['closed', 0], ['p2', 1], ['Last', 5], ['p3', 6]]);
  });
  it('hide rows, tabs and panels, but not while they are edited', () => {
    const when = (x: string): object => ({ conditionalRendering: group([is('env', 'equals', x)]) });
    const auto = { kind: 'AutoGridLayout', spec: { items: [{ kind: 'AutoGridLayoutItem', spec: { element: { name: 'e1' }, ...when('dev') } }, { kind: 'AutoGridLayoutItem', spec: { element: { name: 'e2' } } }] } };
    const d = of(tabs(tab('dev', grid(5), when('dev')), tab('prod', rows(row('no', grid(3), when('dev')), row('yes', auto, when('prod'))))));
    expect(shape(layoutOf(d, v, undefined, sight({}, v)))).toEqual([['[prod]', 0], ['yes', 1], ['p2', 2]]);
    expect(shape(layoutOf(d, v, undefined, sight({ dtab: 'prod' }, v, { hidden: true })))).toEqual([['dev [prod]', 0], ['no', 1], ['p3', 2], ['yes', 6], ['p1', 7], ['p2', 7]]);
  });
});

describe('what is not read', () => {
  it('is told: variables of rows and tabs, and that a row with rows in it was closed', () => {
    const vars = { variables: [{ kind: 'CustomVariable', spec: { name: 'x' } }] };
    const said = (layout: object): string => of(layout).warnings.map((w) => w.en).join('\n');
    expect(said(tabs(tab('a', grid(1, 2, 3, 4, 5), vars)))).toMatch(/variables of a row or a tab are not read: x/);
    expect(said(rows(row('a', grid(1, 2, 3, 4, 5), vars)))).toMatch(/variables of a row or a tab are not read: x/);
    expect(said(rows(row('outer', rows(row('in', grid(1, 2, 3, 4, 5))), { collapse: true })))).toMatch(/a closed row with rows in it is shown open: outer/);
    expect(said(rows(row('a', grid(1, 2, 3, 4, 5), { collapse: true })))).toBe('');
  });
  it('takes thousands of tabs of one name', () => {
    const r = layoutOf(of(tabs(...Array.from({ length: 30_000 }, () => tab('x', grid())))), {}, undefined, sight({ dtab: 'x__30000' }));
    expect(r.placed[0]!.bar).toMatchObject({ at: 29_999 });
  });
});
