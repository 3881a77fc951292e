// Variables: what they need, what they may be, what they are.
import type { QueryData } from '../api/prometheus';
import { duration, type Range } from '../time/range';
import type { DatasourceRef, Filter, Option, Variable, Warning } from './dashboard';
import { interpolate, prometheusFormat } from './interpolate';
import { atLeast, defaultScrape, rateIntervalOf } from './interval';
import { isObject, list, num, object, text, texts } from './read';
import { isSafe, safeRegex } from './regex';
import { allKey, type Current, type Scope, type Values } from './scope';
import { filtersOf } from './read-variable';

/** Options that are kept; no list is read further. */
export const mostOptions = 20_000;

export interface ApiRequest {
  /** Below /api/v1, such as "/label/job/values". */
  path: string;
  params: Record<string, string | string[]>;
}

export type VariableQuery =
  /** Its options follow from the file alone: call optionsFrom with undefined. */
  | { kind: 'none' }
  /** Call optionsFrom with the list of data sources. */
  | { kind: 'datasources' }
  /** The answer's data goes to optionsFrom. */
  | ({ kind: 'label_values' | 'label_names' | 'metrics' | 'query_result'; datasource: DatasourceRef } & ApiRequest)
  | { kind: 'unsupported'; datasource: DatasourceRef; warning: Warning };

export interface SourceInfo {
  uid: string;
  name: string;
  type: string;
  default?: boolean;
  /** How often it scrapes, such as "30s", where that is known. */
  interval?: string;
  /** Whether it stands in for one that is not there. */
  fallback?: boolean;
}

/** scrapeOf is how often a source scrapes, in milliseconds. */
export const scrapeOf = (source: SourceInfo | undefined): number => atLeast(source?.interval ?? '') ?? defaultScrape;

// --- order -----------------------------------------------------------------------------------

const nameIn = (s: string): Set<string> => new Set([...s.matchAll(/\$\{?(\w+)|\[\[(\w+)/g)].map((m) => (m[1] ?? m[2])!));

/** dependsOn names the variables of the list that one names. */
export function dependsOn(v: Variable, all: readonly Variable[]): string[] {
  const named = nameIn([v.query, v.queryObject ? JSON.stringify(v.queryObject) : '', v.regex, v.datasource.uid, v.type === 'custom' ? '' : (v.allValue ?? '')].join('\n'));
  return all.filter((o) => o.name !== v.name && named.has(o.name)).map((o) => o.name);
}

/** variableOrder sorts variables so that each comes after those that it names. Those of one level may be loaded in parallel. */
export function variableOrder(variables: Variable[]): { levels: Variable[][]; warnings: Warning[] } {
  const waiting = new Map(variables.map((v) => [v.name, new Set(dependsOn(v, variables))]));
  const byName = new Map(variables.map((v) => [v.name, v]));
  const levels: Variable[][] = [];
  const warnings: Warning[] = [];
  while (waiting.size > 0) {
    let ready = [...waiting].filter(([, needs]) => needs.size === 0).map(([name]) => name);
    if (ready.length === 0) {
      const circle = circleIn(waiting);
      const shown = [...circle, circle[0]].join(' → ');
      warnings.push({ path: 'templating.list', en: `variables need each other in a circle: ${shown}; ${circle[0]} is loaded as if the others were empty`, zh: `变量循环依赖：${shown}；${circle[0]} 按其他变量为空加载` });
      ready = [circle[0]!];
    }
    levels.push(ready.map((name) => byName.get(name)!));
    for (const name of ready) waiting.delete(name);
    for (const needs of waiting.values()) for (const name of ready) needs.delete(name);
  }
  return { levels, warnings };
}

function circleIn(waiting: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const path: string[] = [];
  let at = waiting.keys().next().value!;
  while (!path.includes(at)) {
    path.push(at);
    at = waiting.get(at)!.values().next().value!;
  }
  return path.slice(path.indexOf(at));
}

// --- requests --------------------------------------------------------------------------------

const seconds = (r: Range): { start: string; end: string } => ({ start: String(Math.floor(r.from / 1000)), end: String(Math.ceil(r.to / 1000)) });

/** splitLabel separates the selector from the label of label_values(selector, label): the label is behind the last comma outside of braces. */
function splitLabel(inner: string): { match: string; label: string } {
  let depth = 0;
  let quote = '';
  let comma = -1;
  for (let i = 0; i < inner.length; i++) {
    const c = inner[i]!;
    if (quote !== '') {
      if (c === '\\' && quote !== '`') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'" || c === '`') quote = c;
    else if ('{(['.includes(c)) depth++;
    else if ('})]'.includes(c)) depth--;
    else if (c === ',' && depth === 0) comma = i;
  }
  if (comma < 0) return { match: '', label: inner.trim() };
  return { match: inner.slice(0, comma).trim(), label: inner.slice(comma + 1).trim() };
}

/** classic writes the object of the query editor as the text that it stands for. */
function classic(v: Variable): string {
  const o = v.queryObject;
  if (!o || v.query.trim() !== '') return v.query;
  const filters = list(o.labelFilters).filter(isObject).map((f) => `${text(f.label)}${text(f.op, '=')}"${text(f.value)}"`).join(',');
  const metric = text(o.metric) + (filters === '' ? '' : `{${filters}}`);
  switch (num(o.qryType)) {
    case 0: return text(o.match) === '' ? 'label_names()' : `label_names(${text(o.match)})`;
    case 1: return metric === '' ? `label_values(${text(o.label)})` : `label_values(${metric},${text(o.label)})`;
    case 2: return `metrics(${text(o.metric, '.*')})`;
    case 3: return `query_result(${text(o.varQuery)})`;
    case 4: return text(o.seriesQuery);
    default: return text(o.label) === '' ? '' : metric === '' ? `label_values(${text(o.label)})` : `label_values(${metric},${text(o.label)})`;
  }
}

const api = (kind: 'label_values' | 'label_names' | 'metrics' | 'query_result', v: Variable, path: string, params: ApiRequest['params']): VariableQuery => ({ kind, datasource: v.datasource, path, params });

/** queryOf tells what a variable's options come from. scrape is how often its source scrapes, in milliseconds, from which steps follow where there is no panel. */
export function queryOf(v: Variable, outer: Scope, scrape = defaultScrape): VariableQuery {
  const scope: Scope = { ...outer, interval: scrape, rateInterval: rateIntervalOf(scrape, scrape) };
  if (v.type === 'datasource') return { kind: 'datasources' };
  if (v.type === 'adhoc' || v.type === 'groupby') return api('label_names', v, '/labels', seconds(scope.range));
  if (v.type !== 'query') return { kind: 'none' };
  const written = classic(v).trim();
  const unsupported = (en: string, zh: string): VariableQuery => ({ kind: 'unsupported', datasource: v.datasource, warning: { path: `$${v.name}`, en, zh } });
  if (v.datasource.type !== '' && v.datasource.type !== 'prometheus' && !/prometheus|mimir|thanos|victoria/i.test(v.datasource.type)) {
    return unsupported(`its values come from a source of the type ${v.datasource.type}, which is not read here`, `其取值来自 ${v.datasource.type} 类型的数据源，此处不支持`);
  }
  if (written === '') return unsupported('it has no query', '没有查询语句');
  const of = /^(label_values|label_names|metrics|query_result)\s*\(([\s\S]*)\)\s*;?$/.exec(written);
  const inner = of ? interpolate(of[2]!, scope, prometheusFormat).trim() : '';
  switch (of?.[1]) {
    case 'label_names':
      return api('label_names', v, '/labels', { ...(inner === '' ? {} : { 'match[]': inner }), ...seconds(scope.range) });
    case 'metrics':
      return api('metrics', v, '/label/__name__/values', seconds(scope.range));
    case 'query_result':
      return inner === '' ? unsupported('query_result() has no expression', 'query_result() 缺少表达式') : api('query_result', v, '/query', { query: inner, time: String(Math.ceil(scope.range.to / 1000)) });
    case 'label_values': {
      const { match, label } = splitLabel(inner);
      if (label === '') return unsupported('label_values() names no label', 'label_values() 未指定标签');
      const name = label.replace(/^["'`]|["'`]$/g, '');
      // A bare {} selects everything, which Prometheus refuses as a selector; without one it means the same.
      const everything = match === '' || /^\{\s*\}$/.test(match);
      return api('label_values', v, `/label/${encodeURIComponent(labelPath(name))}/values`, { ...(everything ? {} : { 'match[]': match }), ...seconds(scope.range) });
    }
    default:
      // Whatever else is written there is an expression whose series are the options.
      return api('query_result', v, '/series', { 'match[]': interpolate(written, scope, prometheusFormat), ...seconds(scope.range) });
  }
}

/** labelPath escapes names that stand outside of what Prometheus takes in a path, in the way that it reads. */
const labelPath = (name: string): string => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : `U__${[...name].map((c) => (/[a-zA-Z0-9]/.test(c) ? c : c === '_' ? '__' : `_${c.codePointAt(0)!.toString(16)}_`)).join('')}`);

// --- options ---------------------------------------------------------------------------------

const same = (s: string): Option => ({ text: s, value: s });

/** seriesText writes a series as Grafana does: name{a="b"}. */
const seriesText = (metric: Record<string, string>): string => {
  const { __name__: name = '', ...labels } = metric;
  return `${name}{${Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(',')}}`;
};

/** resultTexts are what query_result gives: the series, its value and its time in milliseconds. */
function resultTexts(data: unknown): string[] {
  const d = object(data) as unknown as QueryData;
  if (d.resultType === 'scalar' || d.resultType === 'string') return [text(list(d.result)[1])];
  return list((d as { result: unknown }).result).slice(0, mostOptions).filter(isObject).map((s) => {
    const [at, value] = list(s.value);
    return `${seriesText(object(s.metric) as Record<string, string>)} ${text(value)} ${Math.round((num(at) ?? 0) * 1000)}`;
  });
}

/** splitCustom reads "a, b : 2, c\, d". */
export function splitCustom(query: string): Option[] {
  const parts = query.match(/(?:\\,|[^,])+/g) ?? [];
  return parts.slice(0, mostOptions).map((p) => p.replace(/\\,/g, ',').trim()).filter((p) => p !== '').map((p) => {
    const pair = /^\s*(.+)\s:\s(.+)$/s.exec(p);
    return pair ? { text: pair[1]!.trim(), value: pair[2]!.trim() } : same(p);
  });
}

/** jsonOptions reads a list of texts or of {text, value}; undefined where it is none. */
function jsonOptions(s: string): Option[] | undefined {
  if (!/^\s*\[/.test(s)) return undefined;
  try {
    const v: unknown = JSON.parse(s);
    return list(v).slice(0, mostOptions).flatMap((o): Option[] => {
      if (!isObject(o)) return texts([o]).map(same);
      const value = text(o.value, text(o.text));
      return value === '' && text(o.text) === '' ? [] : [{ text: text(o.text, value), value }];
    });
  } catch {
    return undefined;
  }
}

/** optionsFrom makes options of the answer to what queryOf asked. */
export function optionsFrom(v: Variable, answer: unknown, scope: Scope): { options: Option[]; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const warn = (en: string, zh: string): void => void warnings.push({ path: `$${v.name}`, en, zh });
  switch (v.type) {
    case 'custom': {
      const s = interpolate(v.query, scope);
      return { options: jsonOptions(s) ?? splitCustom(s), warnings };
    }
    case 'interval': {
      const steps = (v.query.match(/(["'])(.*?)\1|[\w$.]+/g) ?? []).map((s) => s.replace(/^["']|["']$/g, '')).filter((s) => s !== '' && !s.startsWith('$__auto'));
      const bad = steps.filter((s) => duration(s) === undefined && !s.startsWith('$'));
      if (bad.length > 0) warn(`no duration: ${bad.slice(0, 3).join(', ')}; write 30s, 5m or 1h`, `不是时长：${bad.slice(0, 3).join(', ')}，请写 30s、5m 或 1h`);
      return { options: [...(v.auto ? [{ text: 'auto', value: '$__auto' }] : []), ...steps.filter((s) => !bad.includes(s)).map(same)], warnings };
    }
    case 'datasource':
      return { options: sources(v, answer, scope, warn), warnings };
    case 'textbox':
    case 'constant':
      return { options: v.query === '' ? [] : [same(v.query)], warnings };
    case 'query': {
      const found = raw(v, answer, scope);
      if (found.length >= mostOptions) warn(`more than ${mostOptions} values; the rest is left out`, `取值超过 ${mostOptions} 个，其余已省略`);
      return { options: sorted(unique(matched(v, found.slice(0, mostOptions), scope, warn)), v.sort), warnings };
    }
    case 'adhoc':
    case 'groupby':
      return { options: texts(answer).slice(0, mostOptions).map(same), warnings };
    default:
      return { options: v.options.filter((o) => o.value !== allKey), warnings };
  }
}

function raw(v: Variable, answer: unknown, scope: Scope): Option[] {
  const d = object(answer);
  if (d.resultType !== undefined) return resultTexts(answer).map(same);
  const values = list(answer);
  if (isObject(values[0])) return values.slice(0, mostOptions).map((m) => same(seriesText(object(m) as Record<string, string>)));
  const named = /^metrics\s*\(([\s\S]*)\)\s*$/.exec(classic(v).trim());
  const strings = values.filter((s): s is string => typeof s === 'string');
  if (!named) return strings.slice(0, mostOptions).map(same);
  const re = safeRegex(interpolate(named[1]!, scope, 'regex').trim() || '.*');
  return isSafe(re) ? strings.filter((s) => s.length <= re.mostInput && re.re.test(s)).slice(0, mostOptions).map(same) : [];
}

function sources(v: Variable, answer: unknown, scope: Scope, warn: (en: string, zh: string) => void): Option[] {
  const all = list(answer).filter(isObject).filter((s) => text(s.type) === v.query || (v.query === 'prometheus' && text(s.type).includes('prometheus')));
  const options = all.map((s) => ({ text: text(s.name, text(s.uid)), value: text(s.uid) }));
  const kept = matched({ ...v, regexApplyTo: 'text' }, options, scope, warn);
  // The regex of a dashboard from elsewhere speaks of the names of sources there.
  if (kept.length === 0 && options.length > 0) {
    warn(`its regex ${v.regex} matches the name of no source here; all of its type are offered`, `正则 ${v.regex} 与此处的数据源名称均不匹配，提供该类型的全部数据源`);
    return options;
  }
  return kept.map((o) => options.find((x) => x.text === o.text) ?? o);
}

/** matched keeps the options that the regex matches; its groups named text and value, or the first ones, choose what is taken. */
function matched(v: Variable, options: Option[], scope: Scope, warn: (en: string, zh: string) => void): Option[] {
  if (v.regex === '') return options;
  const r = safeRegex(interpolate(v.regex, scope, 'regex'), 'whole');
  if (!isSafe(r)) {
    warn(`its regex is not applied: ${r.en}`, `未应用其正则：${r.zh}`);
    return options;
  }
  const out: Option[] = [];
  const until = performance.now() + 500;
  let long = 0;
  for (const o of options) {
    const subject = v.regexApplyTo === 'text' ? o.text : o.value;
    if (subject.length > r.mostInput) {
      long++;
      continue;
    }
    if (performance.now() > until) {
      warn('its regex takes more than half a second; the values after that are left out', '正则耗时超过半秒，其余取值已省略');
      break;
    }
    const found = r.re.global ? [...subject.matchAll(r.re)] : [r.re.exec(subject)].filter((m) => m !== null);
    const first = found[0];
    if (!first) continue;
    const groups = Object.assign({}, ...found.map((m) => Object.fromEntries(Object.entries(m.groups ?? {}).filter(([, x]) => x !== undefined)))) as { text?: string; value?: string };
    if (groups.value !== undefined || groups.text !== undefined) out.push({ value: groups.value ?? groups.text!, text: groups.text ?? groups.value! });
    else if (first.length > 1) out.push(...found.map((m) => same(m[1] ?? m[0])));
    else out.push(o);
  }
  if (long > 0) warn(`its regex was not tried on ${long} values of more than ${r.mostInput} characters; they are left out`, `有 ${long} 个取值超过 ${r.mostInput} 个字符，未参与匹配，已省略`);
  return out;
}

function unique(options: Option[]): Option[] {
  const seen = new Set<string>();
  return options.filter((o) => !seen.has(o.value) && seen.add(o.value));
}

/** sorted orders options in the ways that files number. */
export function sorted(options: Option[], how: number): Option[] {
  if (how <= 0 || how > 8) return options;
  const kind = Math.ceil(how / 2);
  const number = (o: Option): number => Number(/(\d+(?:\.\d+)?)/.exec(o.text)?.[1] ?? -1);
  const natural = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  const compare: Record<number, (a: Option, b: Option) => number> = {
    1: (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
    2: (a, b) => number(a) - number(b),
    3: (a, b) => { const [x, y] = [a.text.toLowerCase(), b.text.toLowerCase()]; return x < y ? -1 : x > y ? 1 : 0; },
    4: (a, b) => natural.compare(a.text, b.text),
  };
  const out = [...options].sort(compare[kind]);
  return how % 2 === 0 ? out.reverse() : out;
}

// --- values ----------------------------------------------------------------------------------

const isAll = (v: string): boolean => v === allKey || v === '$__All';

/** currentOf chooses among options: what is wanted (from the address), what the file was saved with, the first. */
export function currentOf(v: Variable, options: Option[], wanted?: string[]): Current {
  const base: Current = {
    name: v.name, type: v.type, value: [], text: [], multi: v.multi, several: v.multi || v.includeAll, allValue: v.allValue, options, filters: [],
    ...(v.type === 'interval' ? { auto: { count: v.autoCount, min: v.autoMin } } : {}),
    ...(v.type === 'datasource' ? { sourceType: v.query } : {}),
  };
  const one = (value: string, shown = value): Current => ({ ...base, value: [value], text: [shown] });
  switch (v.type) {
    case 'adhoc':
      return { ...base, filters: wanted ? filtersFrom(wanted) : v.filters };
    case 'groupby':
      return { ...base, multi: true, several: true, value: wanted ?? v.current.value, text: wanted ?? v.current.text };
    case 'textbox':
      return one(wanted?.[0] ?? v.current.value[0] ?? v.query);
    case 'constant':
      return one(v.query || (v.current.value[0] ?? ''));
    case 'system':
    case 'unknown':
      return { ...base, value: wanted ?? v.current.value, text: wanted ?? v.current.text };
    default:
  }
  const choose = (values: string[] | undefined, free: boolean): Current | undefined => {
    if (!values || values.length === 0) return undefined;
    const all = v.includeAll && values.some((x) => isAll(x) || x === 'All');
    if (all && !options.some((o) => o.value === 'All')) return { ...base, value: [allKey], text: ['All'] };
    const kept = (v.multi ? values : values.slice(0, 1)).flatMap((x): Option[] => {
      const o = options.find((y) => y.value === x) ?? options.find((y) => y.text === x) ?? (v.type === 'interval' && x.startsWith('$__auto') ? options.find((y) => y.value === '$__auto') : undefined);
      return o ? [o] : free && x !== '' && !isAll(x) ? [same(x)] : [];
    });
    return kept.length > 0 ? { ...base, value: kept.map((o) => o.value), text: kept.map((o) => o.text) } : undefined;
  };
  const chosen = choose(wanted, v.allowCustomValue && v.type !== 'datasource') ?? choose(v.current.value, false) ?? choose(v.current.text, false);
  if (chosen) return chosen;
  const first = options[0];
  if (v.includeAll && (first || v.allValue !== undefined)) return { ...base, value: [allKey], text: ['All'] };
  return first ? one(first.value, first.text) : base;
}

/** wantedFrom reads var-NAME of an address. */
export function wantedFrom(params: URLSearchParams): Record<string, string[]> {
  const out: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [key, value] of params) {
    if (!key.startsWith('var-')) continue;
    const values = (out[key.slice(4)] ??= []);
    if (values.length < 1000) values.push(value.slice(0, 10_000));
  }
  return out;
}

/** addressOf gives the var-NAME entries of an address, variables with skipUrlSync left out. */
export function addressOf(values: Values, variables: Variable[]): [name: string, value: string][] {
  return variables.filter((v) => !v.skipUrlSync && v.type !== 'constant' && v.type !== 'system').flatMap((v): [string, string][] => {
    const c = values[v.name];
    if (!c) return [];
    if (v.type === 'adhoc') return c.filters.map((f) => [`var-${v.name}`, filterText(f)]);
    return c.value.map((x) => [`var-${v.name}`, x]);
  });
}

const escapePart = (s: string): string => s.replace(/\|/g, '__gfp__').replace(/#/g, '__gfh__').replace(/,/g, '__gfc__');
const unescapePart = (s: string): string => s.replace(/__gfp__|__gfh__|__gfc__/g, (m) => ({ __gfp__: '|', __gfh__: '#', __gfc__: ',' })[m]!);

/** filterText is a filter as an address has it; a bar in it is written as Grafana does. */
export const filterText = (f: Filter): string => [f.key, f.operator, ...(f.operator === '=|' || f.operator === '!=|' ? f.values : [f.value])].map(escapePart).join('|');

/** filtersFrom reads "key|operator|value" of an address. */
export function filtersFrom(wanted: string[]): Filter[] {
  return filtersOf(wanted.map((s) => {
    const [key, operator, ...values] = s.split('|').map(unescapePart);
    return { key, operator: operator ?? 'none', value: values[0] ?? '', values };
  }));
}
