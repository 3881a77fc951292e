import { describe, expect, it } from 'vitest';

import type { DashboardJSON } from '../../../api/dashboards';
import { everyPanel, normalize } from '../../../model';
import { differences } from '../diff';
import { newPanel, type PanelJSON } from '../draft';
import { classicJSON } from '../editable';
import type { Edited } from '../forms';
import { form } from './edits';

const query = (refId: string, expr: string, more: object = {}): object => ({ kind: 'PanelQuery', spec: { refId, hidden: false, unknown: 1, query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', labels: { a: 'b' }, datasource: { name: 'ds', other: 2 }, spec: { expr, editorMode: 'code' } }, ...more } });
const panel = (id: number, more: object = {}): object => ({ kind: 'Panel', extra: id, spec: {
  id, title: `p${id}`, subtitle: 'kept', links: [], ...more,
  data: { kind: 'QueryGroup', spec: { queries: [query('A', 'up'), query('B', 'down')], transformations: [{ kind: 'Transformation', group: 'limit', note: 'kept', spec: { options: { limitField: 3 } } }], queryOptions: { interval: '1m', queryCachingTTL: 60 } } },
  vizConfig: { kind: 'VizConfig', group: 'timeseries', version: '12.0.0', spec: { options: { legend: { showLegend: true } }, fieldConfig: { defaults: { unit: 's' }, overrides: [] } } },
} });
const item = (id: number, x: number, y: number, more: object = {}): object => ({ kind: 'GridLayoutItem', tag: id, spec: { x, y, width: 12, height: 8, element: { kind: 'ElementReference', name: `panel-${id}` }, ...more } });
const cell = (id: number, more: object = {}): object => ({ kind: 'AutoGridLayoutItem', tag: id, spec: { element: { kind: 'ElementReference', name: `panel-${id}` }, ...more } });
const grid = (...items: object[]): object => ({ kind: 'GridLayout', spec: { items, kept: true } });
const auto = (...items: object[]): object => ({ kind: 'AutoGridLayout', spec: { maxColumnCount: 2, columnWidthMode: 'standard', rowHeightMode: 'short', items } });
const row = (title: string, layout: object, more: object = {}): object => ({ kind: 'RowsLayoutRow', spec: { title, fillScreen: true, layout, ...more } });
const rows = (...list: object[]): object => ({ kind: 'RowsLayout', spec: { rows: list } });
const tabs = (...list: [string, object][]): object => ({ kind: 'TabsLayout', spec: { tabs: list.map(([title, layout]) => ({ kind: 'TabsLayoutTab', spec: { title, layout, kept: 1 } })) } });

const of = (layout: object, more: object = {}): DashboardJSON => ({
  apiVersion: 'dashboard.grafana.app/v2', kind: 'Dashboard', metadata: { name: 'uid1', labels: { team: 'x' } }, status: { kept: true }, spec: {
    title: 'T', description: 'd', tags: ['a'], cursorSync: 'Off', preload: true, liveNow: false, editable: true, links: [],
    timeSettings: { from: 'now-1h', to: 'now', autoRefresh: '10s', autoRefreshIntervals: ['5s'], hideTimepicker: false, fiscalYearStartMonth: 0, nowDelay: '1m' },
    annotations: [{ kind: 'AnnotationQuery', spec: { name: 'Deploys', enable: true, hide: false, iconColor: 'red', placement: 'inControlsMenu', query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', datasource: { name: 'ds' }, spec: { expr: 'deploy' } }, legacyOptions: { step: '60s' } } }],
    variables: [
      { kind: 'QueryVariable', spec: { name: 'job', label: 'Job', hide: 'dontHide', refresh: 'onDashboardLoad', sort: 'alphabeticalAsc', multi: true, includeAll: true, allowCustomValue: true, skipUrlSync: false, regex: '', current: { text: 'a', value: 'a' }, options: [], staticOptions: [{ text: 'x', value: 'x' }], query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', datasource: { name: 'ds' }, spec: { query: 'label_values(up, job)', refId: 'x', qryType: 1 } } } },
      { kind: 'CustomVariable', spec: { name: 'env', hide: 'hideLabel', query: 'a,b', current: { text: 'a', value: 'a' }, options: [], multi: false, includeAll: false, valuesFormat: 'csv', skipUrlSync: false, allowCustomValue: true } },
      { kind: 'AdhocVariable', group: 'prometheus', datasource: { name: 'ds' }, spec: { name: 'f', baseFilters: [], filters: [{ key: 'k', operator: '=', value: 'v' }], defaultKeys: [], hide: 'dontHide', skipUrlSync: false, allowCustomValue: true, enableGroupBy: false } },
    ],
    elements: Object.fromEntries([1, 2, 3, 4].map((id) => [`panel-${id}`, panel(id)])), layout, future: { kept: [1] }, ...more,
  },
});
const two = (): DashboardJSON => of(grid(item(1, 0, 0), item(2, 12, 0, { repeat: { mode: 'variable', value: 'job', maxPerRow: 3 } })));

/** What the editor has of a panel. */
const json = (d: DashboardJSON, id: number): PanelJSON => {
  const p = everyPanel(normalize(d).panels).find((x) => x.id === id)!;
  return { ...p.raw, id: p.id, gridPos: p.gridPos };
};
const paths = (before: DashboardJSON, after: DashboardJSON): string[] => differences(before, after).list.map((x) => `${x.kind} ${x.path.replace(/^spec\./, '')}`);
const titles = (d: DashboardJSON): unknown[] => everyPanel(normalize(d).panels).map((p) => [p.title, p.gridPos.x, p.gridPos.y, p.gridPos.w, p.gridPos.h]);
/** edit holds that an edit leaves its document alone, and what it changes. */
function edit(before: DashboardJSON, by: (d: DashboardJSON) => Edited, want: string[]): Edited {
  const copy = structuredClone(before);
  const e = by(before);
  expect(before).toEqual(copy);
  expect(paths(before, e.dashboard)).toEqual(want);
  return e;
}
const at = (v: unknown, ...path: (string | number)[]): unknown => path.reduce<unknown>((o, k) => (o as Record<string | number, unknown> | undefined)?.[k], v);

describe('a panel of schema v2', () => {
  it('that is not changed changes nothing', () => {
    const d = two();
    expect(edit(d, (x) => form.change(x, 1, json(d, 1)), []).lost).toEqual([]);
    expect(edit(d, (x) => form.settle(x, form.head(x)), []).lost).toEqual([]);
  });
  it('takes title, description, options, unit and step to their places', () => {
    const d = two();
    edit(d, (x) => form.change(x, 1, { ...json(d, 1), title: 'new', description: 'why', transparent: true, interval: '30s', options: { legend: { showLegend: false } }, fieldConfig: { defaults: { unit: 'bytes' }, overrides: [] } }), [
      'changed elements.panel-1.spec.title', 'changed elements.panel-1.spec.data.spec.queryOptions.interval', 'changed elements.panel-1.spec.vizConfig.spec.options.legend.showLegend', 'changed elements.panel-1.spec.vizConfig.spec.fieldConfig.defaults.unit',
      'added elements.panel-1.spec.description', 'added elements.panel-1.spec.transparent',
    ]);
  });
  it('of another type is no longer of that version', () => {
    const d = two();
    const e = edit(d, (x) => form.change(x, 1, { ...json(d, 1), type: 'stat' }), ['changed elements.panel-1.spec.vizConfig.group', 'changed elements.panel-1.spec.vizConfig.version']);
    expect(normalize(e.dashboard).panels[0]!.type).toBe('stat');
  });
  it('keeps all else of queries that are changed, hidden, renamed, ordered, added and removed', () => {
    const d = two();
    const [a, b] = json(d, 1).targets as PanelJSON[];
    const q = 'elements.panel-1.spec.data.spec.queries';
    const change = (targets: PanelJSON[]) => (x: DashboardJSON): Edited => form.change(x, 1, { ...json(d, 1), targets });
    edit(d, change([{ ...a, expr: 'up == 1', legendFormat: '{{job}}' }, { ...b, hide: true }]), [`changed ${q}[0].spec.query.spec.expr`, `added ${q}[0].spec.query.spec.legendFormat`, `changed ${q}[1].spec.hidden`]);
    edit(d, change([{ ...a, refId: 'Z' }, b!]), [`changed ${q}[0].spec.refId`]);
    const swapped = edit(d, change([b!, a!]), [`changed ${q}[0].spec.refId`, `changed ${q}[0].spec.query.spec.expr`, `changed ${q}[1].spec.refId`, `changed ${q}[1].spec.query.spec.expr`]);
    expect(at(swapped.dashboard, 'spec', 'elements', 'panel-1', 'spec', 'data', 'spec', 'queries', 0, 'spec', 'unknown')).toBe(1);
    const more = edit(d, change([a!, b!, { refId: 'C', expr: 'x', range: true, datasource: { type: 'prometheus', uid: 'eu' } }]), [`added ${q}[2]`]);
    expect(at(more.dashboard, 'spec', 'elements', 'panel-1', 'spec', 'data', 'spec', 'queries', 2)).toEqual({ kind: 'PanelQuery', spec: { refId: 'C', hidden: false, query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', datasource: { name: 'eu' }, spec: { expr: 'x', range: true } } } });
    edit(d, change([b!]), [`changed ${q}[0].spec.refId`, `changed ${q}[0].spec.query.spec.expr`, `removed ${q}[1]`]);
  });
  it('asks another source with all of its queries', () => {
    const d = two();
    const p = json(d, 1);
    expect(p.datasource).toEqual({ type: 'prometheus', uid: 'ds' });
    const ref = { type: 'loki', uid: 'logs' };
    const q = 'elements.panel-1.spec.data.spec.queries';
    edit(d, (x) => form.change(x, 1, { ...p, datasource: ref, targets: (p.targets as PanelJSON[]).map((t) => ({ ...t, datasource: ref })) }), [0, 1].flatMap((i) => [`changed ${q}[${i}].spec.query.group`, `changed ${q}[${i}].spec.query.datasource (order)`].slice(0, 1).concat([`changed ${q}[${i}].spec.query.datasource.name`])));
  });
  it('asks the default source of a type', () => {
    const d = two();
    const [a, b] = json(d, 1).targets as PanelJSON[];
    const e = form.change(d, 1, { ...json(d, 1), targets: [{ ...a, datasource: { type: 'loki' } }, { ...b, datasource: { type: 'datasource', uid: '-- Mixed --' } }] });
    expect((json(e.dashboard, 1).targets as PanelJSON[]).map((t) => t.datasource)).toEqual([{ type: 'loki' }, { type: 'prometheus' }]);
  });
  it('keeps transformations, and takes new ones', () => {
    const d = two();
    const [t] = json(d, 1).transformations as PanelJSON[];
    const base = 'elements.panel-1.spec.data.spec.transformations';
    edit(d, (x) => form.change(x, 1, { ...json(d, 1), transformations: [{ ...t, disabled: true }, { id: 'merge', options: {} }] }), [`added ${base}[0].spec.disabled`, `added ${base}[1]`]);
    expect(at(form.change(d, 1, { ...json(d, 1), transformations: undefined }).dashboard, 'spec', 'elements', 'panel-1', 'spec', 'data', 'spec', 'transformations')).toEqual([]);
  });
  it('says what has no place, and leaves it out', () => {
    const d = two();
    expect(edit(d, (x) => form.change(x, 1, { ...json(d, 1), yaxes: [{}] }), []).lost![0]!.en).toContain('yaxes');
  });
  it('takes its repeat and its place to the layout', () => {
    const d = two();
    edit(d, (x) => form.change(x, 1, { ...json(d, 1), repeat: 'env', gridPos: { x: 2, y: 1, w: 10, h: 8 } }), ['changed layout.spec.items[0].spec.x', 'changed layout.spec.items[0].spec.y', 'changed layout.spec.items[0].spec.width', 'added layout.spec.items[0].spec.repeat']);
    edit(d, (x) => form.change(x, 2, { ...json(d, 2), repeat: undefined, maxPerRow: undefined }), ['removed layout.spec.items[1].spec.repeat']);
  });
  it('of a library takes a title only', () => {
    const d = of(grid(item(1, 0, 0)), { elements: { 'panel-1': { kind: 'LibraryPanel', spec: { id: 1, title: 'L', libraryPanel: { uid: 'l', name: 'Lib' } } } } });
    expect(edit(d, (x) => form.change(x, 1, { ...json(d, 1), title: 'M', options: { a: 1 } }), ['changed elements.panel-1.spec.title']).lost![0]!.en).toContain('options');
  });
  it('in the first version of the schema has its kinds', () => {
    const d: DashboardJSON = { apiVersion: 'dashboard.grafana.app/v2alpha1', metadata: { name: 'u' }, spec: { title: 'T', elements: { p: { kind: 'Panel', spec: { id: 1, title: 'p', data: { kind: 'QueryGroup', spec: { queries: [{ kind: 'PanelQuery', spec: { refId: 'A', hidden: false, datasource: { type: 'prometheus', uid: 'ds' }, query: { kind: 'prometheus', spec: { expr: 'up' } } } }], transformations: [{ kind: 'limit', spec: { id: 'limit', options: {} } }], queryOptions: {} } }, vizConfig: { kind: 'stat', spec: { pluginVersion: '11', options: {}, fieldConfig: { defaults: {}, overrides: [] } } } } } }, layout: grid({ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 12, height: 8, element: { kind: 'ElementReference', name: 'p' } } }) } };
    const [t] = json(d, 1).targets as PanelJSON[];
    const q = 'elements.p.spec.data.spec.queries';
    const e = edit(d, (x) => form.change(x, 1, { ...json(d, 1), type: 'gauge', targets: [{ ...t, expr: 'down', datasource: { type: 'prometheus', uid: 'eu' } }, { refId: 'B', expr: 'x', datasource: { type: 'prometheus', uid: 'eu' } }], transformations: [{ id: 'limit', options: { limitField: 1 } }] }), [
      `changed ${q}[0].spec.datasource.uid`, `changed ${q}[0].spec.query.spec.expr`, `added ${q}[1]`, 'added elements.p.spec.data.spec.transformations[id=limit].spec.options.limitField', 'changed elements.p.spec.vizConfig.kind', 'changed elements.p.spec.vizConfig.spec.pluginVersion',
    ].map((x) => x.replace('[id=limit]', '[0]')));
    expect(normalize(e.dashboard).panels[0]).toMatchObject({ type: 'gauge', targets: [{ expr: 'down', datasource: { uid: 'eu' } }, { expr: 'x' }], transformations: [{ id: 'limit' }] });
  });
  it('without a number of its own gets the one that it is shown with', () => {
    const d = of(grid(item(1, 0, 0), item(2, 12, 0)), { elements: { 'panel-1': panel(7), 'panel-2': panel(0) } });
    const id = normalize(d).panels[1]!.id;
    edit(d, (x) => form.change(x, 7, { ...json(d, 7), title: 'x' }), ['changed elements.panel-1.spec.title', 'changed elements.panel-2.spec.id']);
    expect(normalize(form.remove(d, 7).dashboard).panels[0]!.id).toBe(id);
  });
  it('that is shown twice is changed where it was edited', () => {
    const d = of(grid(item(1, 0, 0), item(1, 12, 0)));
    const second = normalize(d).panels[1]!.id;
    const e = form.change(d, second, { ...json(d, second), title: 'other' });
    expect(titles(e.dashboard)).toEqual([['p1', 0, 0, 12, 8], ['other', 12, 0, 12, 8]]);
    // The first one, too; the other keeps its number.
    const first = form.change(d, 1, { ...json(d, 1), title: 'other' });
    expect(normalize(first.dashboard).panels.map((p) => [p.id, p.title])).toEqual([[1, 'other'], [second, 'p1']]);
    expect(Object.keys(at(form.remove(d, second).dashboard, 'spec', 'elements') as object)).toContain('panel-1');
  });
});

describe('the layout of schema v2', () => {
  it('gives room to a panel that moves and grows', () => {
    const d = of(grid(item(1, 0, 0), item(2, 12, 0), item(3, 0, 8)));
    const e = edit(d, (x) => form.move(x, 1, { x: 0, y: 8, w: 24, h: 4 }), ['changed layout.spec.items[0].spec.y', 'changed layout.spec.items[0].spec.width', 'changed layout.spec.items[0].spec.height', 'changed layout.spec.items[2].spec.y']);
    expect(titles(e.dashboard)).toEqual([['p1', 0, 8, 24, 4], ['p2', 12, 0, 12, 8], ['p3', 0, 12, 12, 8]]);
  });
  it('takes a panel into another row, and leaves the other rows alone', () => {
    const d = of(rows(row('a', grid(item(1, 0, 0), item(2, 12, 0))), row('b', grid(item(3, 0, 3))), row('c', auto(cell(4)))));
    // Lines: a 0, its panels 1–9, b 9, its panel 13–21, c 21.
    const into = form.move(d, 1, { x: 12, y: 10, w: 12, h: 8 });
    expect(titles(into.dashboard)).toEqual([['a', 0, 0, 24, 1], ['p2', 12, 1, 12, 8], ['b', 0, 9, 24, 1], ['p3', 0, 10, 12, 8], ['p1', 12, 10, 12, 8], ['c', 0, 18, 24, 1], ['p4', 0, 19, 12, 6]]);
    const cells = form.move(d, 1, { x: 12, y: 22, w: 12, h: 8 });
    expect(cells.lost).toHaveLength(1);
    expect(at(cells.dashboard, 'spec', 'layout', 'spec', 'rows', 2, 'spec', 'layout', 'spec', 'items')).toEqual([cell(4), { kind: 'AutoGridLayoutItem', spec: { element: { kind: 'ElementReference', name: 'panel-1' } } }]);
    const out = form.move(d, 4, { x: 0, y: 5, w: 12, h: 6 });
    expect(at(out.dashboard, 'spec', 'layout', 'spec', 'rows', 0, 'spec', 'layout', 'spec', 'items', 2)).toMatchObject({ kind: 'GridLayoutItem', spec: { element: { name: 'panel-4' }, width: 12, height: 6 } });
  });
  it('orders an automatic grid, and says that it has one size', () => {
    const d = of(auto(cell(1), cell(2, { conditionalRendering: { kind: 'ConditionalRenderingGroup', spec: { items: [] } } }), cell(3)));
    const order = (e: Edited): unknown => (at(e.dashboard, 'spec', 'layout', 'spec', 'items') as { tag: number }[]).map((x) => x.tag);
    expect(order(form.move(d, 3, { x: 0, y: 0, w: 12, h: 6 }))).toEqual([3, 1, 2]);
    expect(order(form.move(d, 1, { x: 12, y: 6, w: 12, h: 6 }))).toEqual([2, 3, 1]);
    const grown = form.move(d, 1, { x: 0, y: 0, w: 24, h: 6 });
    expect([order(grown), grown.lost!.length]).toEqual([[1, 2, 3], 1]);
  });
  it('moves rows with all that they have, one place at least', () => {
    const d = of(rows(row('a', grid(item(1, 0, 0))), row('b', grid(item(2, 0, 0)), { collapse: true }), row('c', tabs(['t', grid(item(3, 0, 0))]))));
    const order = (e: Edited): unknown => (at(e.dashboard, 'spec', 'layout', 'spec', 'rows') as { spec: { title: string } }[]).map((x) => x.spec.title);
    const [a, b, c] = normalize(d).panels.filter((p) => p.type === 'row').map((p) => p.id) as [number, number, number];
    expect(order(form.move(d, a, { x: 0, y: 1, w: 24, h: 1 }))).toEqual(['b', 'a', 'c']);
    expect(order(form.move(d, c, { x: 0, y: 9, w: 24, h: 1 }))).toEqual(['a', 'c', 'b']);
    expect(order(form.move(d, c, { x: 0, y: 0, w: 24, h: 1 }))).toEqual(['c', 'a', 'b']);
    expect(order(form.move(d, b, { x: 0, y: 90, w: 24, h: 1 }))).toEqual(['a', 'c', 'b']);
    expect(order(form.move(d, a, { x: 0, y: 0, w: 24, h: 1 }))).toEqual(['a', 'b', 'c']);
  });
  it('takes a panel away with its element, and a row without its panels', () => {
    const d = of(rows(row('a', grid(item(1, 0, 0))), row('b', grid(item(2, 0, 0)), { collapse: true, repeat: { mode: 'variable', value: 'job' } }), row('c', grid())));
    edit(d, (x) => form.remove(x, 1), ['removed elements.panel-1', 'removed layout.spec.rows[0].spec.layout.spec.items[0]']);
    const [, b, c] = normalize(d).panels.filter((p) => p.type === 'row').map((p) => p.id) as [number, number, number];
    const e = edit(d, (x) => form.remove(x, b), ['added layout.spec.rows[1].spec.hideHeader', 'removed layout.spec.rows[1].spec.collapse', 'removed layout.spec.rows[1].spec.repeat']);
    expect(normalize(e.dashboard).panels.map((p) => [p.title, p.bare ?? false])).toContainEqual(['p2', false]);
    edit(d, (x) => form.remove(x, c), ['removed layout.spec.rows[2]']);
    // Nobody could see or change any more why its panels are not shown.
    const hidden = of(rows(row('a', grid(item(1, 0, 0)), { conditionalRendering: { kind: 'ConditionalRenderingGroup', spec: { visibility: 'show', condition: 'and', items: [] } } })));
    edit(hidden, (x) => form.remove(x, normalize(hidden).panels[0]!.id), ['added layout.spec.rows[0].spec.hideHeader', 'removed layout.spec.rows[0].spec.conditionalRendering']);
  });
  it('renames, closes and repeats a row', () => {
    const d = of(rows(row('a', rows(row('in', grid(item(1, 0, 0)))))));
    const r = normalize(d).panels[0]!;
    expect(r.title).toBe('a / in');
    edit(d, (x) => form.change(x, r.id, { ...json(d, r.id), title: 'a / out', collapsed: true, repeat: 'job' }), ['rows[0].spec.title', 'rows[0].spec.collapse', 'rows[0].spec.repeat'].map((p, i) => `${i === 0 ? 'changed' : 'added'} layout.spec.rows[0].spec.layout.spec.${p}`));
  });
  it('takes a new panel below all others, or into the tab that is shown', () => {
    const d = two();
    const e = edit(d, (x) => form.add(x, newPanel('timeseries', 'new'), new Map()), ['added elements.panel-5', 'added layout.spec.items[2]']);
    expect(e.id).toBe(5);
    expect(titles(e.dashboard)[2]).toEqual(['new', 0, 8, 12, 8]);
    expect(at(e.dashboard, 'spec', 'elements', 'panel-5')).toEqual({ kind: 'Panel', spec: { id: 5, title: 'new', links: [],
      data: { kind: 'QueryGroup', spec: { queries: [{ kind: 'PanelQuery', spec: { refId: 'A', hidden: false, query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', datasource: { name: 'touchline' }, spec: { expr: '', range: true } } } }], transformations: [], queryOptions: {} } },
      vizConfig: { kind: 'VizConfig', group: 'timeseries', version: '', spec: { options: {}, fieldConfig: { defaults: {}, overrides: [] } } } } });
    const t = of(tabs(['one', grid(item(1, 0, 0))], ['two', rows(row('r', auto(cell(2))), row('closed', grid(), { collapse: true }))]));
    const bar = normalize(t).panels[0]!.id;
    edit(t, (x) => form.add(x, newPanel('text', ''), new Map([[bar, 0]])), ['added elements.panel-5', 'added layout.spec.tabs[0].spec.layout.spec.items[1]']);
    edit(t, (x) => form.add(x, newPanel('text', ''), new Map([[bar, 1]])), ['added elements.panel-5', 'added layout.spec.tabs[1].spec.layout.spec.rows[0].spec.layout.spec.items[1]']);
  });
  it('says what of a repeat an automatic grid does not have', () => {
    const d = of(rows(row('a', grid(item(1, 0, 0, { repeat: { mode: 'variable', value: 'job', direction: 'v', maxPerRow: 2 } }), item(2, 12, 0, { repeat: { mode: 'variable', value: 'job' } }))), row('b', auto())));
    const to = { x: 0, y: normalize(d).panels.find((p) => p.title === 'b')!.gridPos.y + 1, w: 12, h: 8 };
    const e = form.move(d, 1, to);
    expect(at(e.dashboard, 'spec', 'layout', 'spec', 'rows', 1, 'spec', 'layout', 'spec', 'items', 0, 'spec', 'repeat')).toEqual({ mode: 'variable', value: 'job' });
    expect(e.lost!.map((x) => x.en).join()).toMatch(/one size.*direction and number/);
    expect(form.move(d, 2, to).lost).toHaveLength(1);
  });
  it('says why something cannot be edited', () => {
    const d = of(tabs(['t', grid(item(1, 0, 0), { kind: 'GridLayoutRow', spec: { y: 8, title: 'old', collapsed: false, elements: [item(2, 0, 9)] } })]));
    const all = everyPanel(normalize(d).panels);
    const id = (is: (p: (typeof all)[number]) => unknown): number => all.find(is)!.id;
    for (const by of [form.remove, form.duplicate, (x: DashboardJSON, n: number) => form.move(x, n, { x: 0, y: 0, w: 1, h: 1 }), (x: DashboardJSON, n: number) => form.change(x, n, {})]) {
      expect(edit(d, (x) => by(x, 99), []).lost![0]!.en).toContain('no such panel');
      expect(edit(d, (x) => by(x, id((p) => p.tabs)), []).lost![0]!.en).toContain('bar of tabs');
      expect(edit(d, (x) => by(x, id((p) => p.type === 'row')), []).lost![0]!.en).toContain('Rows within a grid');
    }
  });
  it('moves a row past one that has rows in it, and before its neighbour', () => {
    const d = of(rows(row('outer', rows(row('x', grid(item(1, 0, 0))), row('y', grid(item(2, 0, 0))))), row('b', grid(item(3, 0, 0))), row('c', grid(item(4, 0, 0)))));
    const line = (title: string): number => normalize(d).panels.find((p) => p.title === title)!.gridPos.y;
    const to = (title: string, y: number): unknown => (at(form.move(d, normalize(d).panels.find((p) => p.title === title)!.id, { x: 0, y, w: 24, h: 1 }).dashboard, 'spec', 'layout', 'spec', 'rows') as { spec: { title: string } }[]).map((r) => r.spec.title);
    expect(to('c', line('b'))).toEqual(['outer', 'c', 'b']);
    expect(to('c', line('c') - 1)).toEqual(['outer', 'c', 'b']);
    expect(to('c', 0)).toEqual(['c', 'outer', 'b']);
    expect(to('b', line('b') + 1)).toEqual(['outer', 'c', 'b']);
    expect(to('b', line('outer / y'))).toEqual(['b', 'outer', 'c']);
  });
  it('takes a new panel into the tab that is shown of the last row, and into what is within that', () => {
    const d = of(rows(row('a', grid(item(1, 0, 0))), row('b', tabs(['t', grid(item(2, 0, 0))], ['u', rows(row('r', grid(item(3, 0, 0))), row('s', tabs(['v', auto(cell(4))])))]))));
    const bar = everyPanel(normalize(d).panels).find((p) => p.tabs)!.id;
    edit(d, (x) => form.add(x, newPanel('text', ''), new Map()), ['added elements.panel-5', 'added layout.spec.rows[1].spec.layout.spec.tabs[0].spec.layout.spec.items[1]']);
    edit(d, (x) => form.add(x, newPanel('text', ''), new Map([[bar, 1]])), ['added elements.panel-5', 'added layout.spec.rows[1].spec.layout.spec.tabs[1].spec.layout.spec.rows[1].spec.layout.spec.tabs[0].spec.layout.spec.items[1]']);
    edit(d, (x) => form.add(x, newPanel('row', 'R'), new Map()), ['added layout.spec.rows[2]']);
    const empty = of(tabs(['t', rows()]));
    expect(everyPanel(normalize(form.add(empty, newPanel('text', 'new'), new Map()).dashboard).panels).at(-1)!.title).toBe('new');
  });
  it('takes a new row, below what has none', () => {
    const e = form.add(two(), newPanel('row', 'Row'), new Map());
    expect(at(e.dashboard, 'spec', 'layout', 'spec', 'rows', 0, 'spec')).toEqual({ title: '', hideHeader: true, layout: at(two(), 'spec', 'layout') });
    expect(titles(e.dashboard)).toEqual([['', 0, 0, 24, 1], ['p1', 0, 0, 12, 8], ['p2', 12, 0, 12, 8], ['Row', 0, 8, 24, 1]]);
    edit(of(rows(row('a', grid(item(1, 0, 0))))), (x) => form.add(x, newPanel('row', 'Row'), new Map()), ['added layout.spec.rows[1]']);
  });
  it('takes a panel where very many elements are', () => {
    const d = of(grid(item(1, 0, 0)), { elements: { 'panel-1': panel(1), ...Object.fromEntries(Array.from({ length: 150_000 }, (_, i) => [`e${i}`, { spec: { id: i } }])) } });
    expect(form.duplicate(d, 1).id).toBe(150_000);
  }, 60_000);
  it('copies panels with their elements, and rows with their panels', () => {
    const d = of(grid(item(1, 0, 0), item(2, 0, 8)));
    const e = edit(d, (x) => form.duplicate(x, 1), ['added elements.panel-5', 'added layout.spec.items[2]']);
    expect(titles(e.dashboard)).toEqual([['p1', 0, 0, 12, 8], ['p2', 0, 8, 12, 8], ['p1', 12, 0, 12, 8]]);
    expect(at(e.dashboard, 'spec', 'elements', 'panel-5')).toEqual({ ...panel(1), spec: { ...(panel(1) as { spec: object }).spec, id: 5 } });
    const r = of(rows(row('a', grid(item(1, 0, 0), item(2, 12, 0)))));
    const copy = edit(r, (x) => form.duplicate(x, normalize(r).panels[0]!.id), ['added elements.panel-5', 'added elements.panel-6', 'added layout.spec.rows[1]']);
    expect(normalize(copy.dashboard).panels.map((p) => p.title)).toEqual(['a', 'p1', 'p2', 'a', 'p1', 'p2']);
    const t = of(auto(cell(1), cell(2)));
    expect(everyPanel(normalize(form.duplicate(t, 1).dashboard).panels).map((p) => p.title)).toEqual(['p1', 'p1', 'p2']);
  });
  it('moves within a tab by the lines of the tab', () => {
    const d = of(tabs(['x', grid(item(1, 0, 0))], ['y', grid(item(2, 0, 0), item(3, 0, 8))]));
    const e = form.move(d, 3, { x: 12, y: 0, w: 12, h: 8 });
    expect(paths(d, e.dashboard)).toEqual(['changed layout.spec.tabs[1].spec.layout.spec.items[1].spec.x', 'changed layout.spec.tabs[1].spec.layout.spec.items[1].spec.y']);
  });
});

describe('the settings of schema v2', () => {
  const head = (by: (h: Record<string, unknown>) => Record<string, unknown>) => (d: DashboardJSON): Edited => form.settle(d, by(form.head(d)));
  const variables = (by: (list: Record<string, unknown>[]) => Record<string, unknown>[]) => head((h) => ({ ...h, templating: { list: by((h.templating as { list: Record<string, unknown>[] }).list) } }));
  it('take title, time, tags and crosshair to their places', () => {
    edit(two(), head((h) => ({ ...h, title: 'U', description: undefined, tags: ['a', 'b'], time: { from: 'now-3h', to: 'now' }, refresh: '', timezone: 'utc', graphTooltip: 2, links: [{ title: 'l', type: 'link', url: 'https://x.test' }] })), [
      'changed title', 'added tags[1]', 'changed cursorSync', 'added links[0]', 'changed timeSettings.from', 'changed timeSettings.autoRefresh', 'added timeSettings.timezone', 'removed description',
    ]);
  });
  it('change one variable, and nothing else of it or of others', () => {
    const base = 'variables[0].spec';
    edit(two(), variables(([job, ...rest]) => [{ ...job, label: 'J', hide: 2, refresh: 2, sort: 4, multi: false, query: { query: 'label_values(x, y)', refId: 'Variable-job' }, definition: 'label_values(x, y)', datasource: { type: 'prometheus', uid: 'eu' } }, ...rest]), [
      `changed ${base}.label`, `changed ${base}.hide`, `changed ${base}.refresh`, `changed ${base}.sort`, `changed ${base}.multi`, `changed ${base}.query.datasource.name`, `changed ${base}.query.spec.query`, `changed ${base}.query.spec.refId`, `removed ${base}.query.spec.qryType`, `added ${base}.definition`,
    ]);
    edit(two(), variables(([job, env, f]) => [job!, { ...env, name: 'stage', query: 'x,y' }, { ...f, datasource: { type: 'prometheus', uid: 'eu' } }]), ['changed variables[1].spec.name', 'changed variables[1].spec.query', 'changed variables[2].datasource.name']);
  });
  it('order, remove and add variables, and make one of another kind', () => {
    const names = (e: Edited): unknown => (at(e.dashboard, 'spec', 'variables') as { kind: string; spec: { name: string } }[]).map((v) => `${v.kind} ${v.spec.name}`);
    expect(names(variables(([a, b]) => [b!, a!])(two()))).toEqual(['CustomVariable env', 'QueryVariable job']);
    const made = variables((list) => [...list, { name: 'n', type: 'query', query: '', datasource: { type: 'prometheus', uid: 'touchline' }, refresh: 1, sort: 1, multi: false, includeAll: false, hide: 0, options: [], current: {} }])(two());
    expect(at(made.dashboard, 'spec', 'variables', 3)).toEqual({ kind: 'QueryVariable', spec: { name: 'n', hide: 'dontHide', skipUrlSync: false, current: { text: '', value: '' }, options: [], multi: false, includeAll: false, allowCustomValue: true, refresh: 'onDashboardLoad', regex: '', sort: 'alphabeticalAsc', query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', datasource: { name: 'touchline' }, spec: { __legacyStringValue: '' } } } });
    const turned = variables(([a, env, f]) => [a!, { ...env, type: 'textbox' }, f!])(two());
    expect(names(turned)).toEqual(['QueryVariable job', 'TextVariable env', 'AdhocVariable f']);
    expect(normalize(turned.dashboard).variables[1]).toMatchObject({ name: 'env', type: 'textbox', hide: 'label', query: 'a,b' });
    const lost = variables((list) => [...list, { name: 's', type: 'system' }])(two());
    expect([names(lost), lost.lost!.length]).toEqual([['QueryVariable job', 'CustomVariable env', 'AdhocVariable f'], 1]);
  });
  it('change annotations', () => {
    const list = (h: Record<string, unknown>): Record<string, unknown>[] => (h.annotations as { list: Record<string, unknown>[] }).list;
    edit(two(), head((h) => ({ ...h, annotations: { list: [{ ...list(h)[0], enable: false, expr: 'deploy > 0', step: '30s' }] } })), ['changed annotations[0].spec.enable', 'changed annotations[0].spec.query.spec.expr', 'changed annotations[0].spec.legacyOptions.step']);
    const more = head((h) => ({ ...h, annotations: { list: [...list(h), { name: 'New', enable: true, iconColor: 'blue', expr: 'x', datasource: { type: 'prometheus', uid: 'eu' } }] } }))(two());
    expect(normalize(more.dashboard).annotations[1]).toMatchObject({ name: 'New', expr: 'x', color: 'blue', datasource: { uid: 'eu' } });
  });
  it('name a copy', () => expect(paths(two(), form.named(two(), 'Copy'))).toEqual(['changed title']));
});

it('a dashboard of schema v2 becomes a classic one where that is asked for', () => {
  const d = classicJSON(of(tabs(['one', grid(item(1, 0, 0))], ['two', auto(cell(2))])));
  expect((d.panels as { type: string; title: string }[]).map((p) => `${p.type} ${p.title}`)).toEqual(['row one', 'timeseries p1', 'row two']);
  expect(d).toMatchObject({ uid: 'uid1', title: 'T', refresh: '10s', templating: { list: [{ name: 'job' }, { name: 'env' }, { name: 'f' }] } });
  expect(JSON.stringify(d)).not.toContain('"tabs"');
});

describe('a new transformation', () => {
  const limit = { v2: { kind: 'Transformation', group: 'limit', spec: { options: {} } }, before: { kind: 'limit', spec: { id: 'limit', options: {} } } };
  const merge = { v2: { kind: 'Transformation', group: 'merge', spec: { options: {} } }, before: { kind: 'merge', spec: { id: 'merge', options: {} } } };
  it.each([
    ['v2', [limit.v2], merge.v2], ['v2', [], merge.v2],
    ['v2beta1', [limit.before], merge.before], ['v2beta1', [], merge.before], ['v2alpha1', [], merge.before],
    [undefined, [limit.v2], merge.v2], [undefined, [limit.before], merge.before], [undefined, [], merge.before],
  ])('of %s beside %o', (version, there, want) => {
    const spec = { title: 'T', elements: { p: { kind: 'Panel', spec: { id: 1, title: 'p', data: { kind: 'QueryGroup', spec: { queries: [], transformations: there, queryOptions: {} } }, vizConfig: { kind: 'VizConfig', group: 'stat', version: '', spec: {} } } } }, layout: { kind: 'GridLayout', spec: { items: [{ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 12, height: 8, element: { kind: 'ElementReference', name: 'p' } } }] } } };
    const d = (version === undefined ? spec : { apiVersion: `dashboard.grafana.app/${version}`, kind: 'Dashboard', metadata: { name: 'u' }, spec }) as unknown as DashboardJSON;
    const p = normalize(d).panels[0]!;
    const before = Array.isArray(p.raw.transformations) ? p.raw.transformations as object[] : [];
    const made = form.change(d, 1, { ...p.raw, id: 1, gridPos: p.gridPos, transformations: [...before, { id: 'merge', options: {} }] });
    const now = at(made.dashboard, version === undefined ? 'elements' : 'spec', ...(version === undefined ? [] : ['elements']), 'p', 'spec', 'data', 'spec', 'transformations');
    expect(now).toEqual([...there, want]);
  });
});
