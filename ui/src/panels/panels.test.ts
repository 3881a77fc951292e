import { createDataFrame, FieldType } from '@grafana/data';
import { describe, expect, it } from 'vitest';

import { cell, csvOf } from './export/csv';
import { selects } from './lists/AlertList';
import { safeStyle } from './lists/sanitize';
import { followers, follow, point } from './plot/crosshair';
import { cellsOf, histogramOf, shade, stretches } from './shapes/buckets';
import { columnsOf, footerOf, rowsOf, widths } from './table/columns';
import { united } from './timeseries/bands';
import { cells, fit } from './values/fit';
import { portion } from './values/limits';
import { valuesOf } from './values/reduce';
import { sparkPaths } from './values/Spark';

const times = [0, 60_000, 120_000];
const series = (name: string, values: (number | null)[], le?: string) =>
  createDataFrame({ fields: [{ name: 'Time', type: FieldType.time, values: times }, { name: 'Value', type: FieldType.number, values, labels: le === undefined ? {} : { le }, config: { displayNameFromDS: name } }] });

describe('heatmaps and histograms', () => {
  it('orders buckets by their limits', () => {
    const c = cellsOf([series('+Inf', [7, 8, 9], '+Inf'), series('0.1', [1, 2, null], '0.1'), series('1', [3, 4, 5], '1')])!;
    expect(c.rows.map((r) => [r.low, r.high])).toEqual([[0, 0.1], [0.1, 1], [1, Infinity]]);
    expect([...c.counts.slice(0, 3)]).toEqual([1, 3, 7]);
    expect(c.counts[6]).toBeNaN();
  });
  it('reads the cells of native histograms', () => {
    const f = createDataFrame({ fields: [{ name: 'xMax', type: FieldType.time, values: [0, 0, 60_000] }, { name: 'yMin', type: FieldType.number, values: [1, 2, 1] }, { name: 'yMax', type: FieldType.number, values: [2, 4, 2] }, { name: 'count', type: FieldType.number, values: [5, 6, 7] }] });
    const c = cellsOf([f])!;
    expect(c.rows.map((r) => [r.low, r.high])).toEqual([[1, 2], [2, 4]]);
    expect([...c.counts]).toEqual([5, 6, 7, NaN]);
  });
  it('counts values itself by the size of buckets, or by powers, each at its end', () => {
    const of = (yBuckets: object) => cellsOf([series('a', [1, 5, 12])], { calculate: true, calculation: { xBuckets: { mode: 'size', value: '1m' }, yBuckets } })!;
    const linear = of({ mode: 'size', value: '10' });
    expect([linear.times, linear.step, linear.rows.map((r) => [r.low, r.high]), [...linear.counts]]).toEqual([[60_000, 120_000, 180_000], 60_000, [[0, 10], [10, 20]], [1, 0, 1, 0, 0, 1]]);
    const log = of({ scale: { type: 'log', log: 2 } });
    expect(log.rows.map((r) => [Math.round(r.low!), Math.round(r.high!)])).toEqual([[1, 2], [2, 4], [4, 8], [8, 16]]);
  });
  it('refuses more cells than can be drawn', () => {
    const t = Array.from({ length: 3000 }, (_, i) => i * 1000);
    expect(cellsOf(Array.from({ length: 800 }, (_, i) => createDataFrame({ fields: [{ name: 'Time', type: FieldType.time, values: t }, { name: String(i), type: FieldType.number, values: t }] })))).toBeUndefined();
  });
  it('shades between limits', () => {
    expect([shade(5, 0, 10), shade(25, 0, 100, 0.5), shade(-1, 0, 1), shade(9, 0, 1)]).toEqual([0.5, 0.5, 0, 1]);
  });
  it('counts every value once, in round and bounded buckets', () => {
    const b = histogramOf([[0.4, 1.2, 1.9, 3.3], [2.2, NaN, null]], 1);
    expect(b.map((x) => x.counts)).toEqual([[1, 0], [2, 0], [0, 1], [1, 0]]);
    expect(histogramOf([[0, 1e12]], 1).length).toBeLessThanOrEqual(502);
    expect(histogramOf([[5, 5, 5]]).reduce((a, x) => a + x.counts[0]!, 0)).toBe(3);
    expect(histogramOf([[]])).toEqual([]);
  });
  it('joins equal neighbours and leaves pauses', () => {
    expect(stretches([0, 10, 20, 30], ['up', 'up', undefined, 'up'], 40, true)).toEqual([{ from: 0, to: 20, row: 0 }, { from: 30, to: 40, row: 3 }]);
    expect(stretches([0, 10], ['up', 'up'], 20, false)).toHaveLength(2);
  });
  it('ends a state where samples are missing, unless pauses are drawn over', () => {
    const of = (span: boolean | number, looks = ['up', 'up', 'up']) => stretches([0, 60, 7200], looks, 7260, true, { interval: 60, span }).map((s) => [s.from, s.to]);
    expect(of(false)).toEqual([[0, 120], [7200, 7260]]);
    expect(of(3600)).toEqual([[0, 120], [7200, 7260]]);
    expect(of(7200)).toEqual([[0, 7260]]);
    expect(of(true, ['up', 'up', 'down'])).toEqual([[0, 7200], [7200, 7260]]);
    expect(stretches([0, 10, 20], ['up', undefined as never, 'up'], 30, true, { interval: 10, span: true })).toEqual([{ from: 0, to: 30, row: 0 }]);
  });
});

describe('tables', () => {
  const frame = createDataFrame({ fields: [{ name: 'host', type: FieldType.string, values: ['b10', 'b9', 'a'] }, { name: 'v', type: FieldType.number, values: [1, null, 3] }, { name: 'secret', type: FieldType.number, values: [0, 0, 0], config: { custom: { hidden: true } } }] });
  const columns = columnsOf(frame, [frame]);
  const text = (c: (typeof columns)[number], r: number): string => String(c.field.values[r]);
  it('leaves hidden columns out, and aligns numbers right', () => {
    expect(columns.map((c) => [c.name, c.align])).toEqual([['host', 'left'], ['v', 'right']]);
  });
  it('sorts names as people do, and what is missing last either way', () => {
    expect(rowsOf(columns, 3, [{ column: 'host', desc: false }], '', text)).toEqual([2, 1, 0]);
    expect(rowsOf(columns, 3, [{ column: 'v', desc: false }], '', text)).toEqual([0, 2, 1]);
    expect(rowsOf(columns, 3, [{ column: 'v', desc: true }], '', text)).toEqual([2, 0, 1]);
  });
  it('filters by all words, and reduces what is left', () => {
    const rows = rowsOf(columns, 3, [], 'B1', text);
    expect(rows).toEqual([0]);
    expect(footerOf(columns[1]!, rows, ['sum', 'nonsense'])).toEqual([{ id: 'sum', name: 'Total', value: 1 }]);
  });
  it('fills the room and keeps fixed widths', () => {
    expect(widths([{ width: 100, least: 50 }, { least: 50 }], [0, 80], 300)).toEqual([100, 200]);
  });
});

describe('values', () => {
  it('fits texts and boxes', () => {
    expect(fit('123', 1000, 50, 100)).toBe(43);
    expect(fit('1234567890', 60, 500, 100)).toBeLessThan(14);
    expect(cells(4, 400, 400, 'auto', 1)).toEqual({ columns: 2, rows: 2 });
    expect(cells(3, 900, 100, 'auto')).toEqual({ columns: 3, rows: 1 });
    expect(cells(3, 900, 100, 'horizontal')).toEqual({ columns: 1, rows: 3 });
    expect([portion(5, 0, 10), portion(NaN, 0, 1), portion(99, 0, 10), portion(1, 3, 3)]).toEqual([0.5, 0, 1, 0]);
  });
  it('chooses no fields by an expression that could freeze the page', () => {
    const frame = series(`${'a'.repeat(40)}!`, [1, 2, 3]);
    const values = (fields: string) => valuesOf({ panel: { id: 1, type: 'stat', options: { reduceOptions: { fields } } }, frames: [frame], range: { from: 0, to: 1 }, zone: 'utc', mode: 'dark', width: 1, height: 1, replace: (t) => t, marks: [] });
    expect(values('/^b/').map((v) => v.display.text)).toEqual(['No data']);
    expect(values('/(a+)+$/').map((v) => v.display.numeric)).toEqual([3]);
  });
  it('draws small lines with no more points than pixels', () => {
    const long = Array.from({ length: 10_000 }, (_, i) => i);
    expect((sparkPaths(long, 50, 20)!.line.match(/L/g) ?? []).length).toBeLessThanOrEqual(101);
    expect(sparkPaths([1], 50, 20)).toBeUndefined();
  });
});

describe('what strangers write', () => {
  it('keeps harmless looks only', () => {
    expect(safeStyle('color: red; position: fixed; background: url(http://x); font-size:12px')).toEqual([['color', 'red'], ['font-size', '12px']]);
    expect(safeStyle('width: expression(alert(1)); margin: -500px; color: var(--x); background: #fff !important')).toEqual([['background-color', '#fff']]);
  });
  it('selects alerts by labels, and nothing where the filter cannot be read', () => {
    const l = { job: 'api', env: 'prod' };
    expect(selects('', l)).toBe(true);
    expect(selects('{job="api", env!="test"}', l)).toBe(true);
    expect(selects('{job=~"a.*"}', l)).toBe(true);
    expect(selects('{job!~"a.*"}', l)).toBe(false);
    expect(selects('{job=~"(a+)+$"}', l)).toBe(false);
    expect(selects('{job=~"((a+))+"}', { job: `${'a'.repeat(40)}!` })).toBe(false);
    expect(selects('job', l)).toBe(false);
  });
  it('writes CSV that no spreadsheet runs', () => {
    expect(cell('=cmd()')).toBe("'=cmd()");
    expect(cell(-5)).toBe('-5');
    expect(cell('a,"b"')).toBe('"a,""b"""');
    expect(csvOf([series('a', [1, 2, null]), series('b', [4, 5, 6])])).toBe('\ufeffTime,a,b\r\n1970-01-01T00:00:00.000Z,1,4\r\n1970-01-01T00:01:00.000Z,2,5\r\n1970-01-01T00:02:00.000Z,,6\r\n');
  });
});

describe('the shared crosshair', () => {
  it('tells the others, and forgets who has left', () => {
    const told: (number | undefined)[] = [];
    const before = followers();
    const me = Symbol('me');
    const stop = follow('k', (at, from) => { if (from !== me) told.push(at); });
    point('k', 5, Symbol('other'));
    point('k', 6, me);
    point('other', 7, Symbol('other'));
    expect(told).toEqual([5]);
    expect(followers()).toBe(before + 1);
    stop();
    point('k', 8, Symbol('other'));
    expect(told).toEqual([5]);
    expect(followers()).toBe(before);
  });
});

describe('united', () => {
  it('makes one band of those that overlap', () => expect(united([[5, 8], [1, 3], [2, 4], [8, 9], [20, 21]])).toEqual([[1, 4], [5, 9], [20, 21]]));
});
