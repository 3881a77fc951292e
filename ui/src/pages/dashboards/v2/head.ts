// Edits of all but the panels, in the classic schema, written into a document of schema v2.
import { isObject, object, objects, text, type Json } from '../../../model/read';
import { annotationOf, headOf, hides, kinds, refreshes, sorts, specOf, variableOf } from '../../../model/v2';
import { changed, inner, isAlpha, newQuery, pair, same, set, setSource } from './nodes';

const plain = new Set(['title', 'description', 'tags', 'editable', 'links']);
const times: Record<string, string> = { refresh: 'autoRefresh', timezone: 'timezone', fiscalYearStartMonth: 'fiscalYearStartMonth' };

/** writeHead writes what differs between the document and head. It gives the fields that have no place. */
export function writeHead(doc: Json, head: Json): string[] {
  const lost: string[] = [];
  const before = headOf(doc);
  const spec = specOf(doc);
  for (const key of changed(before, head)) {
    const value = head[key];
    if (plain.has(key)) {
      set(spec, key, value);
    } else if (Object.hasOwn(times, key)) {
      set(inner(spec, 'timeSettings'), times[key]!, value);
    } else {
      switch (key) {
        case 'time':
          for (const end of ['from', 'to']) if (object(value)[end] !== object(before.time)[end]) set(inner(spec, 'timeSettings'), end, object(value)[end]);
          break;
        case 'graphTooltip':
          spec.cursorSync = ['Off', 'Crosshair', 'Tooltip'][Number(value)] ?? 'Off';
          break;
        case 'annotations':
          spec.annotations = annotations(objects(spec.annotations).map(([a]) => a), objects(object(value).list).map(([a]) => a), isAlpha(doc));
          break;
        case 'templating':
          spec.variables = variables(objects(spec.variables).map(([v]) => v), objects(object(value).list).map(([v]) => v), isAlpha(doc), lost);
          break;
        default:
          lost.push(key);
      }
    }
  }
  return lost;
}

const named = (x: Json): string => text(x.name);
const annotationFields = new Set(['name', 'enable', 'hide', 'iconColor', 'builtIn', 'filter']);

function annotations(nodes: Json[], after: Json[], alpha: boolean): Json[] {
  const before = nodes.map((n) => annotationOf(n));
  const pairs = pair(before, after, named);
  return after.map((to, i) => {
    const was = before[pairs[i]!];
    const node = nodes[pairs[i]!] ?? { kind: 'AnnotationQuery', spec: { name: '', enable: true, hide: false, iconColor: '', query: newQuery(alpha) } };
    if (was && same(was, to)) return node;
    const spec = inner(node, 'spec');
    const query = inner(spec, 'query');
    const keys = changed(was ?? {}, to);
    if (keys.includes('target')) query.spec = to.target ?? {};
    for (const key of keys) {
      const value = to[key];
      if (annotationFields.has(key)) set(spec, key, key === 'builtIn' && value !== undefined ? Boolean(value) : value);
      else if (key === 'datasource') setSource(spec, query, value);
      // What the query has is written there, all else beside it.
      else if (key !== 'target') set(Object.hasOwn(object(query.spec), key) ? inner(query, 'spec') : inner(spec, 'legacyOptions'), key, value);
    }
    return node;
  });
}

const keyOf = (of: Record<string, number>, value: unknown): string | undefined => Object.keys(of).find((k) => of[k] === value);
const none = { text: '', value: '' };

/** What a variable of a kind says at least. */
function fresh(type: string, alpha: boolean): Json | undefined {
  const kind = Object.keys(kinds).find((k) => kinds[k] === type);
  if (!kind) return undefined;
  const common = { name: '', hide: 'dontHide', skipUrlSync: false };
  const chosen = { current: none, options: [], multi: false, includeAll: false, allowCustomValue: true };
  switch (type) {
    case 'query':
      return { kind, spec: { ...common, ...chosen, refresh: 'onDashboardLoad', regex: '', sort: 'disabled', query: newQuery(alpha) } };
    case 'datasource':
      return { kind, spec: { ...common, ...chosen, refresh: 'onDashboardLoad', regex: '', pluginId: '' } };
    case 'custom':
      return { kind, spec: { ...common, ...chosen, query: '' } };
    case 'interval':
      return { kind, spec: { ...common, current: none, options: [], query: '', auto: false, auto_min: '', auto_count: 0, refresh: 'onTimeRangeChanged' } };
    case 'adhoc':
      return { kind, ...(alpha ? {} : { group: 'prometheus' }), spec: { ...common, baseFilters: [], filters: [], defaultKeys: [], allowCustomValue: true } };
    case 'groupby':
      return { kind, ...(alpha ? {} : { group: 'prometheus' }), spec: { ...common, current: none, options: [], multi: true } };
    case 'switch':
      return { kind, spec: { ...common, current: 'false', enabledValue: 'true', disabledValue: 'false' } };
    default:
      return { kind, spec: { ...common, current: none, query: '' } };
  }
}

/** What a variable keeps when it becomes one of another kind. */
const kept = ['name', 'label', 'description', 'hide', 'skipUrlSync'];

function variables(nodes: Json[], after: Json[], alpha: boolean, lost: string[]): Json[] {
  const before = nodes.map((n) => variableOf(n));
  const pairs = pair(before, after, named);
  return after.flatMap((to, i) => {
    const was = before[pairs[i]!];
    const old = nodes[pairs[i]!];
    if (old && was && same(was, to)) return [old];
    const type = text(to.type);
    if (old && was && text(was.type) === type) {
      writeVariable(old, was, to);
      return [old];
    }
    const node = fresh(type, alpha);
    if (!node) {
      lost.push(`templating.list[${i}].type`);
      return old ? [old] : [];
    }
    const base = variableOf(node);
    // A kind has a place for what the empty one says and for what all have.
    const fits = Object.entries(to).filter(([k, v]) => v !== undefined && (!was || Object.hasOwn(base, k) || kept.includes(k) || k === 'datasource'));
    writeVariable(node, base, { ...base, ...Object.fromEntries(fits), type });
    return [node];
  });
}

function writeVariable(node: Json, was: Json, to: Json): void {
  const spec = inner(node, 'spec');
  const type = text(to.type);
  for (const key of changed(was, to)) {
    const value = to[key];
    switch (key) {
      case 'type':
        break;
      case 'hide':
        spec.hide = keyOf(hides, Number(value ?? 0)) ?? 'dontHide';
        break;
      case 'refresh':
        spec.refresh = keyOf(refreshes, Number(value ?? 0)) ?? 'never';
        break;
      case 'sort':
        spec.sort = sorts[Number(value ?? 0)] ?? 'disabled';
        break;
      case 'datasource':
        if (type === 'query') setSource(spec, inner(spec, 'query'), value);
        else outerSource(node, spec, value);
        break;
      case 'query':
        if (type === 'datasource') spec.pluginId = text(value);
        else if (type === 'query') inner(spec, 'query').spec = isObject(value) ? value : { __legacyStringValue: text(value) };
        else spec.query = text(value);
        break;
      case 'options':
        spec.options = value ?? [];
        break;
      case 'current':
        spec.current = isObject(value) && !('value' in value) ? { ...none, ...value } : value ?? none;
        break;
      default:
        set(spec, key, value);
    }
  }
}

/** outerSource writes the source of a filter, which stands beside its spec, or in it in the first version of the schema. */
function outerSource(node: Json, spec: Json, ref: unknown): void {
  if (node.group === undefined) {
    set(spec, 'datasource', ref);
    return;
  }
  const uid = typeof ref === 'string' ? ref : text(object(ref).uid);
  if (text(object(ref).type) !== '') node.group = text(object(ref).type);
  set(node, 'datasource', uid === '' ? undefined : { name: uid });
}
