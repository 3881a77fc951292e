// Transformations that compute: regression, extractFields.
import { FieldType, type DataFrame, type Field } from '@grafana/data';

import { flag, isObject, num, objects, safeKey, text, type Json } from '../../model/read';
import { isSafe, safeRegex } from '../../model/regex';
import { bare, frame, nameOf, numbersOf, timeOf, type Transform } from './kit';

/** solve is Gaussian elimination with pivots; undefined where the points lie on too few places. */
function solve(a: number[][], b: number[]): number[] | undefined {
  const n = b.length;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(a[r]![c]!) > Math.abs(a[pivot]![c]!)) pivot = r;
    if (Math.abs(a[pivot]![c]!) < 1e-12) return undefined;
    [a[c], a[pivot]] = [a[pivot]!, a[c]!];
    [b[c], b[pivot]] = [b[pivot]!, b[c]!];
    for (let r = c + 1; r < n; r++) {
      const k = a[r]![c]! / a[c]![c]!;
      for (let j = c; j < n; j++) a[r]![j]! -= k * a[c]![j]!;
      b[r]! -= k * b[c]!;
    }
  }
  for (let c = n - 1; c >= 0; c--) {
    for (let j = c + 1; j < n; j++) b[c]! -= a[c]![j]! * b[j]!;
    b[c]! /= a[c]![c]!;
  }
  return b;
}

/** regression adds the line or polynomial of least squares through a field. */
export const regression: Transform = (frames, options, warn) => {
  const pick = (name: string, otherwise: (f: DataFrame) => Field | undefined): [DataFrame, Field] | undefined => {
    for (const f of frames) {
      const found = name === '' ? otherwise(f) : f.fields.find((x) => nameOf(x, f, frames) === name || x.name === name);
      if (found) return [f, found];
    }
    return undefined;
  };
  const y = pick(text(options.yFieldName), (f) => numbersOf(f)[0]);
  const x = y && (y[0].fields.find((f) => text(options.xFieldName) !== '' && (nameOf(f, y[0], frames) === text(options.xFieldName) || f.name === text(options.xFieldName))) ?? timeOf(y[0]) ?? numbersOf(y[0]).find((f) => f !== y[1]));
  if (!y || !x) {
    warn('the regression finds no fields for x and y', '回归未找到 x 与 y 字段');
    return frames;
  }
  const points = (x.values as unknown[]).map((v, i) => [v, y[1].values[i] as unknown] as const).filter((p): p is readonly [number, number] => typeof p[0] === 'number' && typeof p[1] === 'number' && Number.isFinite(p[0]) && Number.isFinite(p[1]));
  if (points.length < 2) return frames;
  const degree = text(options.modelType) === 'polynomial' ? Math.min(Math.max(Math.trunc(num(options.degree) ?? 2), 1), 5) : 1;
  const [first, last] = [Math.min(...ends(points, Math.min)), Math.max(...ends(points, Math.max))];
  // x is brought to 0…1, because powers of milliseconds since 1970 exceed what numbers hold.
  const unit = (v: number): number => (last === first ? 0 : (v - first) / (last - first));
  const a = Array.from({ length: degree + 1 }, () => new Array<number>(degree + 1).fill(0));
  const b = new Array<number>(degree + 1).fill(0);
  for (const [px, py] of points) {
    const u = unit(px);
    for (let i = 0; i <= degree; i++) {
      b[i]! += py * u ** i;
      for (let j = 0; j <= degree; j++) a[i]![j]! += u ** (i + j);
    }
  }
  const k = solve(a, b);
  if (!k) {
    warn('the regression has too few different values of x', '回归的 x 取值过少');
    return frames;
  }
  const count = Math.min(Math.max(Math.trunc(num(options.predictionCount) ?? 100), 2), 10_000);
  const xs = Array.from({ length: count }, (_, i) => first + ((last - first) * i) / (count - 1));
  const name = degree === 1 ? 'Linear regression' : 'Polynomial regression';
  return [...frames, frame([
    bare(x, { values: xs, labels: undefined }),
    { name, type: FieldType.number, config: { ...y[1].config, displayName: undefined, displayNameFromDS: name }, values: xs.map((v) => k.reduce((sum, c, i) => sum + c * unit(v) ** i, 0)) },
  ], { name, refId: y[0].refId })];
};

const ends = (points: readonly (readonly [number, number])[], f: (...v: number[]) => number): number[] => [points.reduce((m, p) => f(m, p[0]), points[0]![0])];

/** extractFields reads JSON, key=value pairs, or parts of a text into columns. */
export const extractFields: Transform = (frames, options, warn) => {
  const source = text(options.source);
  if (source === '') return frames;
  const format = text(options.format, 'auto');
  const re = format === 'regexp' ? safeRegex(text(options.regExp, '/(?<NewField>.*)/'), 'whole') : undefined;
  if (re && !isSafe(re)) {
    warn(`extractFields: ${re.en}`, `extractFields：${re.zh}`);
    return frames;
  }
  const paths = objects(options.jsonPaths).map(([p]) => ({ path: text(p.path), alias: text(p.alias) })).filter((p) => p.path !== '');
  return frames.map((f) => {
    const from = f.fields.find((x) => x.name === source || nameOf(x, f, frames) === source);
    if (!from) return f;
    const columns = new Map<string, unknown[]>();
    for (let i = 0; i < f.length; i++) {
      const row = extract(from.values[i] as unknown, format, re && isSafe(re) ? re : undefined, text(options.delimiter, ','));
      const wanted: Json = format === 'json' && paths.length > 0 ? Object.fromEntries(paths.map((p) => [p.alias || p.path, at(row, p.path)])) : row;
      for (const [k, v] of Object.entries(wanted)) {
        if (!safeKey(k)) continue;
        let c = columns.get(k);
        if (!c) {
          if (columns.size >= 1000) continue;
          columns.set(k, (c = new Array<unknown>(f.length).fill(null)));
        }
        c[i] = v;
      }
    }
    const fields = [...columns].map(([name, values]): Field => {
      const known = values.filter((v) => v !== null && v !== undefined);
      const numeric = known.length > 0 && known.every((v) => typeof v === 'number');
      const type = numeric ? FieldType.number : known.every((v) => typeof v === 'boolean') && known.length > 0 ? FieldType.boolean : known.some((v) => typeof v === 'object') ? FieldType.other : FieldType.string;
      return { name, type, config: {}, values };
    });
    const kept = flag(options.replace) ? f.fields.filter((x) => flag(options.keepTime) && x.type === FieldType.time) : f.fields;
    return frame([...kept, ...fields], { refId: f.refId, name: f.name, meta: f.meta });
  });
};

function at(v: unknown, path: string): unknown {
  let now: unknown = v;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const k = key ?? index!;
    if (Array.isArray(now)) now = now[Number(k)];
    else if (isObject(now) && Object.hasOwn(now, k)) now = now[k];
    else return null;
  }
  return now;
}

function json(v: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(v);
    return isObject(parsed) ? parsed : Array.isArray(parsed) ? { ...parsed } as unknown as Json : undefined;
  } catch {
    return undefined; // not JSON: the other formats are tried
  }
}

function extract(v: unknown, format: string, re: { re: RegExp; mostInput: number } | undefined, delimiter: string): Json {
  if (typeof v === 'object' && v !== null) return v as Json;
  const s = text(v).slice(0, 100_000);
  switch (format) {
    case 'json':
      return json(s) ?? {};
    case 'regexp': {
      if (!re || s.length > re.mostInput) return {};
      re.re.lastIndex = 0;
      return { ...re.re.exec(s)?.groups };
    }
    case 'delimiter':
      return Object.fromEntries(s.split(delimiter || ',').map((x) => x.trim()).filter((x) => x !== '').map((x) => [x, 1]));
    case 'kvp':
      return pairs(s);
    default:
      return json(s) ?? pairs(s);
  }
}

/** pairs reads a=b, "a":"b" and a:b, separated by blanks, commas, semicolons or ampersands. */
function pairs(s: string): Json {
  const out: Json = {};
  for (const m of s.matchAll(/(?:"([^"]*)"|([^\s,;&={}[\]":]+))\s?[=:]\s?(?:"([^"]*)"|([^\s,;&{}[\]"]*))/g)) {
    const key = m[1] ?? m[2]!;
    const value = m[3] ?? m[4] ?? '';
    if (safeKey(key)) out[key] = m[3] === undefined && value !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return out;
}
