import { describe, expect, it } from 'vitest';

import type { DashboardJSON } from '../../api/dashboards';
import { layoutOf, normalize, type Placed, type Scope, type Values } from '../../model';
import type { Spot } from './arrange';
import { dropped } from './drop';
import { formOf } from './forms';
import './v2/edits';

const panel = (id: number): object => ({ kind: 'Panel', spec: { id, title: `p${id}`, data: { kind: 'QueryGroup', spec: {} }, vizConfig: { kind: 'VizConfig', group: 'text', version: '', spec: {} } } });
const item = (id: number, x: number, y: number, more: object = {}): object => ({ kind: 'GridLayoutItem', spec: { x, y, width: 12, height: 8, element: { kind: 'ElementReference', name: `panel-${id}` }, ...more } });
const grid = (...items: object[]): object => ({ kind: 'GridLayout', spec: { items } });
const row = (title: string, layout: object, more: object = {}): object => ({ kind: 'RowsLayoutRow', spec: { title, layout, ...more } });
const rows = (...list: object[]): object => ({ kind: 'RowsLayout', spec: { rows: list } });
const tabs = (...list: object[]): object => ({ kind: 'TabsLayout', spec: { tabs: list.map((layout, i) => ({ kind: 'TabsLayoutTab', spec: { title: `t${i}`, layout } })) } });
const v2 = (layout: object): DashboardJSON => ({ apiVersion: 'dashboard.grafana.app/v2', kind: 'Dashboard', metadata: { name: 'u' }, spec: { title: 'T', elements: Object.fromEntries([1, 2, 3, 4, 5, 6].map((id) => [`panel-${id}`, panel(id)])), layout } });
const by = (value: string): object => ({ repeat: { mode: 'variable', value } });

const values = { v: { value: ['x', 'y', 'z'], text: ['x', 'y', 'z'], options: [] } } as unknown as Values;
const scope = { raw: { from: '', to: '' }, range: { from: 0, to: 1 }, zone: 'utc', dashboard: { title: '', uid: '' }, user: { login: '' }, org: { id: 1, name: '' }, values } as unknown as Scope;
const shown = (d: DashboardJSON, hand: Record<string, boolean> = {}): Placed[] => {
  const model = normalize(d);
  const open = new Map(Object.entries(hand).map(([title, is]) => [String(model.panels.find((p) => p.title === title)!.id), is]));
  return layoutOf(model, values, open, { scope, asked: () => undefined, hidden: true }).placed;
};
/** drag does with what is shown what the grips do. */
function drag(d: DashboardJSON, title: string, change: Partial<Spot> | ((all: Placed[]) => Partial<Spot>), hand: Record<string, boolean> = {}): DashboardJSON {
  const all = shown(d, hand);
  const p = all.find((x) => x.panel.title === title)!;
  const by = typeof change === 'function' ? change(all) : Object.fromEntries(Object.entries(change).map(([k, n]) => [k, p.gridPos[k as keyof Spot] + n]));
  return formOf(d).move(d, p.panel.id, dropped(all, p, { ...p.gridPos, ...by })).dashboard;
}
const above = (title: string, by = 1) => (all: Placed[]): Partial<Spot> => ({ x: 0, y: all.find((x) => x.panel.title === title)!.gridPos.y - by });
const below = (title: string, by = 1) => above(title, -by);
/** Each row with its panels, and where they are in its grid. */
const order = (d: DashboardJSON): string[] => normalize(d).panels.flatMap(function names(p): string[] {
  return [p.type === 'row' ? `[${p.title}]` : p.tabs ? 'tabs' : p.title, ...p.panels.flatMap(names), ...(p.tabs ?? []).flatMap((t) => t.panels.flatMap(names))];
});

const tall = grid(item(1, 0, 0), item(2, 0, 8), item(3, 0, 16));
const cases: [string, DashboardJSON, Record<string, boolean>][] = [
  ['tabs', v2(rows(row('a', tabs(tall)), row('b', grid(item(4, 0, 0), item(5, 12, 0))), row('c', grid(item(6, 0, 0))))), {}],
  ['a repeated row', v2(rows(row('a', tall, by('v')), row('b', grid(item(4, 0, 0), item(5, 12, 0))), row('c', grid(item(6, 0, 0))))), {}],
  ['a repeated panel', v2(rows(row('a', grid(item(1, 0, 0, { repeat: { mode: 'variable', value: 'v', direction: 'v' } }))), row('b', grid(item(4, 0, 0), item(5, 12, 0))), row('c', grid(item(6, 0, 0))))), {}],
  ['a row opened by hand', v2(rows(row('a', tall, { collapse: true }), row('b', grid(item(4, 0, 0), item(5, 12, 0))), row('c', grid(item(6, 0, 0))))), { a: true }],
  ['a row closed by hand', v2(rows(row('a', tall), row('b', grid(item(4, 0, 0), item(5, 12, 0))), row('c', grid(item(6, 0, 0))))), { a: false }],
];

describe.each(cases)('below %s', (_, d, hand) => {
  const before = order(d);
  const first = before.slice(0, before.indexOf('[b]'));
  it('a panel that grows, shrinks or is nudged stays in its row', () => {
    expect(shown(d, hand).find((x) => x.panel.title === 'p4')!.gridPos.y).not.toBe(normalize(d).panels.find((x) => x.title === 'p4')!.gridPos.y);
    for (const change of [{ h: 1 }, { h: -1 }, { w: -1 }, { x: 1 }, { y: 1 }]) {
      const after = order(drag(d, 'p4', change, hand));
      expect([after.slice(0, first.length), after.slice(first.length).sort(), after.slice(-2)], JSON.stringify(change)).toEqual([first, ['[b]', '[c]', 'p4', 'p5', 'p6'], ['[c]', 'p6']]);
    }
    expect(normalize(drag(d, 'p4', { h: 2, w: -4 }, hand)).panels.find((x) => x.title === 'p4')!.gridPos).toMatchObject({ x: 0, w: 8, h: 10 });
  });
  it('a panel goes where it is dropped, and back', () => {
    const after = drag(d, 'p4', below('c', 2), hand);
    expect(order(after)).toEqual([...first, '[b]', 'p5', '[c]', ...order(after).slice(-2)]);
    expect(order(after).slice(-2).sort()).toEqual(['p4', 'p6']);
    expect(order(drag(d, 'p6', above('c', 7), hand)).slice(first.length + 1).sort()).toEqual(['[c]', 'p4', 'p5', 'p6']);
    expect(order(drag(d, 'p6', above('c', 7), hand)).at(-1)).toBe('[c]');
  });
  it('rows move by one place and by more', () => {
    expect(order(drag(d, 'b', { y: -1 }, hand))).toEqual(['[b]', 'p4', 'p5', ...first, '[c]', 'p6']);
    expect(order(drag(d, 'b', { y: 1 }, hand))).toEqual([...first, '[c]', 'p6', '[b]', 'p4', 'p5']);
    expect(order(drag(d, 'c', { y: -1 }, hand))).toEqual([...first, '[c]', 'p6', '[b]', 'p4', 'p5']);
    expect(order(drag(d, 'c', () => ({ y: 0 }), hand))).toEqual(['[c]', 'p6', ...first, '[b]', 'p4', 'p5']);
  });
});

it('a panel that is dropped on tabs or on a closed row from outside stays in its row', () => {
  for (const [name, d, hand] of [cases[0]!, cases[3]!, cases[4]!]) {
    const after = order(drag(d, 'p6', below('a', name === 'tabs' ? 5 : 1), hand));
    expect(after.slice(after.indexOf('[c]')), name).toEqual(['[c]', 'p6']);
  }
});
it('a panel of a row that was opened by hand stays in it', () => {
  const [, d, hand] = cases[3]!;
  const after = order(drag(d, 'p1', below('b', 3), hand));
  expect(after.slice(0, 4).sort()).toEqual(['[a]', 'p1', 'p2', 'p3']);
});
it('a panel moves within its tab by the lines of the tab', () => {
  const d = v2(rows(row('a', tall), row('b', tabs(grid(item(4, 0, 0), item(5, 0, 8))))));
  expect(order(drag(d, 'p5', { y: -8 })).slice(-2)).toEqual(['p4', 'p5']);
  const spots = normalize(drag(d, 'p5', { y: -8 })).panels.at(-1)!.tabs![0]!.panels.map((p) => [p.title, p.gridPos.y]);
  expect(spots).toEqual([['p4', 8], ['p5', 0]]);
});

describe('in a classic dashboard', () => {
  const p = (id: number, y: number, more: object = {}): object => ({ id, type: 'text', title: `p${id}`, gridPos: { x: 0, y, w: 12, h: 8 }, ...more });
  const head = (id: number, title: string, y: number, more: object = {}): object => ({ id, type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 }, ...more });
  const closed: DashboardJSON = { title: 'T', schemaVersion: 41, panels: [head(10, 'a', 0, { collapsed: true, panels: [p(1, 1), p(2, 9), p(3, 17)] }), head(11, 'b', 1), p(4, 2), p(5, 10), head(12, 'c', 18), p(6, 19)] };
  const again: DashboardJSON = { title: 'T', schemaVersion: 41, panels: [head(10, 'a', 0, { repeat: 'v' }), p(1, 1), head(11, 'b', 9), p(4, 10), p(5, 18), head(12, 'c', 26), p(6, 27)] };
  it.each([['a row opened by hand', closed, { a: true }], ['a repeated row', again, {}]] as [string, DashboardJSON, Record<string, boolean>][])('below %s all stay where they are put', (_, d, hand) => {
    const first = order(d).slice(0, order(d).indexOf('[b]'));
    for (const change of [{ h: 1 }, { w: 1 }, { x: 1 }, { y: 1 }]) expect(order(drag(d, 'p4', change, hand)), JSON.stringify(change)).toEqual(order(d));
    expect(order(drag(d, 'p4', below('c'), hand))).toEqual([...first, '[b]', 'p5', '[c]', 'p4', 'p6']);
    expect(order(drag(d, 'p6', above('p5'), hand))).toEqual([...first, '[b]', 'p4', 'p6', 'p5', '[c]']);
    expect(order(drag(d, 'b', { y: -1 }, hand))).toEqual(['[b]', 'p4', 'p5', ...first, '[c]', 'p6']);
    expect(order(drag(d, 'c', { y: -1 }, hand))).toEqual([...first, '[c]', 'p6', '[b]', 'p4', 'p5']);
  });
});
