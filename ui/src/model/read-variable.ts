// Variables as files have them.
import type { DatasourceRef, Filter, Hide, Option, Variable, VariableType } from './dashboard';
import { clip, flag, isObject, num, object, objects, safeKey, text, texts, type Json, type Warnings } from './read';
import { refOf } from './read-datasource';

const types: readonly string[] = ['query', 'datasource', 'custom', 'interval', 'textbox', 'constant', 'adhoc', 'groupby', 'switch', 'system'];

type Inputs = ReadonlyMap<string, DatasourceRef | string>;

export function readVariables(templating: unknown, w: Warnings, most: number, inputs: Inputs): Variable[] {
  const found = objects(object(templating).list);
  if (found.length > most) w.add('templating.list', { en: `more than ${most} variables; the rest is left out`, zh: `变量超过 ${most} 个，其余已省略` });
  const out = new Map<string, Variable>();
  for (const [v, i] of found.slice(0, most)) {
    const path = `templating.list[${i}]`;
    const name = text(v.name);
    if (!/^[\w-]+$/.test(name) || name.length > 200 || !safeKey(name)) {
      w.add(`${path}.name`, { en: `no name for a variable: ${JSON.stringify(clip(name, 40))}; letters, digits and _ make one`, zh: `变量名无效：${JSON.stringify(clip(name, 40))}，请使用字母、数字与下划线` });
      continue;
    }
    if (out.has(name)) {
      w.add(`${path}.name`, { en: `the variable ${name} is there twice; the first one counts`, zh: `变量 ${name} 重复，以第一个为准` });
      continue;
    }
    out.set(name, read(v, name, path, w, inputs));
  }
  return [...out.values()];
}

function read(v: Json, name: string, path: string, w: Warnings, inputs: Inputs): Variable {
  const given = text(v.type, 'query');
  const type = (types.includes(given) ? given : given === 'filters' || given === 'filter' ? 'adhoc' : 'unknown') as VariableType;
  if (type === 'unknown') w.add(`${path}.type`, { en: `no such type of variable: ${clip(given)}; it keeps the value that it was saved with`, zh: `未知变量类型：${clip(given)}，保留已保存的值` });
  const fill = (s: string): string => s.replace(/\$\{(\w+)\}/g, (all, key: string) => {
    const input = inputs.get(key);
    return typeof input === 'string' ? input : all;
  });
  const queryObject = isObject(v.query) ? v.query : undefined;
  const query = fill(queryObject ? text(queryObject.query) || text(queryObject.expr) : text(v.query) || text(v.definition));
  const current = object(v.current);
  const value = texts(current.value).map(fill);
  const shown = texts(current.text).map(fill);
  const datasource = refOf(v.datasource);
  const input = /^\$\{(\w+)\}$/.exec(datasource.uid);
  const ref = input ? inputs.get(input[1]!) : undefined;
  return {
    name, type, query, queryObject,
    label: text(v.label),
    description: text(v.description),
    hide: hideOf(v.hide),
    datasource: typeof ref === 'object' ? { uid: '', type: ref.type } : datasource,
    regex: text(v.regex),
    regexApplyTo: v.regexApplyTo === 'text' ? 'text' : 'value',
    sort: Math.min(Math.max(Math.trunc(num(v.sort) ?? 0), 0), 8),
    refresh: v.refresh === true ? 1 : Math.min(Math.max(Math.trunc(num(v.refresh) ?? 0), 0), 2),
    multi: flag(v.multi) || object(v.multi).value === true,
    includeAll: flag(v.includeAll),
    allValue: typeof v.allValue === 'string' && v.allValue !== '' ? v.allValue : undefined,
    allowCustomValue: flag(v.allowCustomValue, true),
    auto: flag(v.auto),
    autoCount: Math.min(Math.max(Math.trunc(num(v.auto_count) ?? 30), 1), 500),
    autoMin: text(v.auto_min, '10s') || '10s',
    filters: filtersOf(Array.isArray(v.filters) ? v.filters : v.defaultFilters),
    // Files before schema 26 had the text "All" and the value "$__all" or the text alone.
    current: { value: value.length > 0 ? value : shown, text: shown.length > 0 ? shown : value },
    options: optionsOf(v, type, fill),
    skipUrlSync: flag(v.skipUrlSync),
  };
}

function hideOf(v: unknown): Hide {
  if (v === 1 || v === 'hideLabel') return 'label';
  if (v === 2 || v === true || v === 'hideVariable') return 'variable';
  return 'none';
}

function optionsOf(v: Json, type: VariableType, fill: (s: string) => string): Option[] {
  if (type === 'switch') {
    const on = text(v.enabledValue, 'true');
    const off = text(v.disabledValue, 'false');
    return [{ text: on, value: on }, { text: off, value: off }];
  }
  return objects(v.options).slice(0, 10_000).flatMap(([o]): Option[] => {
    const value = texts(o.value)[0];
    return value === undefined ? [] : [{ value: fill(value), text: fill(text(o.text, value)) }];
  });
}

const operators = new Set(['=', '!=', '=~', '!~', '=|', '!=|', '<', '>', '<=', '>=']);

export function filtersOf(v: unknown): Filter[] {
  return objects(v).slice(0, 100).flatMap(([f]): Filter[] => {
    const key = text(f.key);
    const operator = text(f.operator, '=');
    if (key === '' || !operators.has(operator)) return [];
    const values = texts(f.values);
    return [{ key, operator: operator as Filter['operator'], value: text(f.value) || (values[0] ?? ''), values: values.length > 0 ? values : [text(f.value)] }];
  });
}
