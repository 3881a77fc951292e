// Counts of values by time and size, for the transformation and for panels that count themselves.
import { DataFrameType, FieldType } from '@grafana/data';

import { atLeast, roundInterval } from '../../model/interval';
import { num, object, text } from '../../model/read';
import { frame, numbersOf, timeOf, type Transform } from './kit';

/** Cells of a computed heatmap; more than a screen has pixels to show. */
const mostCells = 500_000;

interface Scale {
  /** The bucket of a value, and where a bucket begins. */
  of: (v: number) => number;
  low: (bucket: number) => number;
}

const linear = (size: number): Scale => ({ of: (v) => Math.floor(v / size), low: (b) => b * size });

function logarithmic(base: number, parts: number): Scale {
  const step = Math.log(base) / parts;
  // A power of the base is the beginning of a bucket, also where its logarithm falls short by a rounding.
  return { of: (v) => Math.floor(Math.log(v) / step + 1e-9), low: (b) => Math.exp(b * step) };
}

function nice(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 2.5, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
}

/** heatmap counts how many values of the series fall into each cell of time and value. */
export const heatmap: Transform = (frames, options, warn) => {
  const [x, y] = [object(options.xBuckets), object(options.yBuckets)];
  const isLog = text(object(y.scale).type) === 'log';
  const points: [x: number, y: number][] = [];
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const f of frames) {
    const time = timeOf(f);
    if (!time) continue;
    for (const n of numbersOf(f)) {
      for (let i = 0; i < f.length; i++) {
        const [at, v] = [time.values[i] as number, n.values[i] as unknown];
        // A logarithm has no place for what is not above zero.
        if (typeof v !== 'number' || !Number.isFinite(v) || (isLog && v <= 0)) continue;
        points.push([at, v]);
        x0 = Math.min(x0, at); x1 = Math.max(x1, at); y0 = Math.min(y0, v); y1 = Math.max(y1, v);
      }
    }
  }
  if (points.length === 0) return [];
  const xSize = text(x.mode) === 'size' ? (atLeast(text(x.value)) ?? roundInterval((x1 - x0) / 30)) : roundInterval((x1 - x0) / (num(x.value) ?? 30) || 1000);
  const ySize = text(y.mode) === 'size' ? num(y.value) : undefined;
  const yScale = isLog ? logarithmic(num(object(y.scale).log) === 10 ? 10 : 2, Math.min(Math.max(num(y.value) ?? 1, 1), 20)) : linear(ySize && ySize > 0 ? ySize : nice((y1 - y0) / (num(y.value) ?? 20) || 1));
  const [left, low] = [Math.floor(x0 / xSize), yScale.of(y0)];
  const [columns, rows] = [Math.floor(x1 / xSize) - left + 1, yScale.of(y1) - low + 1];
  if (columns * rows > mostCells) {
    warn(`the heatmap has more than ${mostCells} cells; choose larger buckets`, `热力图超过 ${mostCells} 个单元，请增大桶`);
    return [];
  }
  // Cells without a value are there too, so that rows and columns lie where their values do.
  const counts = new Array<number>(columns * rows).fill(0);
  for (const [at, v] of points) counts[(Math.floor(at / xSize) - left) * rows + yScale.of(v) - low]!++;
  const row = (i: number): number => low + (i % rows);
  const source = frames.flatMap((f) => numbersOf(f))[0]!;
  return [frame([
    { name: 'xMin', type: FieldType.time, config: { interval: xSize }, values: counts.map((_, i) => (left + Math.floor(i / rows)) * xSize) },
    { name: 'yMin', type: FieldType.number, config: { unit: source.config.unit }, values: counts.map((_, i) => yScale.low(row(i))) },
    { name: 'yMax', type: FieldType.number, config: { unit: source.config.unit }, values: counts.map((_, i) => yScale.low(row(i) + 1)) },
    { name: 'count', type: FieldType.number, config: { unit: 'short' }, values: counts },
  ], { refId: frames[0]!.refId, meta: { type: DataFrameType.HeatmapCells } })];
};
