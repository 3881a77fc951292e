// Transformations of time series: to a table of trends, to other layouts, by labels, joined.
import { FieldType, outerJoinDataFrames, reduceField, type DataFrame, type Field } from '@grafana/data';

import { flag, object, text, texts } from '../../model/read';
import { bare, frame, nameOf, numbersOf, timeOf, type Transform } from './kit';

/** append puts the rows of all frames below each other, with the columns of all of them. */
export const append: Transform = (frames) => {
  if (frames.length < 2) return frames;
  const columns = new Map<string, { field: Field; values: unknown[] }>();
  let length = 0;
  for (const f of frames) {
    for (const x of f.fields) {
      const c = columns.get(x.name) ?? { field: bare(x), values: [] };
      columns.set(x.name, c);
      for (let i = c.values.length; i < length; i++) c.values.push(null);
      for (const v of x.values as unknown[]) c.values.push(v);
    }
    length += f.length;
  }
  const fields = [...columns.values()].map(({ field, values }) => {
    for (let i = values.length; i < length; i++) values.push(null);
    return { ...field, values };
  });
  return [frame(fields, { refId: frames[0]!.refId, name: frames[0]!.name })];
};

/** timeSeriesTable makes one row of each series: its labels, and its course as a small chart. */
export const timeSeriesTable: Transform = (frames, options) => {
  const groups = new Map<string, { series: DataFrame; value: Field }[]>();
  const rest: DataFrame[] = [];
  for (const f of frames) {
    const time = timeOf(f);
    const numbers = numbersOf(f);
    if (!time || numbers.length === 0) {
      rest.push(f);
      continue;
    }
    const refId = f.refId ?? '';
    const group = groups.get(refId) ?? [];
    groups.set(refId, group);
    for (const value of numbers) group.push({ series: frame([time, value], { refId, name: f.name, meta: f.meta }), value });
  }
  return [...rest, ...[...groups].map(([refId, group]) => {
    const stat = text(object(options[refId]).stat, 'lastNotNull');
    const keys = [...new Set(group.flatMap((g) => Object.keys(g.value.labels ?? {})))];
    const labels = keys.map((name): Field => ({ name, type: FieldType.string, config: {}, values: group.map((g) => g.value.labels?.[name] ?? '') }));
    const trend: Field = {
      name: groups.size > 1 && refId !== '' ? `Trend #${refId}` : 'Trend', type: FieldType.frame, config: {},
      // A frame with a value is what sorting and the text beside the small chart go by.
      values: group.map((g) => ({ ...g.series, value: (reduceField({ field: bare(g.value), reducers: [stat] }) as Record<string, unknown>)[stat] ?? null })),
    };
    return frame([...labels, trend], { refId });
  })];
};

/** prepareTimeSeries brings series into one of Grafana's layouts: multi (or many), wide, long. */
export const prepareTimeSeries: Transform = (frames, options) => {
  const multi = frames.flatMap(toMulti);
  switch (text(options.format, 'wide')) {
    case 'wide': {
      const joined = multi.length > 1 ? outerJoinDataFrames({ frames: multi }) : multi[0];
      return joined ? [joined] : [];
    }
    case 'long':
      return [toLong(multi)];
    default:
      return multi;
  }
};

/** toMulti gives a frame of time and value for each series; texts in a long table become labels. */
function toMulti(f: DataFrame): DataFrame[] {
  const time = timeOf(f);
  if (!time) return [];
  const words = f.fields.filter((x) => x.type === FieldType.string);
  const numbers = numbersOf(f);
  if (words.length === 0) return numbers.map((n) => frame([time, n], { refId: f.refId, name: f.name, meta: f.meta }));
  const groups = new Map<string, number[]>();
  for (let i = 0; i < f.length; i++) {
    const key = JSON.stringify(words.map((w) => text(w.values[i])));
    const rows = groups.get(key);
    if (rows) rows.push(i);
    else groups.set(key, [i]);
  }
  return [...groups].flatMap(([key, rows]) => {
    const labels = Object.fromEntries((JSON.parse(key) as string[]).map((v, i) => [words[i]!.name, v]));
    return numbers.map((n) => frame([
      { ...time, values: rows.map((i) => time.values[i] as number) },
      bare(n, { labels: { ...n.labels, ...labels }, values: rows.map((i) => n.values[i] as unknown), config: { ...n.config, displayNameFromDS: undefined } }),
    ], { refId: f.refId, name: f.name }));
  });
}

function toLong(multi: DataFrame[]): DataFrame {
  const names = [...new Set(multi.flatMap((f) => f.fields.slice(1).map((x) => x.name)))];
  const keys = [...new Set(multi.flatMap((f) => f.fields.slice(1).flatMap((x) => Object.keys(x.labels ?? {}))))].sort();
  const rows = new Map<string, { time: number; labels: string[]; values: unknown[] }>();
  for (const f of multi) {
    const value = f.fields[1]!;
    const labels = keys.map((k) => value.labels?.[k] ?? '');
    for (let i = 0; i < f.length; i++) {
      const time = f.fields[0]!.values[i] as number;
      const key = JSON.stringify([time, labels]);
      const row = rows.get(key) ?? { time, labels, values: names.map(() => null as unknown) };
      rows.set(key, row);
      row.values[names.indexOf(value.name)] = value.values[i];
    }
  }
  const sorted = [...rows.values()].sort((a, b) => a.time - b.time);
  return frame([
    { name: 'Time', type: FieldType.time, config: {}, values: sorted.map((r) => r.time) },
    ...names.map((name, i): Field => ({ name, type: FieldType.number, config: {}, values: sorted.map((r) => r.values[i]) })),
    ...keys.map((name, i): Field => ({ name, type: FieldType.string, config: {}, values: sorted.map((r) => r.labels[i]) })),
  ], { refId: multi[0]?.refId });
}

/** joinByLabels makes a table with a row for each combination of labels and a column for each value of one label. */
export const joinByLabels: Transform = (frames, options, warn) => {
  const label = text(options.value);
  if (label === '') {
    warn('joinByLabels names no label whose values become columns', 'joinByLabels 未指定用作列的标签');
    return frames;
  }
  const series = frames.flatMap((f) => numbersOf(f).filter((x) => x.labels?.[label] !== undefined));
  if (series.length === 0) {
    warn(`no series has the label ${label}`, `没有序列带有标签 ${label}`);
    return frames;
  }
  const wanted = texts(options.join);
  const keys = wanted.length > 0 ? wanted : [...new Set(series.flatMap((s) => Object.keys(s.labels!)))].filter((k) => k !== label && k !== '__name__');
  const columns = [...new Set(series.map((s) => s.labels![label]!))];
  const rows = new Map<string, Map<string, unknown[]>>();
  for (const s of series) {
    const key = JSON.stringify(keys.map((k) => s.labels![k] ?? ''));
    const row = rows.get(key) ?? new Map<string, unknown[]>();
    rows.set(key, row);
    row.set(s.labels![label]!, s.values as unknown[]);
  }
  const names: string[][] = keys.map(() => []);
  const values: unknown[][] = columns.map(() => []);
  for (const [key, row] of rows) {
    const labels = JSON.parse(key) as string[];
    const length = Math.max(...[...row.values()].map((v) => v.length));
    for (let i = 0; i < length; i++) {
      labels.forEach((v, k) => names[k]!.push(v));
      columns.forEach((c, k) => values[k]!.push(row.get(c)?.[i] ?? null));
    }
  }
  return [frame([
    ...keys.map((name, i): Field => ({ name, type: FieldType.string, config: {}, values: names[i]! })),
    ...columns.map((name, i): Field => ({ name, type: FieldType.number, config: { ...series[0]!.config, displayNameFromDS: undefined }, values: values[i]! })),
  ], { refId: frames[0]!.refId })];
};

/** partitionByValues makes a frame of the rows of each combination of values of some columns. */
export const partitionByValues: Transform = (frames, options, warn) => {
  const wanted = texts(options.fields);
  const keep = flag(options.keepFields);
  const naming = object(options.naming);
  if (wanted.length === 0) return frames;
  return frames.flatMap((f) => {
    const by = f.fields.filter((x) => wanted.includes(x.name) || wanted.includes(nameOf(x, f, frames)));
    if (by.length === 0) return [f];
    const groups = new Map<string, number[]>();
    for (let i = 0; i < f.length; i++) {
      const key = JSON.stringify(by.map((b) => text(b.values[i])));
      const rows = groups.get(key);
      if (rows) rows.push(i);
      else groups.set(key, [i]);
    }
    if (groups.size > 1000) warn('partitionByValues makes more than 1000 parts; the rest is left out', 'partitionByValues 生成超过 1000 个分区，其余已省略');
    return [...groups].slice(0, 1000).map(([key, rows]) => {
      const values = JSON.parse(key) as string[];
      const pairs = values.map((v, i) => [by[i]!.name, v] as const);
      const title = pairs.map(([k, v]) => (flag(naming.withNames) ? `${k}${text(naming.separator1, '=')}${v}` : v)).join(text(naming.separator2, ' '));
      const name = flag(naming.append) && f.name ? `${f.name} ${title}` : title;
      const labels = flag(naming.asLabels) ? Object.fromEntries(pairs) : undefined;
      const fields = f.fields.filter((x) => keep || !by.includes(x)).map((x) => bare(x, { values: rows.map((i) => x.values[i] as unknown), ...(labels ? { labels: { ...x.labels, ...labels } } : {}) }));
      return frame(fields, { refId: f.refId, name: labels ? f.name : name, meta: f.meta });
    });
  });
};
