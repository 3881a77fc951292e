// Answers of Prometheus's API as data frames.
import { createDataFrame, DataFrameType, FieldType, type DataFrame, type Field } from '@grafana/data';

import type { Histogram, Labels, MatrixSeries, QueryData, VectorSample } from '../api/prometheus';
import { Slices } from '../api/slices';
import { interpolate } from '../model/interpolate';
import type { PanelRequest } from '../model/queries';
import { isObject, list, num, object, text } from '../model/read';
import type { Scope } from '../model/scope';

/** Exemplars that are kept of one query. */
const mostExemplars = 5000;

const numberOf = (s: string): number => (s === '+Inf' ? Infinity : s === '-Inf' ? -Infinity : Number(s));

const labelText = (labels: Labels): string => Object.keys(labels).filter((k) => k !== '__name__').sort().map((k) => `${k}=${JSON.stringify(labels[k])}`).join(', ');

/** seriesName writes a series as Prometheus does: name{a="b", c="d"}. */
export function seriesName(labels: Labels): string {
  const inner = labelText(labels);
  const name = labels.__name__ ?? '';
  return inner === '' ? name : `${name}{${inner}}`;
}

/** namer gives the legend of each series of an answer. */
function namer(request: PanelRequest, metrics: Labels[], scope: Scope): (labels: Labels) => string {
  const format = interpolate(request.legendFormat, scope, 'text');
  if (format !== '' && format !== '__auto') {
    return (labels) => format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, key: string) => (Object.hasOwn(labels, key) ? labels[key]! : ''));
  }
  if (format === '__auto') {
    const keys = new Set<string>();
    for (const m of metrics) for (const k of Object.keys(m)) keys.add(k);
    // With one label, its value says all there is to say.
    if (keys.size === 1) {
      const [key] = [...keys];
      return (labels) => labels[key!] ?? request.expr;
    }
    return (labels) => (Object.keys(labels).length === 0 ? request.expr : `{${Object.keys(labels).sort().map((k) => `${k}="${labels[k]}"`).join(', ')}}`);
  }
  return (labels) => seriesName(labels) || request.expr;
}

/** Times shares the list of times between series that have a point at each step, so that joining them costs nothing. */
class Times {
  private readonly known = new Map<string, number[]>();

  of(points: readonly (readonly [number, unknown])[]): number[] {
    const times = points.map((p) => Math.round(p[0] * 1000));
    const key = `${times.length}:${times[0]}:${times[times.length - 1]}`;
    const same = this.known.get(key);
    if (same && same.every((t, i) => t === times[i])) return same;
    this.known.set(key, times);
    return times;
  }
}

interface Meta {
  refId: string;
  step: number;
  expr: string;
  resultType: string;
}

const metaFor = (request: PanelRequest, data: QueryData): Meta => ({ refId: request.refId, step: request.kind === 'range' ? request.step : 0, expr: request.expr, resultType: data.resultType });

const metaOf = (m: Meta, type?: DataFrameType): DataFrame['meta'] => ({ type, executedQueryString: m.expr, custom: { resultType: m.resultType } });

function seriesFrame(name: string, labels: Labels, times: number[], values: number[], m: Meta): DataFrame {
  return {
    refId: m.refId, name, length: times.length, meta: metaOf(m, DataFrameType.TimeSeriesMulti),
    fields: [
      { name: 'Time', type: FieldType.time, values: times, config: m.step > 0 ? { interval: m.step * 1000 } : {} },
      { name: 'Value', type: FieldType.number, values, labels, config: { displayNameFromDS: name } },
    ],
  };
}

/** framesOf makes frames of the answer to a request, in the format that its target asks for. */
export function framesOf(request: PanelRequest, data: QueryData, scope: Scope): DataFrame[] {
  const meta = metaFor(request, data);
  if (data.resultType === 'scalar') {
    const name = namer(request, [{}], scope)({});
    return [seriesFrame(name, {}, [Math.round(data.result[0] * 1000)], [numberOf(data.result[1])], meta)];
  }
  if (data.resultType === 'string') {
    return [{ refId: request.refId, name: request.expr, length: 1, meta: metaOf(meta), fields: [
      { name: 'Time', type: FieldType.time, values: [Math.round(data.result[0] * 1000)], config: {} },
      { name: 'Value', type: FieldType.string, values: [data.result[1]], config: { displayNameFromDS: 'Value' } },
    ] }];
  }
  const series: MatrixSeries[] = data.resultType === 'matrix' ? data.result : (data.result as VectorSample[]).map(asSeries);
  const native = series.filter((s) => (s.histograms?.length ?? 0) > 0);
  const plain = series.filter((s) => (s.values?.length ?? 0) > 0);
  if (request.format === 'table') return [table(request, series, meta)];
  const out = request.format === 'heatmap' ? rows(plain, meta) : lines(request, plain, meta, scope);
  const cells = native.map((s) => nativeCells(s, namer(request, native.map((n) => n.metric), scope)(s.metric), meta));
  return [...out, ...cells];
}

const asSeries = (s: VectorSample): MatrixSeries => ({ metric: s.metric, values: s.value ? [s.value] : undefined, histograms: s.histogram ? [s.histogram] : undefined });

function lines(request: PanelRequest, series: MatrixSeries[], meta: Meta, scope: Scope): DataFrame[] {
  return series.map(liner(request, series, meta, scope));
}

/** liner makes the frame of each of the series. */
function liner(request: PanelRequest, series: MatrixSeries[], meta: Meta, scope: Scope): (s: MatrixSeries) => DataFrame {
  const name = namer(request, series.map((s) => s.metric), scope);
  const times = new Times();
  return (s) => seriesFrame(name(s.metric), s.metric, times.of(s.values!), s.values!.map((p) => numberOf(p[1])), meta);
}

/** framesInSlices gives what framesOf gives, and lets the page answer to the reader between series. */
export async function framesInSlices(request: PanelRequest, data: QueryData, scope: Scope, slices = new Slices()): Promise<DataFrame[]> {
  const plain = data.resultType === 'matrix' && request.format === 'time_series' && data.result.every((s) => s.values?.length && !s.histograms?.length);
  if (!plain) return framesOf(request, data, scope);
  const make = liner(request, data.result, metaFor(request, data), scope);
  const out: DataFrame[] = [];
  for (const s of data.result) {
    out.push(make(s));
    if (slices.spent) await slices.rest();
  }
  return out;
}

/** table has a column for the time, for each label, and for the value. */
function table(request: PanelRequest, series: MatrixSeries[], meta: Meta): DataFrame {
  const keys = [...new Set(series.flatMap((s) => Object.keys(s.metric)))].sort();
  const times: number[] = [];
  const columns = keys.map((): string[] => []);
  const values: (number | null)[] = [];
  const sums: (number | null)[] = [];
  let histograms = false;
  for (const s of series) {
    const points: [number, string | Histogram][] = [...(s.values ?? []), ...(s.histograms ?? [])];
    for (const [at, v] of points) {
      times.push(Math.round(at * 1000));
      keys.forEach((k, i) => columns[i]!.push(s.metric[k] ?? ''));
      values.push(typeof v === 'string' ? numberOf(v) : numberOf(v.count));
      sums.push(typeof v === 'string' ? null : numberOf(v.sum));
      histograms ||= typeof v !== 'string';
    }
  }
  const fields: Field[] = [
    { name: 'Time', type: FieldType.time, values: times, config: {} },
    ...keys.map((name, i): Field => ({ name, type: FieldType.string, values: columns[i]!, config: { filterable: true } })),
    { name: request.valueName, type: FieldType.number, values, config: {} },
    // A native histogram is a count, which is the value, and a sum.
    ...(histograms ? [{ name: request.valueName.replace('Value', 'Sum'), type: FieldType.number, values: sums, config: {} }] : []),
  ];
  return { refId: request.refId, length: times.length, fields, meta: { ...metaOf(meta), preferredVisualisationType: 'table' } };
}

const edgeOf = (le: string | undefined): number => (le === undefined ? NaN : numberOf(le === 'Inf' ? '+Inf' : le));

/** rows is a heatmap of one frame: a column of times and one for each bucket, whose counts are no longer cumulative. */
function rows(series: MatrixSeries[], meta: Meta): DataFrame[] {
  const ordered = series.filter((s) => !Number.isNaN(edgeOf(s.metric.le))).sort((a, b) => edgeOf(a.metric.le) - edgeOf(b.metric.le));
  if (ordered.length === 0) return [];
  // Buckets of several series, which a query forgot to sum, add up.
  const byEdge = new Map<number, { le: string; at: Map<number, number> }>();
  const all = new Set<number>();
  for (const s of ordered) {
    const edge = edgeOf(s.metric.le);
    const row = byEdge.get(edge) ?? { le: s.metric.le!, at: new Map<number, number>() };
    byEdge.set(edge, row);
    for (const [t, v] of s.values!) {
      const ms = Math.round(t * 1000);
      all.add(ms);
      row.at.set(ms, (row.at.get(ms) ?? 0) + numberOf(v));
    }
  }
  const times = [...all].sort((a, b) => a - b);
  const below = new Map<number, number>();
  const fields: Field[] = [...byEdge.values()].map(({ le, at }) => ({
    name: le, type: FieldType.number, labels: { le }, config: { displayNameFromDS: le },
    values: times.map((t) => {
      const total = at.get(t);
      if (total === undefined) return null;
      const count = Math.max(total - (below.get(t) ?? 0), 0);
      below.set(t, total);
      return count;
    }),
  }));
  return [{ refId: meta.refId, name: meta.expr, length: times.length, meta: metaOf(meta, DataFrameType.HeatmapRows), fields: [{ name: 'Time', type: FieldType.time, values: times, config: meta.step > 0 ? { interval: meta.step * 1000 } : {} }, ...fields] }];
}

/** nativeCells is a heatmap of the buckets that native histograms have. */
function nativeCells(s: MatrixSeries, name: string, meta: Meta): DataFrame {
  const xMax: number[] = [];
  const yMin: number[] = [];
  const yMax: number[] = [];
  const count: number[] = [];
  for (const [t, h] of s.histograms!) {
    for (const [, left, right, n] of h.buckets ?? []) {
      xMax.push(Math.round(t * 1000));
      yMin.push(numberOf(left));
      yMax.push(numberOf(right));
      count.push(numberOf(n));
    }
  }
  return {
    refId: meta.refId, name, length: xMax.length, meta: metaOf(meta, DataFrameType.HeatmapCells),
    fields: [
      { name: 'xMax', type: FieldType.time, values: xMax, config: meta.step > 0 ? { interval: meta.step * 1000 } : {} },
      { name: 'yMin', type: FieldType.number, values: yMin, config: {} },
      { name: 'yMax', type: FieldType.number, values: yMax, config: {} },
      { name: 'count', type: FieldType.number, labels: s.metric, values: count, config: { displayNameFromDS: name } },
    ],
  };
}

/** exemplarFrames makes one frame of the data of /query_exemplars. */
export function exemplarFrames(request: PanelRequest, data: unknown): DataFrame[] {
  const found = list(data).filter(isObject).flatMap((s) => list(s.exemplars).filter(isObject).map((e) => ({ series: object(s.seriesLabels), labels: object(e.labels), at: num(e.timestamp), value: text(e.value) })))
    .filter((e) => e.at !== undefined).slice(0, mostExemplars);
  if (found.length === 0) return [];
  found.sort((a, b) => a.at! - b.at!);
  const keys = [...new Set(found.flatMap((e) => [...Object.keys(e.labels), ...Object.keys(e.series)]))];
  return [createDataFrame({
    refId: request.refId, name: 'exemplar', meta: { custom: { resultType: 'exemplar' } },
    fields: [
      { name: 'Time', type: FieldType.time, values: found.map((e) => Math.round(e.at! * 1000)), config: {} },
      { name: 'Value', type: FieldType.number, values: found.map((e) => numberOf(e.value)), config: {} },
      ...keys.map((k) => ({ name: k, type: FieldType.string, values: found.map((e) => text(e.labels[k] ?? e.series[k])), config: {} })),
    ],
  })];
}
