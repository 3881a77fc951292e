import { FieldType, formattedValueToString, getFieldSeriesColor, type DataFrame, type Field } from '@grafana/data';
import { describe, expect, it } from 'vitest';

import type { QueryData } from '../api/prometheus';
import { panelFrom } from '../model/normalize';
import type { Scope } from '../model/scope';
import { valuesOf } from '../panels/values/reduce';
import { framesOf, knownTransformations, pipeline } from './frames';
import { themes } from './theme';
import { own, theirs } from './transform/index';
// After what loads @grafana/data.
import '../../test/window';

const scope: Scope = { values: { v: { name: 'v', type: 'custom', value: ['x'], text: ['X'], multi: false, several: false, allValue: undefined, options: [], filters: [] } }, raw: { from: 'now-1h', to: 'now' }, range: { from: 0, to: 36e5 }, zone: 'utc' };
const panel = (p: object) => panelFrom({ id: 1, type: 'timeseries', ...p }).panel!;
const series = (refId: string, ...of: [Record<string, string>, number[]][]): DataFrame[] => {
  const data: QueryData = { resultType: 'matrix', result: of.map(([metric, values]) => ({ metric, values: values.map((v, i) => [i * 30, String(v)]) })) };
  return framesOf({ key: '', refId, kind: 'range', datasource: { uid: 'p', type: 'prometheus' }, expr: 'x', start: 0, end: 60, step: 30, legendFormat: '', format: 'time_series', valueName: 'Value' }, data, scope);
};
const table = (refId: string, rows: Record<string, string>[], valueName = 'Value'): DataFrame[] => framesOf(
  { key: '', refId, kind: 'instant', datasource: { uid: 'p', type: 'prometheus' }, expr: 'x', start: 0, end: 0, step: 0, legendFormat: '', format: 'table', valueName },
  { resultType: 'vector', result: rows.map(({ value, ...metric }) => ({ metric, value: [60, value!] })) }, scope,
);
const run = async (p: object, frames: DataFrame[]) => pipeline(panel(p), frames, scope, 'dark', 'utc');
const columns = (f: DataFrame): Record<string, unknown[]> => Object.fromEntries(f.fields.map((x) => [x.config.displayName ?? x.name, x.values as unknown[]]));
const shown = (f: Field, v: unknown): string => formattedValueToString(f.display!(v));

describe('many series', () => {
  const many = series('A', ...Array.from({ length: 450 }, (_, i): [Record<string, string>, number[]] => [{ a: String(i) }, [i, i === 7 ? NaN : i * 2]]));
  // A frame that is no series has all of them treated at once.
  const other: DataFrame = { refId: 'O', length: 1, fields: [{ name: 'word', type: FieldType.string, values: ['x'], config: {} }] };
  const links = [{ title: '${__series.name}', url: '/x?${__field.labels.a}' }];
  it.each<[string, object]>([
    ['colours by place', { defaults: { color: { mode: 'palette-classic' } }, overrides: [] }],
    ['colours by value', { defaults: { color: { mode: 'continuous-GrYlRd' }, unit: 'bytes', links }, overrides: [] }],
    ['thresholds in percent', { defaults: { color: { mode: 'thresholds' }, thresholds: { mode: 'percentage', steps: [{ value: null, color: 'green' }, { value: 60, color: 'red' }] } }, overrides: [] }],
    ['overrides', { defaults: { displayName: 'n ${__field.labels.a}' }, overrides: [
      { matcher: { id: 'byName', options: '{a="399"}' }, properties: [{ id: 'unit', value: 's' }] }, { matcher: { id: 'byRegexp', options: '/"1.*"/' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: 'red' } }] },
      { matcher: { id: 'byType', options: 'number' }, properties: [{ id: 'max', value: 500 }] },
    ] }],
  ])('are treated in slices as they are at once: %s', async (_, fieldConfig) => {
    const of = async (frames: DataFrame[]): Promise<unknown[]> => (await run({ fieldConfig }, frames)).frames.slice(0, 450).map((f) => f.fields.map((x) => [
      x.config, x.state!.displayName, x.state!.seriesIndex, x.state!.range, [1, 300, 898].map((v) => x.display!(v)), getFieldSeriesColor(x, themes.dark).color, x.getLinks!({ valueRowIndex: 0 }).map((l) => [l.title, l.href]),
    ]));
    expect(await of(many)).toEqual(await of([...many, other]));
  });
});

describe('field options', () => {
  it('formats values, colours them by threshold, maps them, and fills variables into names', async () => {
    const { frames, warnings } = await run({ fieldConfig: {
      defaults: { unit: 'bytes', decimals: 1, displayName: '${__field.labels.a} of $v', color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 2000, color: 'red' }] }, mappings: [{ type: 'value', options: { 7: { text: 'seven' } } }], custom: { lineWidth: 3 } },
      overrides: [{ matcher: { id: 'byName', options: 'two of x' }, properties: [{ id: 'unit', value: 's' }, { id: 'custom.lineWidth', value: 9 }, { id: 'custom.fillOpacity', value: 5 }] }],
    } }, series('A', [{ a: 'one' }, [1024, 4096]], [{ a: 'two' }, [60, 120]]));
    const [one, two] = frames.map((f) => f.fields[1]!) as [Field, Field];
    expect(warnings).toEqual([]);
    expect(one.state!.displayName).toBe('one of x');
    expect([shown(one, 1024), shown(one, 7), one.config.custom]).toEqual(['1.0 KiB', 'seven', { lineWidth: 3 }]);
    expect(one.display!(1024).color).not.toBe(one.display!(4096).color);
    expect([two.config.unit, two.config.custom]).toEqual(['s', { lineWidth: 9, fillOpacity: 5 }]);
  });
  it('applies overrides by the legend, by refId and by a regular expression', async () => {
    const { frames } = await run({ fieldConfig: { defaults: {}, overrides: [
      { matcher: { id: 'byName', options: '{a="1"}' }, properties: [{ id: 'unit', value: 's' }] }, { matcher: { id: 'byRegexp', options: '/"2"/' }, properties: [{ id: 'unit', value: 'ms' }] }, { matcher: { id: 'byFrameRefID', options: 'B' }, properties: [{ id: 'decimals', value: 0 }] },
    ] } }, [...series('A', [{ a: '1' }, [1]], [{ a: '2' }, [2]]), ...series('B', [{ a: '3' }, [1.6]])]);
    expect(frames.map((f) => [f.fields[1]!.config.unit, f.fields[1]!.config.decimals])).toEqual([['s', undefined], ['ms', undefined], [undefined, 0]]);
  });
  it('shows times in the zone that is asked for', async () => {
    const { frames } = await pipeline(panel({ fieldConfig: { defaults: { unit: 'time:HH:mm' } } }), series('A', [{}, [0]]), scope, 'dark', 'Asia/Shanghai');
    expect(shown(frames[0]!.fields[1]!, Date.UTC(2026, 0, 1))).toBe('08:00');
  });
  it('leaves out a matcher that could freeze the page', async () => {
    const { frames, warnings } = await run({ fieldConfig: { defaults: { unit: 's' }, overrides: [{ matcher: { id: 'byRegexp', options: '(a+)+$' }, properties: [{ id: 'unit', value: 'ms' }] }] } }, series('A', [{ a: `${'a'.repeat(5000)}!` }, [1]]));
    expect(frames[0]!.fields[1]!.config.unit).toBe('s');
    expect(warnings[0]!.path).toBe('fieldConfig');
  });
  it('leaves out an expression that could freeze the page wherever one may stand', async () => {
    const evil = '(a+)+$';
    const mapping = { type: 'regex', options: { pattern: evil, result: { text: 'x' } } };
    for (const p of [
      { fieldConfig: { defaults: { mappings: [mapping] } } }, { fieldConfig: { defaults: {}, overrides: [{ matcher: { id: 'byName', options: 'v' }, properties: [{ id: 'mappings', value: [mapping] }] }] } }, { options: { reduceOptions: { fields: `/${evil}/` } } },
      { transformations: [{ id: 'filterByValue', options: { type: 'include', match: 'any', filters: [{ fieldName: 'a', config: { id: 'regex', options: { value: evil } } }] } }] }, { transformations: [{ id: 'filterByRefId', options: { include: `/${evil}/` } }] },
      { transformations: [{ id: 'limit', options: { limitField: 1 }, filter: { id: 'byRefId', options: `/${evil}/` } }] },
    ]) {
      const { warnings } = await run(p, table('A', [{ a: `${'a'.repeat(40)}!`, value: '1' }]));
      expect(warnings, JSON.stringify(p)).toHaveLength(1);
      expect(warnings[0]!.en).toMatch(/left out: .*repetition/);
    }
  });
  it('leaves out an expression that the package would try on a text too long for it', async () => {
    const named = (n: number) => run({ fieldConfig: { defaults: {}, overrides: [{ matcher: { id: 'byRegexp', options: '/^.*,.*,.*,.*,.*x$/' }, properties: [{ id: 'unit', value: 's' }] }] } }, series('A', [{ a: ','.repeat(n) }, [1]]));
    expect((await named(20)).warnings).toEqual([]);
    expect((await named(200)).warnings[0]!.en).toMatch(/an override was left out: .* could take forever on texts of more than/);
  });
  it('makes links of data, but none that runs a script', async () => {
    const link = { title: '${__series.name} ${__value.numeric}', url: 'https://x.test/?a=${__field.labels.a}&v=${__value.raw}' };
    const evil = { title: 'e', url: '${__field.labels.s}' };
    const { frames } = await run({ fieldConfig: { defaults: { links: [link, evil] } } }, series('A', [{ a: 'b', s: 'javascript:alert(1)' }, [5]]));
    const links = frames[0]!.fields[1]!.getLinks!({ valueRowIndex: 0 });
    expect(links.map((l) => [l.title, l.href])).toEqual([['{a="b", s="javascript:alert(1)"} 5', 'https://x.test/?a=b&v=5']]);
  });
});

describe('transformations', () => {
  it('has each one that it says it knows', () => {
    for (const id of knownTransformations) expect(own[id] ?? theirs.get(id), id).toBeDefined();
    expect([...Object.keys(own), ...theirs.keys()].filter((id) => !knownTransformations.has(id))).toEqual([]);
  });
  it('runs those of @grafana/data, one after the other', async () => {
    const { frames } = await run({ transformations: [
      { id: 'merge', options: {} }, { id: 'organize', options: { excludeByName: { Time: true }, renameByName: { 'Value #A': 'cpu', 'Value #B': 'memory' }, indexByName: {} } }, { id: 'sortBy', options: { sort: [{ field: 'memory', desc: true }] } },
    ] }, [...table('A', [{ host: 'a', value: '1' }, { host: 'b', value: '2' }], 'Value #A'), ...table('B', [{ host: 'a', value: '10' }, { host: 'b', value: '20' }], 'Value #B')]);
    expect(columns(frames[0]!)).toEqual({ host: ['b', 'a'], cpu: [2, 1], memory: [20, 10] });
  });
  it('joins, reduces, calculates and fills variables into options', async () => {
    const joined = await run({ transformations: [{ id: 'seriesToColumns', options: { byField: 'Time' } }, { id: 'renameByRegex', options: { regex: '.*a="(.)".*', renamePattern: '$v-$1' } }] }, series('A', [{ a: '1' }, [1, 2]], [{ a: '2' }, [3, 4]]));
    expect(columns(joined.frames[0]!)).toEqual({ Time: [0, 30_000], 'x-1': [1, 2], 'x-2': [3, 4] });
    const reduced = await run({ transformations: [{ id: 'reduce', options: { reducers: ['max'] } }] }, series('A', [{ a: '1' }, [1, 5, 2]]));
    expect(columns(reduced.frames[0]!)).toMatchObject({ Field: ['{a="1"}'], Max: [5] });
  });
  it('goes on without one that fails, is disabled, is not known or is not safe', async () => {
    const { frames, warnings } = await run({ transformations: [
      { id: 'organize', disabled: true, options: { excludeByName: { Time: true } } }, { id: 'spatial', options: {} }, { id: 'renameByRegex', options: { regex: '(x+)+y', renamePattern: '' } }, { id: 'groupBy', options: { fields: 5 } }, { id: 'limit', options: { limitField: 1 } },
    ] }, series('A', [{ a: '1' }, [1, 2]]));
    expect(columns(frames[0]!)).toEqual({ Time: [0], Value: [1] });
    expect(warnings.map((w) => w.path)).toEqual(expect.arrayContaining(['transformation spatial', 'transformation renameByRegex']));
  });
  it('is about the frames that its filter names', async () => {
    const { frames } = await run({ transformations: [{ id: 'limit', options: { limitField: 1 }, filter: { id: 'byRefId', options: 'B' } }, { id: 'timeSeriesTable', options: {}, filter: { id: 'byRefId', options: 'B' } }] }, [...series('A', [{}, [1, 2]]), ...series('B', [{}, [1, 2]])]);
    expect(frames.map((f) => [f.refId, f.length, f.fields.map((x) => x.name)])).toEqual([['A', 2, ['Time', 'Value']], ['B', 1, ['Trend']]]);
  });
  it('timeSeriesTable makes a row of each series', async () => {
    const { frames } = await run({ type: 'table', transformations: [{ id: 'timeSeriesTable', options: { A: { stat: 'max' } } }] }, [...series('A', [{ a: '1' }, [1, 9, 2]], [{ a: '2', b: 'q' }, [3, 4]]), ...series('B', [{ a: '1' }, [5]])]);
    expect(frames.map((f) => f.fields.map((x) => x.name))).toEqual([['a', 'b', 'Trend #A'], ['a', 'Trend #B']]);
    const trends = frames[0]!.fields[2]!.values as (DataFrame & { value: number })[];
    expect(trends.map((t) => [t.value, t.fields[1]!.values])).toEqual([[9, [1, 9, 2]], [4, [3, 4]]]);
    expect(frames[0]!.fields[1]!.values).toEqual(['', 'q']);
  });
  it('configFromData takes limits, thresholds and mappings from another query', async () => {
    const config = await run({ transformations: [{ id: 'configFromData', options: { configRefId: 'C', mappings: [{ fieldName: 'limit', handlerKey: 'threshold1' }, { fieldName: 'Time', handlerKey: '__ignore' }, { fieldName: 'Value', handlerKey: 'max' }] } }] }, [...series('A', [{}, [1]]), ...table('C', [{ limit: '80', value: '100' }])]);
    const c = config.frames[0]!.fields[1]!.config;
    expect(config.frames).toHaveLength(1);
    expect([c.max, c.thresholds!.steps.map((s) => s.value)]).toEqual([100, [-Infinity, 80]]);
    const mapped = await run({ transformations: [{ id: 'configFromData', options: { configRefId: 'C', mappings: [{ fieldName: 'Value', handlerKey: 'mappings.value' }, { fieldName: 'word', handlerKey: 'mappings.text' }] } }] }, [...series('A', [{}, [2]]), ...table('C', [{ word: 'up', value: '1' }, { word: 'down', value: '2' }])]);
    expect(shown(mapped.frames[0]!.fields[1]!, 2)).toBe('down');
  });
  it('rowsToFields makes fields of rows', async () => {
    const { frames } = await run({ type: 'stat', transformations: [{ id: 'rowsToFields', options: { mappings: [{ fieldName: 'host', handlerKey: 'field.name' }, { fieldName: 'cap', handlerKey: 'max' }] } }] }, table('A', [{ host: 'a', cap: '5', zone: 'z', value: '1' }, { host: 'b', cap: '6', zone: 'z', value: '2' }]));
    expect(frames[0]!.fields.map((f) => [f.name, f.values, f.config.max, f.labels])).toEqual([['a', [1], 5, { zone: 'z' }], ['b', [2], 6, { zone: 'z' }]]);
  });
  it('prepareTimeSeries brings series into each layout', async () => {
    const layout = async (format: string) => (await run({ transformations: [{ id: 'prepareTimeSeries', options: { format } }] }, series('A', [{ a: '1' }, [1, 2]], [{ a: '2' }, [3, 4]]))).frames;
    expect((await layout('wide')).map((f) => f.fields.map((x) => x.values))).toEqual([[[0, 30_000], [1, 2], [3, 4]]]);
    expect(columns((await layout('long'))[0]!)).toEqual({ Time: [0, 0, 30_000, 30_000], Value: [1, 3, 2, 4], a: ['1', '2', '1', '2'] });
    expect(await layout('multi')).toHaveLength(2);
  });
  it('joinByLabels makes columns of the values of a label', async () => {
    const { frames } = await run({ transformations: [{ id: 'joinByLabels', options: { value: 'what' } }] }, series('A', [{ what: 'cpu', host: 'a' }, [1]], [{ what: 'mem', host: 'a' }, [2]], [{ what: 'cpu', host: 'b' }, [3]]));
    expect(columns(frames[0]!)).toEqual({ host: ['a', 'b'], cpu: [1, 3], mem: [2, null] });
  });
  it('partitionByValues makes a frame of each part', async () => {
    const { frames } = await run({ transformations: [{ id: 'partitionByValues', options: { fields: ['host'], naming: { withNames: true } } }] }, table('A', [{ host: 'a', value: '1' }, { host: 'b', value: '2' }, { host: 'a', value: '3' }]));
    expect(frames.map((f) => [f.name, f.fields.find((x) => x.name === 'Value')!.values])).toEqual([['host=a', [1, 3]], ['host=b', [2]]]);
  });
  it('append puts rows below each other', async () => {
    const { frames } = await run({ transformations: [{ id: 'append', options: {} }] }, [...table('A', [{ a: '1', value: '1' }]), ...table('B', [{ b: '2', value: '2' }])]);
    expect(columns(frames[0]!)).toEqual({ Time: [60_000, 60_000], a: ['1', null], Value: [1, 2], b: [null, '2'] });
  });
  it('heatmap counts values by time and size', async () => {
    const { frames } = await run({ type: 'heatmap', transformations: [{ id: 'heatmap', options: { xBuckets: { mode: 'size', value: '1m' }, yBuckets: { mode: 'size', value: '10' } } }] }, series('A', [{}, [1, 5, 15, 12]], [{}, [3, 25, 15, 12]].slice() as [Record<string, string>, number[]]));
    expect(columns(frames[0]!)).toEqual({ xMin: [0, 0, 0, 60_000, 60_000, 60_000], yMin: [0, 10, 20, 0, 10, 20], yMax: [10, 20, 30, 10, 20, 30], count: [3, 0, 1, 0, 4, 0] });
  });
  it('regression finds the line and the parabola that points lie on', async () => {
    const line = await run({ transformations: [{ id: 'regression', options: { predictionCount: 3 } }] }, series('A', [{}, [1, 3, 5]]));
    expect(line.frames[1]!.fields[1]!.values.map((v: number) => Number(v.toFixed(6)))).toEqual([1, 3, 5]);
    const parabola = await run({ transformations: [{ id: 'regression', options: { modelType: 'polynomial', degree: 2, predictionCount: 5 } }] }, series('A', [{}, [0, 1, 4, 9, 16]]));
    expect(parabola.frames[1]!.fields[1]!.values.map((v: number) => Number(v.toFixed(6)))).toEqual([0, 1, 4, 9, 16]);
  });
  it('extractFields reads JSON, pairs and parts', async () => {
    const of = async (options: object, ...texts: string[]) => columns((await run({ type: 'table', transformations: [{ id: 'extractFields', options: { source: 's', replace: true, ...options } }] }, table('A', texts.map((s) => ({ s, value: '1' }))))).frames[0]!);
    expect(await of({}, '{"a":1,"b":{"c":2}}', 'a=3 b="x y"')).toEqual({ a: [1, 3], b: [{ c: 2 }, 'x y'] });
    expect(await of({ format: 'json', jsonPaths: [{ path: 'b.c[1]', alias: 'z' }] }, '{"b":{"c":[5,6]}}')).toEqual({ z: [6] });
    expect(await of({ format: 'regexp', regExp: '/(?<h>\\w+):(?<p>\\d+)/' }, 'db:5432')).toEqual({ h: ['db'], p: ['5432'] });
  });
});

describe('values', () => {
  const values = async (p: object, frames: DataFrame[], extra: { sparkline?: boolean } = {}) => {
    const of = panel(p);
    const drawn = await pipeline(of, frames, scope, 'light', 'utc');
    return valuesOf({ panel: of, frames: drawn.frames, range: scope.range, zone: 'utc', mode: 'light', width: 100, height: 100, replace: (t) => t, marks: [] }, extra);
  };
  it('gives the values of a stat', async () => {
    const [v] = await values({ type: 'stat', options: { reduceOptions: { calcs: ['max'], fields: '', values: false } }, fieldConfig: { defaults: { unit: 'percent', max: 100 } } }, series('A', [{ a: '1' }, [10, 50, 20]]), { sparkline: true });
    expect([v!.display.title, v!.display.text, v!.display.suffix, v!.display.numeric, v!.field.max, v!.sparkline?.y.values]).toEqual(['{a="1"}', '50', '%', 50, 100, [10, 50, 20]]);
  });
  it('gives a value for each row where that is asked for', async () => {
    const found = await values({ type: 'bargauge', options: { reduceOptions: { calcs: [], values: true, limit: 2 } } }, table('A', [{ h: 'a', value: '1' }, { h: 'b', value: '2' }, { h: 'c', value: '3' }]));
    expect(found.map((v) => [v.display.title, v.display.numeric])).toEqual([['a', 1], ['b', 2]]);
  });
});
