import { createDataFrame, type DataFrame, FieldType } from '@grafana/data';
import { describe, expect, it } from 'vitest';

import { seriesOf } from '../fields';
import { calcText, calcsOf, picked, sorted } from './legendModel';
import { lonely } from './options';
import { greatest, mostSeries, prepare, tipLines } from './prepare';
import { readingsOf } from './Readings';
import { layout } from './TimeSeries';

const frame = (name: string, values: (number | null)[], custom: Record<string, unknown> = {}, config: Record<string, unknown> = {}): DataFrame =>
  createDataFrame({ fields: [{ name: 'Time', type: FieldType.time, values: values.map((_, i) => i * 1000) }, { name: 'Value', type: FieldType.number, values, config: { displayNameFromDS: name, ...config, custom } }] });

describe('prepare', () => {
  it('stacks, turns around and keeps what tooltips show', () => {
    const stacking = { mode: 'normal', group: 'A' };
    const p = prepare([frame('a', [1, 2], { stacking }), frame('b', [10, 20], { stacking }), frame('c', [5, 6], { transform: 'negative-Y' })], 'dark', 200);
    expect(p.drawn.map((d) => d.values)).toEqual([[1, 2], [11, 22], [-5, -6]]);
    expect(p.drawn[1]!.raw).toEqual([10, 20]);
    expect(p.drawn.map((d) => d.below)).toEqual([-1, 0, -1]);
  });
  it('stacks each group by itself, whatever names it', () => {
    const p = prepare([frame('a', [1], { stacking: { mode: 'normal', group: 'A' } }), frame('total', [24], { stacking: { mode: 'normal', group: false } }), frame('b', [2], { stacking: { mode: 'normal', group: 'A' } })], 'dark', 200);
    expect(p.drawn.map((d) => d.values)).toEqual([[1], [24], [3]]);
  });
  it('stacks what lies below zero downwards, by itself', () => {
    const stacking = { mode: 'normal', group: 'A' };
    const p = prepare([frame('rx', [5, 4], { stacking }), frame('tx', [-3, -2], { stacking }), frame('more', [1, 1], { stacking }), frame('down', [2, 2], { stacking, transform: 'negative-Y' }), frame('up', [-2, -2], { stacking, transform: 'negative-Y' })], 'dark', 200);
    expect(p.drawn.map((d) => d.values)).toEqual([[5, 4], [-3, -2], [6, 5], [-5, -4], [8, 7]]);
    expect(p.drawn.map((d) => d.down)).toEqual([false, true, false, true, false]);
  });
  it('gives a second unit the right side, and equal ones the same axis', () => {
    const p = prepare([frame('a', [1], {}, { unit: 'bytes' }), frame('b', [1], {}, { unit: 's' }), frame('c', [1], {}, { unit: 'bytes' })], 'dark', 200);
    expect(p.axes.map((a) => [a.side, a.base])).toEqual([['left', 2], ['right', 10]]);
    expect(p.drawn[0]!.axis).toBe(p.drawn[2]!.axis);
  });
  it('draws no more series than can be told apart: those that reach highest', () => {
    const many = Array.from({ length: 6000 }, (_, i) => frame(`s${i}`, [i, i]));
    const p = prepare(many, 'dark', 200);
    expect(p.drawn).toHaveLength(mostSeries(200));
    expect(p.left).toBe(6000 - mostSeries(200));
    expect(p.drawn.at(-1)!.name).toBe('s5999');
    expect(p.all).toHaveLength(6000);
    expect(prepare(many, 'dark', 200, (n) => n === 's3').drawn.map((d) => d.name)).toEqual(['s3']);
  });
  it('keeps zero and less off a logarithmic axis', () => {
    expect(prepare([frame('a', [0, -1, 10], { scaleDistribution: { type: 'log', log: 10 } })], 'dark', 200).drawn[0]!.values).toEqual([null, null, 10]);
  });
  it('survives options of the wrong type', () => {
    const p = prepare([frame('a', [1], { lineWidth: 'x', lineStyle: 7, stacking: null, drawStyle: {}, axisPlacement: 3, fillOpacity: 1e9 })], 'dark', 200);
    expect(p.drawn[0]).toMatchObject({ width: 1, style: 'line', fill: 1 });
  });
  it('picks the greatest in their own order', () => {
    expect(greatest(seriesOf([frame('a', [1]), frame('b', [-9]), frame('c', [5])]), 2).map((s) => s.name)).toEqual(['b', 'c']);
  });
});

describe('tooltips and points', () => {
  it('sorts lines and leaves zeros out', () => {
    const drawn = [{ name: 'a', raw: [3] }, { name: 'b', raw: [0] }, { name: 'c', raw: [7] }, { name: 'd', raw: [null] }];
    expect(tipLines(drawn, 0, 'desc', true).map((l) => l.name)).toEqual(['c', 'a']);
    expect(tipLines(drawn, 0, 'asc', false).map((l) => l.name)).toEqual(['b', 'a', 'c']);
  });
  it('shows points that no line reaches, and none of a full line', () => {
    expect(lonely([1, null, 3, 4, null, 6], 0)).toEqual([0, 5]);
    expect(lonely([1, 2, 3], 0)).toEqual([]);
    expect(lonely([1, undefined, 3], 0)).toEqual([]);
    expect(lonely([1, 2, 3], 100)).toEqual([0, 1, 2]);
  });
});

describe('legend', () => {
  const series = seriesOf([frame('a', [1, 5]), frame('b', [null, null]), frame('c', [9, 2])]);
  it('sorts by a calculation, what has none last', () => {
    expect(sorted(series, { by: 'max', desc: true }).map((s) => s.name)).toEqual(['c', 'a', 'b']);
    expect(sorted(series, { by: 'max', desc: false }).map((s) => s.name)).toEqual(['a', 'c', 'b']);
  });
  it('says calculations, and knows which there are', () => {
    expect(calcText(series[0]!.field, 'mean', 'dark')).toBe('3');
    expect(calcsOf(['mean', 'nonsense', 'max'])).toEqual(['mean', 'max']);
  });
  it('isolates at a click and adds with a key', () => {
    const all = ['a', 'b', 'c'];
    const one = picked(undefined, all, 'a', false);
    expect(one).toEqual(new Set(['a']));
    expect(picked(one, all, 'a', false)).toBeUndefined();
    expect(picked(undefined, all, 'a', true)).toEqual(new Set(['b', 'c']));
    expect(picked(new Set(['a', 'b']), all, 'c', true)).toBeUndefined();
  });
  it('shares the room without overlap', () => {
    for (const right of [true, false]) for (const table of [true, false]) for (const [w, h] of [[200, 100], [800, 300], [360, 95]] as const) {
      const l = layout(w, h, { shown: true, right, table, items: 500 }, true);
      const beside = right && w >= 360;
      expect(l.plotW + (beside && l.legendW > 0 ? l.legendW + 8 : 0)).toBeLessThanOrEqual(w);
      expect(l.plotH + (beside || l.legendH === 0 ? 0 : l.legendH + 4) + 16).toBeLessThanOrEqual(h);
      expect(l.plotH).toBeGreaterThan(20);
    }
  });
});

describe('readings', () => {
  const read = (frames: DataFrame[]): { name: string; text: string }[] => readingsOf(prepare(frames, 'dark', 2000).drawn, 'dark');

  it('say the last value of each series with its unit, before it is turned around or stacked', () => {
    const stacking = { mode: 'normal', group: 'A' };
    expect(read([frame('a', [1, 2048], { stacking }, { unit: 'bytes' }), frame('b', [5, 6, null], { stacking }), frame('c', [7], { transform: 'negative-Y' })])).toEqual([
      { name: 'a', text: '2 KiB' }, { name: 'b', text: '6' }, { name: 'c', text: '7' },
    ]);
  });

  it('end where nobody would listen any longer', () => {
    expect(read(Array.from({ length: 30 }, (_, i) => frame(`s${i}`, [i])))).toHaveLength(20);
  });
});
