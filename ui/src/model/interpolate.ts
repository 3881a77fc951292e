// Fills variables into texts.
import { durationText } from '../time/range';
import type { Filter } from './dashboard';
import { format } from './formats';
import { autoInterval } from './interval';
import { allKey, type Current, type Scope } from './scope';

/** How a variable is written where the text names no format: the name of one, or a function. */
export type Formatter = string | ((value: string | string[], c: Current | undefined, before: string) => string);

/** FilterInto puts ad hoc filters into the selectors of an expression. It needs PromQL's grammar, which loadFilterInto loads. */
export type FilterInto = (expr: string, filters: readonly Filter[]) => string;

// $name, [[name:format]], ${name.path:format}
const pattern = /\$(\w+)|\[\[(\w+)(?::([^\]]+))?\]\]|\$\{(\w+)(?:\.([^:}]+))?(?::([^}]+))?\}/g;

/** What a text grows to at most; a variable of many values that is named many times could otherwise exhaust the memory. */
const mostText = 4 << 20;

/** The same for what people read. */
const mostLabel = 1 << 16;

interface Found {
  value: string | string[];
  text: string | string[];
  current: Current | undefined;
}

const plain = (value: string): Found => ({ value, text: value, current: undefined });

/** valuesOf gives what a variable stands for: all options for "all", the step for "auto". */
export function valuesOf(c: Current, scope: Scope): string | string[] {
  if (c.value.includes(allKey)) return c.allValue ?? c.options.map((o) => o.value);
  if (c.type === 'interval' && c.value[0]?.startsWith('$__auto')) {
    return durationText(autoInterval(scope.range.to - scope.range.from, c.auto?.count ?? 30, c.auto?.min ?? '10s'));
  }
  return c.multi ? c.value : (c.value[0] ?? '');
}

function builtIn(name: string, path: string, scope: Scope): string | undefined {
  const range = scope.range.to - scope.range.from;
  switch (name) {
    case '__interval':
    case '__auto':
      return scope.interval === undefined ? undefined : durationText(scope.interval);
    case '__interval_ms':
      return scope.interval === undefined ? undefined : String(scope.interval);
    case '__rate_interval':
      return scope.rateInterval === undefined ? undefined : durationText(scope.rateInterval);
    case '__rate_interval_ms':
      return scope.rateInterval === undefined ? undefined : String(scope.rateInterval);
    case '__range':
      return `${Math.max(Math.round(range / 1000), 1)}s`;
    case '__range_s':
      return String(Math.max(Math.round(range / 1000), 1));
    case '__range_ms':
      return String(range);
    case '__from':
      return String(scope.range.from);
    case '__to':
      return String(scope.range.to);
    case '__timezone':
      return scope.zone === 'browser' ? Intl.DateTimeFormat().resolvedOptions().timeZone : scope.zone;
    case '__dashboard':
      return path === 'uid' ? scope.dashboard?.uid : scope.dashboard?.title;
    case '__user':
      return path === 'id' ? (scope.user?.id === undefined ? undefined : String(scope.user.id)) : path === 'email' ? scope.user?.email : scope.user?.login;
    case '__org':
      return path === 'name' ? scope.org?.name : scope.org && String(scope.org.id);
    case '__url_time_range':
      return `from=${encodeURIComponent(scope.raw.from)}&to=${encodeURIComponent(scope.raw.to)}`;
    case '__all_variables':
      return Object.values(scope.values).filter((c) => c.type !== 'adhoc' && c.type !== 'constant')
        .flatMap((c) => c.value.map((v) => `var-${encodeURIComponent(c.name)}=${encodeURIComponent(v)}`)).join('&');
    case '__field':
    case '__series':
    case '__value':
    case '__data':
      return scope.lookup?.(name, path);
    // As links before Grafana 7 named them.
    case '__series_name':
    case '__field_name':
    case '__value_time':
    case '__value_numeric':
    case '__value_text':
    case '__value_raw':
    case '__value_calc': {
      const [, kind, part] = name.slice(1).split('_') as [string, string, string];
      return scope.lookup?.(`__${kind}`, part);
    }
    default:
      return undefined;
  }
}

function find(name: string, path: string, scope: Scope): Found | undefined {
  const scoped = scope.scoped && Object.hasOwn(scope.scoped, name) ? scope.scoped[name] : undefined;
  const c = Object.hasOwn(scope.values, name) ? scope.values[name] : undefined;
  // A value of a repeat is one value of a variable that may have several, and is escaped like it.
  if (scoped) return { value: scoped.value, text: scoped.text, current: c };
  if (c) {
    const value = valuesOf(c, scope);
    return { value, text: c.value.includes(allKey) ? 'All' : c.text, current: c };
  }
  if (!name.startsWith('__')) return undefined;
  const v = builtIn(name, path, scope);
  return v === undefined ? undefined : plain(v);
}

/** Formats that are about the value itself, even where it is what somebody wrote for "all". */
const ofValue = new Set(['text', 'percentencode', 'queryparam']);

/** customAll is the text that a file has for "all" of a variable, where that is chosen and stands as it is written. */
function customAll(name: string, found: Found, formatter: Formatter, scope: Scope): string | undefined {
  if (scope.scoped && Object.hasOwn(scope.scoped, name)) return undefined;
  return found.current?.value.includes(allKey) && !(typeof formatter === 'string' && ofValue.has(formatter)) ? found.current.allValue : undefined;
}

/** What filling in one text has come to, with what is filled in to what was filled in. */
interface Spent {
  grown: number;
  /** Variables whose own "all" is being filled in: one that names itself comes to an end. */
  open: Set<string>;
  /** Where to cut; without it a text that grows too long is an error. */
  most?: number;
}

/** What filling in a text within a text counts for at least, as it is work also where nothing comes of it. */
const leastGrowth = 100;

/** interpolate fills in $x, ${x}, ${x:format} and [[x]], with Grafana's formats. Unknown variables stay as they are. It throws where the text grows past what a query may be. */
export function interpolate(text: string, scope: Scope, formatter: Formatter = 'glob'): string {
  return fill(text, scope, formatter, { grown: 0, open: new Set() });
}

/** label is interpolate for what people read: past what fits nothing is filled in any more, and nothing is thrown. */
export function label(text: string, scope: Scope, formatter: Formatter = 'text'): string {
  return fill(text, scope, formatter, { grown: 0, open: new Set(), most: mostLabel });
}

function fill(text: string, scope: Scope, formatter: Formatter, spent: Spent): string {
  if (!text.includes('$') && !text.includes('[[')) return text;
  return text.replace(pattern, (all, a: string | undefined, b: string | undefined, bFormat: string | undefined, c: string | undefined, path: string | undefined, cFormat: string | undefined, at: number) => {
    const name = a ?? b ?? c ?? '';
    const found = spent.open.has(name) ? undefined : find(name, path ?? '', scope);
    if (!found) return all;
    const given = bFormat ?? cFormat;
    /** grow tells whether there is room for so much more. */
    const grow = (by: number): boolean => {
      spent.grown += by;
      if (spent.most !== undefined) return spent.grown <= spent.most;
      if (spent.grown > mostText) throw new RangeError(`filling in $${name} makes a text of more than ${mostText >> 20} MB; choose fewer values`);
      return true;
    };
    const written = customAll(name, found, given ?? formatter, scope);
    if (written !== undefined) {
      if (!grow(Math.max(written.length, leastGrowth))) return '…';
      // Whoever wrote it wrote it for the place where it stands: it is not escaped, and may name other variables.
      spent.open.add(name);
      const filled = fill(written, scope, formatter, spent);
      spent.open.delete(name);
      return filled;
    }
    let out: string;
    if (given !== undefined || typeof formatter === 'string') {
      const [kind = '', ...args] = (given ?? (formatter as string)).split(':');
      out = format(kind, { name, value: found.value, text: found.text, args: args.join(':'), zone: scope.zone });
    } else {
      out = formatter(found.value, found.current, text.slice(Math.max(at - 200, 0), at));
    }
    return grow(out.length) ? out : '…';
  });
}

const quoted = (s: string): string => s.replace(/\\/g, '\\\\').replace(/'/g, "\\\\'");
const inRegex = (s: string): string => s.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');

/** Whether what follows stands in the string of a label's = or !=, where a regex would match nothing. */
const inEquality = (before: string): boolean => /[^=!~<>](?:=|!=)\s*"[^"]*$/.test(before);

/** prometheusFormat is how values come into PromQL where the text names no format. */
export function prometheusFormat(value: string | string[], c: Current | undefined, before: string): string {
  if (!c) return Array.isArray(value) ? value.join('|') : value;
  if (!c.several) return Array.isArray(value) ? value.map(quoted).join('|') : quoted(value);
  const values = Array.isArray(value) ? value : [value];
  // Grafana escapes for a regex even here, so that "=" finds nothing once a value has a dot in it.
  if (values.length === 1 && inEquality(before)) return quoted(values[0]!);
  const escaped = values.map(inRegex);
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
}

export const filtersOfScope = (scope: Scope): Filter[] => Object.values(scope.values).filter((c) => c.type === 'adhoc').flatMap((c) => c.filters.filter((f) => f.key !== ''));

/**
 * interpolateQuery fills variables into PromQL as Grafana's Prometheus source
 * does, and puts ad hoc filters into its selectors. It throws where there are
 * filters but no filterInto: a query without them would show what nobody asked for.
 */
export function interpolateQuery(expr: string, scope: Scope, filterInto?: FilterInto): string {
  const out = interpolate(expr, scope, prometheusFormat);
  const filters = filtersOfScope(scope);
  if (filters.length === 0) return out;
  if (!filterInto) throw new Error('the filters of this dashboard cannot be applied before loadFilterInto has finished');
  return filterInto(out, filters);
}

/** loadFilterInto loads PromQL's grammar; it is only needed where a dashboard has filters. */
export async function loadFilterInto(): Promise<FilterInto> {
  return (await import('./promql')).filterInto;
}
