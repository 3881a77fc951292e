// Field options: how values look. Thresholds, mappings and overrides of every
// age are brought into the shape that @grafana/data works with.
import type { ConfigOverrideRule, DataLink, FieldConfigSource, Threshold, ValueMapping } from '@grafana/data';

import { given, isObject, list, num, object, objects, safeKey, text, type Json, type Warnings } from '../read';
import { readLink } from '../read-link';

/** Steps and mappings that a panel may have; no real one comes near. */
const most = 500;

export interface Thresholds extends Json {
  mode: 'absolute' | 'percentage';
  steps: Threshold[];
}

/** stepsOf orders steps and lets the first one begin at minus infinity, which JSON writes as null. */
export function stepsOf(v: unknown): Threshold[] {
  const steps = objects(v).slice(0, most).map(([s, i]): Threshold => ({ value: s.value === null || s.value === undefined || i === 0 && num(s.value) === undefined ? -Infinity : (num(s.value) ?? -Infinity), color: text(s.color, 'green') }));
  steps.sort((a, b) => a.value - b.value);
  if (steps[0]) steps[0].value = -Infinity;
  return steps;
}

function thresholds(v: unknown): Thresholds | undefined {
  // Grafana 6.0 to 6.2 had the bare list.
  if (Array.isArray(v)) return { mode: 'absolute', steps: stepsOf(v) };
  if (!isObject(v)) return undefined;
  return { mode: v.mode === 'percentage' ? 'percentage' : 'absolute', steps: stepsOf(v.steps) };
}

/** colouredSteps makes steps of the "50,80" and the list of colours that panels before Grafana 6 have. */
export function colouredSteps(borders: unknown, colors: unknown): Threshold[] {
  const cs = list(colors).map((c) => text(c));
  const at = (Array.isArray(borders) ? borders.map((b) => text(b)) : text(borders).split(',')).map((s) => num(s)).filter((n): n is number => n !== undefined);
  if (cs.length === 0) return [];
  return [-Infinity, ...at].slice(0, Math.max(cs.length, 1)).map((value, i) => ({ value, color: cs[Math.min(i, cs.length - 1)]! }));
}

type Special = 'true' | 'false' | 'null' | 'nan' | 'null+nan' | 'empty';

/** mappings reads today's mappings and those before Grafana 8, which numbered their types. */
export function mappings(v: unknown): ValueMapping[] {
  const out: Json[] = [];
  const values: Record<string, Json> = {};
  for (const [m, index] of objects(v).slice(0, most)) {
    const options = object(m.options);
    switch (m.type) {
      case 'value': {
        const kept: Json = {};
        for (const [k, r] of Object.entries(options)) if (safeKey(k) && isObject(r)) kept[k] = result(r, index);
        out.push({ type: 'value', options: kept });
        break;
      }
      case 'range':
        out.push({ type: 'range', options: { from: num(options.from) ?? null, to: num(options.to) ?? null, result: result(object(options.result), index) } });
        break;
      case 'regex':
        out.push({ type: 'regex', options: { pattern: text(options.pattern), result: result(object(options.result), index) } });
        break;
      case 'special':
        out.push({ type: 'special', options: { match: special(text(options.match)), result: result(object(options.result), index) } });
        break;
      case 2:
      case '2':
        out.push(range(m, index));
        break;
      case 1:
      case '1':
      case undefined: {
        const key = text(m.value);
        if (key === 'null') out.push({ type: 'special', options: { match: 'null', result: result(m, index) } });
        else if (key !== '' && safeKey(key)) values[key] ??= result(m, index);
        break;
      }
      default:
    }
  }
  if (Object.keys(values).length > 0) out.unshift({ type: 'value', options: values });
  return out as unknown as ValueMapping[];
}

const special = (match: string): Special => (['true', 'false', 'null', 'nan', 'null+nan', 'empty'].includes(match) ? (match as Special) : 'null');

const result = (r: Json, index: number): Json => given({ text: r.text === undefined || r.text === null ? undefined : text(r.text), color: typeof r.color === 'string' ? r.color : undefined, icon: typeof r.icon === 'string' ? r.icon : undefined, index: num(r.index) ?? index });

function range(m: Json, index: number): Json {
  if (text(m.from) === 'null' && text(m.to) === 'null') return { type: 'special', options: { match: 'null', result: result(m, index) } };
  return { type: 'range', options: { from: num(m.from) ?? null, to: num(m.to) ?? null, result: result(m, index) } };
}

/** oldMappings reads the two lists of singlestat and of the old table, of which mappingType says which is in force. */
export function oldMappings(p: Json): ValueMapping[] {
  const values = objects(p.valueMaps).map(([m]) => ({ ...m, type: 1 }));
  const ranges = objects(p.rangeMaps).map(([m]) => ({ ...m, type: 2 }));
  const kind = num(p.mappingType);
  return mappings(kind === 2 ? ranges : kind === 1 || values.length > 0 ? values : ranges);
}

function links(v: unknown, path: string, w: Warnings): DataLink[] {
  return objects(v).slice(0, 50).flatMap(([l, i]): DataLink[] => {
    const link = readLink({ type: 'link', ...l }, `${path}[${i}]`, w);
    return link ? [{ ...link, ...(l.oneClick === true ? { oneClick: true } : {}) }] : [];
  });
}

/** readField reads what holds for all fields, or what one override says. */
function readDefaults(v: unknown, path: string, w: Warnings): Json {
  const d: Json = { ...object(v) };
  for (const key of Object.keys(d)) if (!safeKey(key) || d[key] === null) delete d[key];
  for (const key of ['min', 'max', 'decimals', 'interval']) if (key in d) d[key] = num(d[key]);
  for (const key of ['unit', 'displayName', 'noValue', 'description', 'displayNameFromDS', 'path']) if (key in d) d[key] = text(d[key]);
  // Grafana 6 called the display name a title.
  if (typeof d.title === 'string' && d.displayName === undefined) d.displayName = d.title;
  delete d.title;
  if ('thresholds' in d) d.thresholds = thresholds(d.thresholds);
  if ('mappings' in d) d.mappings = mappings(d.mappings);
  if ('links' in d) d.links = links(d.links, `${path}.links`, w);
  if ('color' in d) d.color = color(d.color);
  // Actions send requests to wherever a file says: they are not taken over.
  delete d.actions;
  d.custom = Object.fromEntries(Object.entries(object(d.custom)).filter(([k, x]) => safeKey(k) && x !== null));
  return given(d);
}

function color(v: unknown): Json | undefined {
  if (typeof v === 'string') return { mode: 'fixed', fixedColor: v };
  if (!isObject(v)) return undefined;
  return given({ ...v, mode: text(v.mode, 'thresholds'), fixedColor: typeof v.fixedColor === 'string' ? v.fixedColor : undefined });
}

function override(v: Json, path: string, w: Warnings): ConfigOverrideRule[] {
  const matcher = object(v.matcher);
  const id = text(matcher.id);
  if (id === '') {
    w.add(`${path}.matcher`, { en: 'an override without a matcher is left out', zh: '缺少 matcher 的覆盖项已省略' });
    return [];
  }
  const properties = objects(v.properties).slice(0, most).flatMap(([p, i]) => {
    const name = text(p.id);
    if (name === '' || name.split('.').some((part) => !safeKey(part)) || name === 'actions') return [];
    const at = `${path}.properties[${i}]`;
    const value: unknown = name === 'thresholds' ? thresholds(p.value)
      : name === 'mappings' ? mappings(p.value)
        : name === 'links' ? links(p.value, `${at}.value`, w)
          : name === 'color' ? color(p.value)
            : p.value;
    return [{ id: name === 'title' ? 'displayName' : name, value }];
  });
  return [{ matcher: { id, options: matcher.options, ...(typeof matcher.scope === 'string' ? { scope: matcher.scope } : {}) }, properties } as ConfigOverrideRule];
}

/** Panels whose series have colours of their own where a file says nothing; the others go by thresholds. */
const bySeries = new Set(['timeseries', 'barchart', 'piechart', 'histogram', 'trend', 'xychart', 'candlestick']);
/** Panels that have no values of their own. */
const plain = new Set(['row', 'text', 'dashlist', 'alertlist']);

/** colored fills in what Grafana's panels begin with, where a file, written by hand or by a library, says nothing. */
function colored(type: string, d: Json): Json {
  if (plain.has(type)) return d;
  return {
    ...d,
    color: d.color ?? { mode: bySeries.has(type) ? 'palette-classic' : type === 'state-timeline' ? 'continuous-GrYlRd' : 'thresholds' },
    thresholds: d.thresholds ?? { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] },
  };
}

export function readFieldConfig(v: unknown, path: string, w: Warnings, type = ''): FieldConfigSource {
  const c = object(v);
  return {
    defaults: colored(type, readDefaults(c.defaults, `${path}.defaults`, w)),
    overrides: objects(c.overrides).slice(0, most).flatMap(([o, i]) => override(o, `${path}.overrides[${i}]`, w)),
  };
}
