import { FieldType, rangeUtil, type DataFrame } from '@grafana/data';
import { describe, expect, it, vi } from 'vitest';

import '../../test/window';
import type { QueryData } from '../api/prometheus';
import { Slices } from '../api/slices';
import { roundInterval } from '../model/interval';
import type { PanelRequest } from '../model/queries';
import type { Scope } from '../model/scope';
import { exemplarFrames, framesInSlices, framesOf } from './frames';

const scope: Scope = { values: {}, raw: { from: 'now-1h', to: 'now' }, range: { from: 0, to: 36e5 }, zone: 'utc' };
const request = (more: Partial<PanelRequest> = {}): PanelRequest => ({
  key: '', refId: 'A', kind: 'range', datasource: { uid: 'p', type: 'prometheus' }, expr: 'rate(x[5m])', start: 0, end: 60, step: 30, legendFormat: '', format: 'time_series', valueName: 'Value', ...more,
});
const matrix = (...series: [Record<string, string>, [number, string][]][]): QueryData => ({ resultType: 'matrix', result: series.map(([metric, values]) => ({ metric, values })) });
const columns = (f: DataFrame): Record<string, unknown[]> => Object.fromEntries(f.fields.map((x) => [x.name, x.values as unknown[]]));
const legends = (frames: DataFrame[]): (string | undefined)[] => frames.map((f) => f.fields[1]!.config.displayNameFromDS);

it('rounds steps as @grafana/data does', () => {
  const at: number[] = [];
  for (let ms = 1; ms < 5e10; ms = ms * 1.07 + 1) at.push(Math.round(ms));
  expect(at.map(roundInterval)).toEqual(at.map((ms) => rangeUtil.roundInterval(ms)));
});

describe('framesOf', () => {
  it('makes a frame of each series, which share their times', () => {
    const frames = framesOf(request(), matrix([{ __name__: 'x', a: '1' }, [[0, '1'], [30, 'NaN'], [60, '+Inf']]], [{ __name__: 'x', a: '2' }, [[0, '2'], [30, '-Inf'], [60, '3']]]), scope);
    expect(frames.map(columns)).toEqual([{ Time: [0, 30_000, 60_000], Value: [1, NaN, Infinity] }, { Time: [0, 30_000, 60_000], Value: [2, -Infinity, 3] }]);
    expect(frames[0]!.fields[0]!.values).toBe(frames[1]!.fields[0]!.values);
    expect(frames[0]).toMatchObject({ refId: 'A', length: 3, meta: { type: 'timeseries-multi' } });
    expect(frames[0]!.fields[0]!.config.interval).toBe(30_000);
    expect(frames[0]!.fields[1]!.labels).toEqual({ __name__: 'x', a: '1' });
  });
  const two = matrix([{ __name__: 'x', a: '1', b: 'q' }, [[0, '1']]], [{ __name__: 'x', a: '2', b: 'q' }, [[0, '1']]]);
  it.each<[string, string, QueryData, string[]]>([
    ['the series', '', two, ['x{a="1", b="q"}', 'x{a="2", b="q"}']], ['a format', '{{a}}-{{ b }}-{{none}}', two, ['1-q-', '2-q-']],
    ['all labels', '__auto', two, ['{__name__="x", a="1", b="q"}', '{__name__="x", a="2", b="q"}']], ['the only label', '__auto', matrix([{ a: '1' }, [[0, '1']]], [{ a: '2' }, [[0, '1']]]), ['1', '2']],
    ['the expression', '', matrix([{}, [[0, '1']]]), ['rate(x[5m])']], ['the expression, for auto too', '__auto', matrix([{}, [[0, '1']]]), ['rate(x[5m])']],
  ])('names series by %s', (_, legendFormat, data, want) => expect(legends(framesOf(request({ legendFormat }), data, scope))).toEqual(want));
  it('makes the same in slices', async () => {
    const many = matrix(...Array.from({ length: 30 }, (_, i): [Record<string, string>, [number, string][]] => [{ a: '1', i: String(i) }, [[0, '1'], [30, String(i)]]]));
    const slices = new Slices();
    vi.spyOn(slices, 'spent', 'get').mockReturnValue(true);
    const rest = vi.spyOn(slices, 'rest');
    for (const r of [request({ legendFormat: '__auto' }), request({ legendFormat: '{{i}}' })]) expect(await framesInSlices(r, many, scope, slices)).toEqual(framesOf(r, many, scope));
    expect(rest).toHaveBeenCalledTimes(60);
    for (const [r, d] of [[request({ format: 'table' }), many], [request(), { resultType: 'vector', result: [{ metric: { a: '1' }, value: [0, '1'] }] }]] as [PanelRequest, QueryData][]) expect(await framesInSlices(r, d, scope)).toEqual(framesOf(r, d, scope));
  });
  it('fills variables into a format, and none into the labels that it names', () => {
    const values = { v: { name: 'v', type: 'custom' as const, value: ['x'], text: ['X'], multi: false, several: false, allValue: undefined, options: [], filters: [] } };
    expect(legends(framesOf(request({ legendFormat: '$v {{a}}' }), matrix([{ a: 'costs $v' }, [[0, '1']]]), { ...scope, values }))).toEqual(['X costs $v']);
  });
  it('names every series, because @grafana/data takes quadratic time where one has no name', () => {
    const many = framesOf(request(), matrix(...Array.from({ length: 50 }, (_, i): [Record<string, string>, [number, string][]] => [{ i: String(i) }, [[0, '1']]])), scope);
    expect(legends(many).every((l) => typeof l === 'string' && l !== '')).toBe(true);
  });
  it('makes tables of instants, with a column for each label', () => {
    const data: QueryData = { resultType: 'vector', result: [{ metric: { b: '1', __name__: 'x' }, value: [60, '5'] }, { metric: { a: '2' }, value: [60, '6'] }] };
    const [t] = framesOf(request({ format: 'table', kind: 'instant', valueName: 'Value #B' }), data, scope);
    expect(columns(t!)).toEqual({ Time: [60_000, 60_000], __name__: ['x', ''], a: ['', '2'], b: ['1', ''], 'Value #B': [5, 6] });
    expect(framesOf(request({ format: 'table' }), matrix(), scope)[0]).toMatchObject({ length: 0 });
  });
  it('reads scalars and strings', () => {
    expect(columns(framesOf(request(), { resultType: 'scalar', result: [1, '2'] }, scope)[0]!)).toEqual({ Time: [1000], Value: [2] });
    expect(framesOf(request(), { resultType: 'string', result: [1, 'x'] }, scope)[0]!.fields[1]).toMatchObject({ type: FieldType.string, values: ['x'] });
  });
  it('takes cumulative buckets apart, in the order of their edges', () => {
    const [f] = framesOf(request({ format: 'heatmap' }), matrix([{ le: '+Inf' }, [[0, '10'], [30, '20']]], [{ le: '0.5' }, [[0, '4'], [30, '5']]], [{ le: '10' }, [[0, '9']]]), scope);
    expect(columns(f!)).toEqual({ Time: [0, 30_000], 0.5: [4, 5], 10: [5, null], '+Inf': [1, 15] });
    expect(f!.fields.map((x) => x.name)).toEqual(['Time', '0.5', '10', '+Inf']);
    expect(f!.meta!.type).toBe('heatmap-rows');
  });
  it('reads native histograms as cells, and in tables as count and sum', () => {
    const data: QueryData = { resultType: 'matrix', result: [{ metric: { a: '1' }, histograms: [[30, { count: '3', sum: '4.5', buckets: [[0, '1', '2', '1'], [0, '2', '4', '2']] }]] }] };
    const [cells] = framesOf(request(), data, scope);
    expect(columns(cells!)).toEqual({ xMax: [30_000, 30_000], yMin: [1, 2], yMax: [2, 4], count: [1, 2] });
    expect(cells!.meta!.type).toBe('heatmap-cells');
    expect(columns(framesOf(request({ format: 'table' }), data, scope)[0]!)).toEqual({ Time: [30_000], a: ['1'], Value: [3], Sum: [4.5] });
  });
  it('makes one frame of exemplars', () => {
    const data = [{ seriesLabels: { job: 'j' }, exemplars: [{ labels: { trace_id: 't' }, value: '2', timestamp: 30.5 }, { labels: {}, value: '1', timestamp: 3 }] }];
    expect(columns(exemplarFrames(request(), data)[0]!)).toEqual({ Time: [3000, 30_500], Value: [1, 2], trace_id: ['', 't'], job: ['j', 'j'] });
    expect(exemplarFrames(request(), { hostile: true })).toEqual([]);
  });
});
