import { describe, expect, it } from 'vitest';

import { classicOf, limits, normalize, panelFrom } from './normalize';

const one = (panel: object, more: object = {}) => normalize({ title: 'x', panels: [panel], ...more }).panels[0]!;
const props = (p: ReturnType<typeof one>, name: string) => Object.fromEntries(p.fieldConfig.overrides.filter((o) => o.matcher.options === name).flatMap((o) => o.properties.map((x) => [x.id, x.value])));

describe('normalize', () => {
  it('reads the frame of a dashboard', () => {
    const d = normalize(JSON.stringify({
      uid: 'u', title: 'T', tags: ['a', 1], schemaVersion: '39', time: { from: 'now-3h', to: 'now' }, refresh: '30s', timezone: 'UTC', graphTooltip: 1,
      links: [{ type: 'dashboards', tags: ['k'], title: 'more' }, { type: 'link', url: 'https://x.test', title: 'l' }],
      annotations: { list: [{ name: 'A', expr: 'up == 0', iconColor: 'red', enable: false, datasource: { type: 'prometheus', uid: 'p' } }] },
      panels: [{ id: 7, type: 'timeseries', title: 'P', gridPos: { x: 1, y: 2, w: 3, h: 4 }, targets: [{ expr: 'up', refId: 'A' }] }],
    }));
    expect(d).toMatchObject({ uid: 'u', title: 'T', tags: ['a', '1'], schemaVersion: 39, refresh: '30s', timezone: 'utc', graphTooltip: 1, warnings: [] });
    expect(d.links.map((l) => l.type)).toEqual(['dashboards', 'link']);
    expect(d.annotations[0]).toMatchObject({ expr: 'up == 0', enable: false, color: 'red', datasource: { uid: 'p' } });
    expect(d.panels[0]).toMatchObject({ id: 7, gridPos: { x: 1, y: 2, w: 3, h: 4 }, targets: [{ expr: 'up', instant: false, range: true, format: 'time_series' }] });
  });
  it('takes off the wrappers that dashboards are sent in', () => {
    expect(normalize({ dashboard: { title: 'in', panels: [] }, overwrite: true }).title).toBe('in');
    expect(normalize({ apiVersion: 'dashboard.grafana.app/v1beta1', metadata: { name: 'n' }, spec: { title: 'in', panels: [] } })).toMatchObject({ title: 'in', uid: 'n' });
  });
  it('puts the default source of its type where an export asks for one, and constants in', () => {
    const d = normalize({
      __inputs: [{ name: 'DS_P', type: 'datasource', pluginId: 'prometheus' }, { name: 'VAR_J', type: 'constant', value: 'node' }],
      templating: { list: [{ name: 'job', type: 'constant', query: '${VAR_J}' }] },
      panels: [{ type: 'stat', datasource: '${DS_P}', targets: [{ expr: 'up', datasource: { uid: '${DS_P}' } }] }],
    });
    expect(d.panels[0]!.targets[0]!.datasource).toEqual({ uid: '', type: 'prometheus' });
    expect(d.variables[0]!.query).toBe('node');
  });
  it('makes panels on the grid of rows of spans', () => {
    const d = normalize({ rows: [
      { title: 'R', showTitle: true, height: 250, panels: [{ type: 'graph', span: 6 }, { type: 'graph', span: 6 }, { type: 'graph', span: 12, height: '150px' }] },
      { title: 'C', collapse: true, panels: [{ type: 'graph', span: 4 }] },
    ] });
    expect(d.panels.map((p) => [p.type, p.gridPos.x, p.gridPos.y, p.gridPos.w, p.gridPos.h])).toEqual([
      ['row', 0, 0, 24, 1], ['timeseries', 0, 1, 12, 7], ['timeseries', 12, 1, 12, 7], ['timeseries', 0, 8, 24, 4], ['row', 0, 12, 24, 1],
    ]);
    expect(d.panels[4]!.panels).toHaveLength(1);
  });
  it('gives every panel an id of its own', () => {
    const d = normalize({ panels: [{ type: 'text', id: 3 }, { type: 'text', id: 3 }, { type: 'text' }, { type: 'row', collapsed: true, id: 9, panels: [{ type: 'text', id: 3 }] }] });
    const ids = d.panels.flatMap((p) => [p.id, ...p.panels.map((q) => q.id)]);
    expect(new Set(ids).size).toBe(5);
    expect(ids).toContain(9);
  });
  it('leaves out the copies that were saved of a repeated panel', () => {
    expect(normalize({ panels: [{ id: 1, type: 'stat', repeat: 'x' }, { id: 2, type: 'stat', repeatPanelId: 1, repeatIteration: 5 }] }).panels).toHaveLength(1);
  });
  it('asks for the target\'s own source in a mixed panel, and for the panel\'s otherwise', () => {
    const targets = [{ expr: 'a', datasource: { uid: 'two', type: 'prometheus' } }];
    expect(one({ type: 'stat', datasource: { uid: '-- Mixed --' }, targets }).targets[0]!.datasource.uid).toBe('two');
    expect(one({ type: 'stat', datasource: { uid: 'one' }, targets }).targets[0]!.datasource.uid).toBe('one');
  });
});

describe('schema v2', () => {
  const element = (id: number) => ({ kind: 'Panel', spec: {
    id, title: `p${id}`,
    data: { kind: 'QueryGroup', spec: { queries: [{ kind: 'PanelQuery', spec: { refId: 'A', hidden: false, query: { kind: 'DataQuery', group: 'prometheus', datasource: { name: 'ds' }, spec: { expr: 'up' } } } }], transformations: [{ kind: 'organize', spec: { id: 'organize', options: {} } }], queryOptions: { timeFrom: '2h' } } },
    vizConfig: { kind: 'VizConfig', group: 'stat', version: '1', spec: { options: { a: 1 }, fieldConfig: { defaults: { unit: 's' }, overrides: [] } } },
  } });
  const of = (layout: object) => normalize({ apiVersion: 'dashboard.grafana.app/v2beta1', kind: 'Dashboard', metadata: { name: 'uid2' }, spec: {
    title: 'V', elements: { a: element(1), b: element(2) }, layout, cursorSync: 'Tooltip', timeSettings: { from: 'now-1h', to: 'now', autoRefresh: '10s' },
    variables: [{ kind: 'QueryVariable', spec: { name: 'q', hide: 'hideLabel', refresh: 'onTimeRangeChanged', sort: 'naturalDesc', multi: true, query: { kind: 'DataQuery', group: 'prometheus', datasource: { name: 'ds' }, spec: { __legacyStringValue: 'label_values(up, job)' } } } }],
  } });
  const item = (name: string, x: number, y: number) => ({ kind: 'GridLayoutItem', spec: { x, y, width: 6, height: 5, element: { kind: 'ElementReference', name } } });
  it('reads a grid', () => {
    const d = of({ kind: 'GridLayout', spec: { items: [item('a', 0, 0), item('b', 6, 0)] } });
    expect(d).toMatchObject({ uid: 'uid2', title: 'V', graphTooltip: 2, refresh: '10s', warnings: [] });
    expect(d.panels[1]).toMatchObject({ id: 2, type: 'stat', timeFrom: '2h', gridPos: { x: 6, y: 0, w: 6, h: 5 }, options: { a: 1 }, targets: [{ expr: 'up', datasource: { uid: 'ds', type: 'prometheus' } }], transformations: [{ id: 'organize' }] });
    expect(d.variables[0]).toMatchObject({ name: 'q', type: 'query', hide: 'label', refresh: 2, sort: 8, multi: true, query: 'label_values(up, job)', datasource: { uid: 'ds' } });
  });
  it('reads rows with grids of their own, closed ones too', () => {
    const d = of({ kind: 'RowsLayout', spec: { rows: [
      { kind: 'RowsLayoutRow', spec: { title: 'one', layout: { kind: 'AutoGridLayout', spec: { maxColumnCount: 2, items: [{ kind: 'AutoGridLayoutItem', spec: { element: { name: 'a' } } }] } } } },
      { kind: 'RowsLayoutRow', spec: { title: 'two', collapse: true, repeat: { mode: 'variable', value: 'q' }, layout: { kind: 'GridLayout', spec: { items: [item('b', 0, 0)] } } } },
    ] } });
    expect(d.panels.map((p) => [p.type, p.title, p.gridPos.y])).toEqual([['row', 'one', 0], ['stat', 'p1', 1], ['row', 'two', 10]]);
    expect(d.panels[2]).toMatchObject({ collapsed: true, repeat: 'q', panels: [{ title: 'p2' }] });
  });
  const tab = (title: string, layout: object, more: object = {}) => ({ kind: 'TabsLayoutTab', spec: { title, layout, ...more } });
  const grid = (...items: object[]) => ({ kind: 'GridLayout', spec: { items } });
  it('reads tabs, which have grids of their own, and rows in them', () => {
    const d = of({ kind: 'TabsLayout', spec: { tabs: [
      tab('one', grid(item('a', 6, 0)), { repeat: { mode: 'variable', value: 'q' } }),
      tab('two', { kind: 'RowsLayout', spec: { rows: [{ kind: 'RowsLayoutRow', spec: { title: 'r', layout: grid(item('b', 0, 0)) } }] } }),
    ] } });
    expect(d.panels.map((p) => [p.id, p.type, p.gridPos])).toEqual([[1001, 'tabs', { x: 0, y: 0, w: 24, h: 1 }]]);
    expect(d.panels[0]!.tabs!.map((t) => [t.title, t.repeat, t.panels.map((p) => [p.id, p.type, p.gridPos.x, p.gridPos.y])])).toEqual([['one', 'q', [[1, 'stat', 6, 0]]], ['two', '', [[1002, 'row', 0, 0], [2, 'stat', 0, 1]]]]);
    expect(d.warnings).toEqual([]);
  });
  it('reads tabs within rows and within tabs', () => {
    const inner = { kind: 'TabsLayout', spec: { tabs: [tab('deep', grid(item('b', 0, 0)))] } };
    const d = of({ kind: 'RowsLayout', spec: { rows: [
      { kind: 'RowsLayoutRow', spec: { title: 'r', collapse: true, layout: { kind: 'TabsLayout', spec: { tabs: [tab('x', inner)] } } } }, { kind: 'RowsLayoutRow', spec: { title: 's', layout: grid(item('a', 0, 0)) } },
    ] } });
    expect(d.panels.map((p) => [p.type, p.title, p.gridPos.y])).toEqual([['row', 'r', 0], ['row', 's', 1], ['stat', 'p1', 2]]);
    expect(d.panels[0]!.panels[0]!.tabs![0]!.panels[0]!.tabs![0]!.panels[0]!.title).toBe('p2');
  });
  it('makes rows of tabs in the classic schema', () => {
    const d = normalize(classicOf({ elements: { a: element(1), b: element(2) }, layout: { kind: 'TabsLayout', spec: { tabs: [tab('one', grid(item('a', 0, 0))), tab('two', { kind: 'TabsLayout', spec: { tabs: [tab('in', grid(item('b', 0, 0)))] } })] } } }));
    expect(d.panels.map((p) => [p.type, p.title, p.collapsed])).toEqual([['row', 'one', false], ['stat', 'p1', false], ['row', 'two / in', false], ['stat', 'p2', false]]);
  });
  it('says what the layout leaves out or misses, and which conditions it does not judge', () => {
    const d = of({ kind: 'TabsLayout', spec: { tabs: [tab('t', grid(item('a', 0, 0), item('none', 0, 0)), { conditionalRendering: { kind: 'ConditionalRenderingGroup', spec: { visibility: 'show', condition: 'and', items: [{ kind: 'ConditionalRenderingData', spec: { value: true } }] } } })] } });
    expect(d.warnings.map((w) => w.path)).toEqual(['layout', 'layout', 'elements']);
    expect(d.panels[0]!.tabs![0]!.conditions).toHaveLength(1);
  });
});

describe('migrations', () => {
  it('makes a timeseries of a graph', () => {
    const p = one({
      type: 'graph', lines: true, fill: 2, linewidth: 3, stack: true, percentage: false, steppedLine: true, nullPointMode: 'connected', decimals: 1,
      yaxes: [{ format: 'bytes', min: '0', max: null, logBase: 10, label: 'L' }, { format: 'percent', max: 100 }],
      seriesOverrides: [{ alias: '/in.*/', transform: 'negative-Y' }, { alias: 'b', yaxis: 2, color: '#F00', lines: false, bars: true, stack: false }],
      aliasColors: { a: 'green' }, tooltip: { shared: true, sort: 2 }, legend: { show: true, values: true, avg: true, current: true, alignAsTable: true, rightSide: true, sort: 'avg', sortDesc: true },
      thresholds: [{ value: 80, op: 'gt', colorMode: 'critical', fill: true, line: true }],
    });
    expect(p.type).toBe('timeseries');
    expect(p.fieldConfig.defaults).toMatchObject({ unit: 'bytes', min: 0, decimals: 1, custom: {
      drawStyle: 'line', fillOpacity: 20, lineWidth: 3, stacking: { mode: 'normal' }, lineInterpolation: 'stepAfter', spanNulls: true, scaleDistribution: { type: 'log', log: 10 }, axisLabel: 'L', showPoints: 'never', thresholdsStyle: { mode: 'line+area' },
    }, thresholds: { steps: [{ value: -Infinity, color: 'transparent' }, { value: 80, color: 'red' }] } });
    expect(props(p, '/in.*/')).toMatchObject({ 'custom.transform': 'negative-Y' });
    expect(p.fieldConfig.overrides.find((o) => o.matcher.options === '/in.*/')!.matcher.id).toBe('byRegexp');
    expect(props(p, 'b')).toMatchObject({ 'custom.axisPlacement': 'right', unit: 'percent', max: 100, color: { mode: 'fixed', fixedColor: '#F00' }, 'custom.drawStyle': 'bars', 'custom.stacking': { mode: 'none' } });
    expect(props(p, 'a')).toEqual({ color: { mode: 'fixed', fixedColor: 'green' } });
    expect(p.options).toMatchObject({ tooltip: { mode: 'multi', sort: 'desc' }, legend: { displayMode: 'table', placement: 'right', calcs: ['mean', 'lastNotNull'], sortBy: 'Mean', sortDesc: true } });
  });
  it.each([
    [{ xaxis: { mode: 'series', values: ['current'] } }, 'bargauge'], [{ xaxis: { mode: 'histogram' } }, 'histogram'],
  ])('makes of a graph with the x axis %j a %s', (more, type) => expect(one({ type: 'graph', ...more }).type).toBe(type));
  it.each([[{}, 'bytes'], [{ yaxes: [{ show: true }] }, 'bytes'], [{ yaxes: [{ format: 's' }] }, 's'], [{ y_formats: ['ms'] }, 'ms']])('takes the unit of a graph\'s fields where its axes %j have none', (more, unit) => {
    expect(one({ type: 'graph', fieldConfig: { defaults: { unit: 'bytes' } }, ...more }).fieldConfig.defaults.unit).toBe(unit);
  });
  it('colours what lies below a threshold', () => {
    expect(one({ type: 'graph', thresholds: [{ value: 5, op: 'lt', colorMode: 'custom', fillColor: '#123', fill: true }] }).fieldConfig.defaults.thresholds!.steps).toEqual([{ value: -Infinity, color: '#123' }, { value: 5, color: 'transparent' }]);
  });
  it('makes a stat of a singlestat', () => {
    const p = one({ type: 'singlestat', valueName: 'current', format: 's', decimals: 2, thresholds: '50,80', colors: ['green', 'orange', 'red'], colorBackground: true, sparkline: { show: true }, mappingType: 1, valueMaps: [{ value: '1', op: '=', text: 'UP' }, { value: 'null', text: 'N/A' }], nullText: '-' });
    expect(p).toMatchObject({ type: 'stat', options: { colorMode: 'background', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'] } } });
    expect(p.fieldConfig.defaults).toMatchObject({ unit: 's', decimals: 2, noValue: '-', thresholds: { steps: [{ value: -Infinity, color: 'green' }, { value: 50, color: 'orange' }, { value: 80, color: 'red' }] } });
    expect(p.fieldConfig.defaults.mappings).toEqual([{ type: 'value', options: { 1: { text: 'UP', index: 0 } } }, { type: 'special', options: { match: 'null', result: { text: 'N/A', index: 1 } } }]);
  });
  it('makes a gauge of a singlestat that shows one, with its column', () => {
    const p = one({ type: 'singlestat', gauge: { show: true, minValue: 5, maxValue: 50 }, tableColumn: 'a.b', targets: [{ format: 'table', expr: 'x' }], format: 'none', postfix: ' GB' });
    expect(p).toMatchObject({ type: 'gauge', options: { reduceOptions: { fields: '/^a\\.b$/', calcs: ['mean'] } }, fieldConfig: { defaults: { min: 5, max: 50, unit: 'suffix: GB' } } });
  });
  it('brings the field options of Grafana 6 to where they are today', () => {
    const p = one({ type: 'bargauge', options: { orientation: 'horizontal', fieldOptions: { calcs: ['mean'], defaults: { unit: 'ms', max: 9, title: 'N' }, thresholds: [{ value: null, color: 'green' }, { value: 3, color: 'red' }], mappings: [{ type: 2, from: '1', to: '2', text: 'low' }] } } });
    expect(p.options).toEqual({ orientation: 'horizontal', reduceOptions: { values: false, calcs: ['mean'], fields: '' } });
    expect(p.fieldConfig.defaults).toMatchObject({ unit: 'ms', max: 9, displayName: 'N', thresholds: { mode: 'absolute', steps: [{ value: -Infinity }, { value: 3 }] }, mappings: [{ type: 'range', options: { from: 1, to: 2, result: { text: 'low' } } }] });
  });
  it('makes overrides of the styles of an old table', () => {
    const p = one({ type: 'table', transform: 'timeseries_aggregations', columns: [{ value: 'avg' }, { value: 'max' }], styles: [
      { pattern: 'Time', type: 'date', dateFormat: 'YYYY-MM-DD' }, { pattern: 'id', type: 'hidden' },
      { pattern: '/^Value/', type: 'number', unit: 'bytes', decimals: 0, alias: 'Size', colorMode: 'cell', colors: ['a', 'b', 'c'], thresholds: ['1', '2'], link: true, linkUrl: '/d/x?v=${__cell_1}' },
    ] });
    expect(p).toMatchObject({ type: 'table', transformations: [{ id: 'reduce', options: { reducers: ['mean', 'max'] } }] });
    expect(props(p, 'Time').unit).toBe('time: YYYY-MM-DD');
    expect(props(p, 'id')).toEqual({ 'custom.hidden': true });
    expect(props(p, '/^Value/')).toMatchObject({ unit: 'bytes', displayName: 'Size', 'custom.cellOptions': { type: 'color-background' }, links: [{ url: '/d/x?v=${__data.fields[1]}' }], thresholds: { steps: [{ value: -Infinity, color: 'a' }, { value: 1, color: 'b' }, { value: 2, color: 'c' }] } });
  });
  it('reads old heatmaps, pies and texts', () => {
    expect(one({ type: 'heatmap', dataFormat: 'tsbuckets', yAxis: { format: 's' }, color: { mode: 'spectrum', colorScheme: 'interpolateBlues' }, yBucketBound: 'upper', hideZeroBuckets: true }).options)
      .toMatchObject({ calculate: false, color: { scheme: 'Blues', mode: 'scheme' }, yAxis: { unit: 's' }, rowsFrame: { layout: 'le' }, filterValues: { le: 1e-9 } });
    expect(one({ type: 'grafana-piechart-panel', pieType: 'donut', format: 'bytes', legendType: 'Right side', legend: { show: true, percentage: true }, aliasColors: { x: 'red' } }))
      .toMatchObject({ type: 'piechart', options: { pieType: 'donut', legend: { placement: 'right', values: ['percent'] } }, fieldConfig: { defaults: { unit: 'bytes' } } });
    expect(one({ type: 'text', mode: 'html', content: '<b>x</b>' }).options).toEqual({ mode: 'html', content: '<b>x</b>' });
  });
});

describe('hostile dashboards', () => {
  it.each([undefined, null, 5, '', '[]', '{', 'null', [], { panels: 5 }, { panels: [null, 5, 'x', []] }, { rows: {} }, { rows: [null, { panels: [3] }] }, { templating: { list: [null, 3, { name: '__proto__' }, { name: {} }] } },
    { panels: [{ type: 'graph', yaxes: 'x', seriesOverrides: {}, thresholds: [{ value: {} }], legend: [], targets: 'no', gridPos: { x: 'a', w: -5, h: 1e9 } }] }, { elements: {}, layout: { kind: 'x' } }, { elements: { a: null }, layout: null },
    { panels: [{ type: 'tabs', tabs: [null, 3, { panels: 'x', title: {}, conditions: [4] }] }, { type: 'tabs', tabs: {} }] },
    { panels: [{ type: {}, fieldConfig: { defaults: { thresholds: 5, mappings: { x: 1 }, links: 'x', custom: null }, overrides: [{}, { matcher: { id: 'byName' }, properties: null }] } }] }, { time: 5, links: [{ url: {} }] },
  ])('never throws: %j', (v) => {
    const d = normalize(v);
    expect(Array.isArray(d.panels)).toBe(true);
    for (const p of d.panels) {
      expect(p.gridPos.x + p.gridPos.w).toBeLessThanOrEqual(24);
      expect(p.gridPos.h).toBeLessThanOrEqual(1000);
    }
  });
  it('says what is wrong and keeps the neighbours', () => {
    const d = normalize({ panels: [{ type: 'text', id: 1 }, 'no', { type: 'stat', id: 2 }] });
    expect(d.panels.map((p) => p.id)).toEqual([1, 2]);
    expect(d.warnings.map((w) => w.path)).toEqual(['panels[1]']);
  });
  it('stops at the limits', () => {
    const many = normalize({ panels: Array.from({ length: limits.panels + 10 }, () => ({ type: 'text' })) });
    expect(many.panels).toHaveLength(limits.panels);
    expect(many.warnings.some((w) => w.en.includes('5000'))).toBe(true);
    expect(normalize(' '.repeat(limits.bytes + 1)).warnings[0]!.en).toMatch(/10 MB/);
    const deep = JSON.parse('{"panels":['.repeat(50_000) + ']}'.repeat(50_000)) as unknown;
    expect(normalize(deep).warnings[0]!.en).toMatch(/deeper/);
  });
  it.each(['javascript:alert(1)', ' java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', 'JAVASCRIPT:x', '\u0001javascript:x'])('leaves out a link to %j', (url) => {
    const d = normalize({ links: [{ type: 'link', url }], panels: [{ type: 'stat', links: [{ url, title: 'x' }], fieldConfig: { defaults: { links: [{ url, title: 'y' }] }, overrides: [{ matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'links', value: [{ url }] }] }] } }] });
    expect(d.links).toEqual([]);
    expect(d.panels[0]!.links).toEqual([]);
    expect(d.panels[0]!.fieldConfig.defaults.links).toEqual([]);
    expect(d.panels[0]!.fieldConfig.overrides[0]!.properties[0]!.value).toEqual([]);
    expect(d.warnings).toHaveLength(4);
  });
  it('does not take over keys that reach a prototype', () => {
    const d = normalize('{"panels":[{"type":"stat","fieldConfig":{"defaults":{"__proto__":{"polluted":1},"custom":{"constructor":1}},"overrides":[{"matcher":{"id":"byName"},"properties":[{"id":"custom.__proto__.polluted","value":1}]}]}}]}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.hasOwn(d.panels[0]!.fieldConfig.defaults.custom as object, 'constructor')).toBe(false);
    expect(d.panels[0]!.fieldConfig.overrides[0]!.properties).toEqual([]);
  });
});

describe('panelFrom', () => {
  it('reads one panel', () => expect(panelFrom({ id: 4, type: 'stat' }).panel).toMatchObject({ id: 4, type: 'stat' }));
  it('says what is wrong', () => expect(panelFrom(3)).toMatchObject({ panel: undefined, warnings: [{ path: 'panel' }] }));
});
