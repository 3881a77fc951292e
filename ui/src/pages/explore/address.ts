// The address of the page holds all of it. Each query is a letter: A is its
// expression, and A.type, A.step, A.legend and A.hide say the rest.

export type QueryType = 'range' | 'instant' | 'both';
export type View = 'graph' | 'table' | 'explain';

export interface ExploreQuery {
  expr: string;
  type: QueryType;
  /** Such as "15s"; "" follows the range. */
  step: string;
  /** Such as "{{instance}}"; "" lists the labels. */
  legend: string;
  hidden: boolean;
}

export type Search = Record<string, unknown>;

/** One for each letter. */
export const mostQueries = 26;

export const letter = (i: number): string => String.fromCharCode(65 + i);

export const emptyQuery = (expr = ''): ExploreQuery => ({ expr, type: 'both', step: '', legend: '', hidden: false });

const text = (v: unknown): string | undefined => (typeof v === 'string' ? v : typeof v === 'number' ? String(v) : Array.isArray(v) ? text(v[0]) : undefined);

/** readQueries takes the queries out of an address. Letters that are left out close up; there is always one query. */
export function readQueries(search: Search): ExploreQuery[] {
  const out: ExploreQuery[] = [];
  for (let i = 0; i < mostQueries; i++) {
    const name = letter(i);
    const expr = text(search[name]);
    if (expr === undefined) continue;
    const type = text(search[`${name}.type`]);
    out.push({
      expr,
      type: type === 'range' || type === 'instant' ? type : 'both',
      step: text(search[`${name}.step`]) ?? '',
      legend: text(search[`${name}.legend`]) ?? '',
      hidden: search[`${name}.hide`] !== undefined,
    });
  }
  return out.length > 0 ? out : [emptyQuery()];
}

/** writeQueries gives an address with these queries in place of those that it has. Everything else in it stays. */
export function writeQueries(search: Search, queries: readonly ExploreQuery[]): Search {
  const out: Search = {};
  for (const [name, value] of Object.entries(search)) if (!/^[A-Z](\.(type|step|legend|hide))?$/.test(name)) out[name] = value;
  queries.slice(0, mostQueries).forEach((q, i) => {
    const name = letter(i);
    out[name] = q.expr;
    if (q.type !== 'both') out[`${name}.type`] = q.type;
    if (q.step) out[`${name}.step`] = q.step;
    if (q.legend) out[`${name}.legend`] = q.legend;
    if (q.hidden) out[`${name}.hide`] = '1';
  });
  return out;
}

export function readView(search: Search): View {
  const v = search.view;
  return v === 'table' || v === 'explain' ? v : 'graph';
}

/** exploreLink is the path below /ui that shows an expression. */
export const exploreLink = (expr: string): string => `/explore?A=${encodeURIComponent(expr)}`;

// What a link of Prometheus has for each of its panels; all else of it is left alone.
const legacy = /^g(\d{1,3})\.(\w+)$/;

/**
 * fromLegacy translates an address of Prometheus's own graph page, such as
 * ?g0.expr=up&g0.tab=1&g0.range_input=1h, into ours. Prometheus has a range for
 * each panel and we have one: that of the first panel that says one holds.
 */
export function fromLegacy(search: Search): Search {
  const panels = new Map<number, Record<string, string>>();
  const kept: Search = {};
  for (const [name, value] of Object.entries(search)) {
    const hit = legacy.exec(name);
    if (!hit) {
      kept[name] = value;
      continue;
    }
    const n = Number(hit[1]);
    panels.set(n, { ...panels.get(n), [hit[2]!]: text(value) ?? '' });
  }
  const sorted = [...panels].sort(([a], [b]) => a - b).map(([, p]) => p).filter((p) => p.expr !== undefined);
  if (sorted.length === 0) return kept;
  const queries = sorted.map((p): ExploreQuery => ({
    ...emptyQuery(p.expr), step: p.step_input && /^\d+$/.test(p.step_input) ? `${p.step_input}s` : (p.step_input ?? ''), hidden: p.visible === '0',
  }));
  const first = sorted[0]!;
  const out = writeQueries(kept, queries);
  // 0 is the graph and 1 the table; newer releases write names.
  if (first.tab === '1' || first.tab === 'table') out.view = 'table';
  if (first.tab === 'explain') out.view = 'explain';
  if (first.stacked === '1' || first.display_mode === 'stacked') out.stack = '1';
  if (first.show_exemplars === '1') out.exemplars = '1';
  const range = sorted.map((p) => p.range_input).find((r) => r !== undefined && /^(\d+(ms|[smhdwy]))+$/.test(r));
  const endText = sorted.map((p) => p.end_input || p.moment_input).find((e) => !!e);
  // Prometheus writes moments in UTC and without saying so.
  const end = endText ? Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(endText) ? endText : `${endText.replace(' ', 'T')}Z`) : NaN;
  if (!Number.isNaN(end)) {
    out.from = String(end - span(range ?? '1h'));
    out.to = String(end);
  } else if (range) {
    out.from = `now-${single(range)}`;
    out.to = 'now';
  }
  return out;
}

const units: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 31536e6 };

function span(range: string): number {
  let sum = 0;
  for (const [, n, unit] of range.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(n) * units[unit!]!;
  return sum;
}

/** single writes "1h30m" as our address has it: with one unit. */
function single(range: string): string {
  return /^\d+(ms|[smhdwy])$/.test(range) ? range : `${Math.round(span(range) / 1000)}s`;
}
