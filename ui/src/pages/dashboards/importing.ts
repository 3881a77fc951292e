// Files and pasted texts on their way to becoming dashboards.
import type { DashboardJSON } from '../../api/dashboards';
import { brokenAt, placeOf } from './broken';

/** The server takes so much of one dashboard, in bytes. */
export const largest = 10 << 20;
/** How many files are taken at once. */
export const mostFiles = 500;

export interface Input {
  name: string;
  label: string;
  /** The kind of source: "prometheus", "loki", … */
  plugin: string;
}

export type Parsed = { json: DashboardJSON; title: string; inputs: Input[] } | { error: 'large' | 'empty' | 'object' } | { error: 'syntax'; detail: string; line: number; column: number };

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** parse reads a text that should be a dashboard. */
export function parse(text: string): Parsed {
  if (text.trim() === '') return { error: 'empty' };
  if (text.length > largest) return { error: 'large' };
  const plain = text.replace(/^\uFEFF/, '');
  let json: unknown;
  try {
    json = JSON.parse(plain);
  } catch (e) {
    return { error: 'syntax', detail: (e instanceof Error ? e.message : String(e)).replace(/ in JSON at position [\s\S]*$/, ''), ...placeOf(plain, brokenAt(plain)) };
  }
  if (!isObject(json)) return { error: 'object' };
  const inner = isObject(json.dashboard) ? json.dashboard : isObject(json.spec) ? json.spec : json;
  const list = Array.isArray(json.__inputs) ? json.__inputs : Array.isArray(inner.__inputs) ? inner.__inputs : [];
  const text_ = (v: unknown): string => (typeof v === 'string' ? v : '');
  return {
    json,
    title: text_(inner.title),
    inputs: list.filter(isObject).filter((i) => i.type === 'datasource' && typeof i.name === 'string').slice(0, 50)
      .map((i) => ({ name: text_(i.name), label: text_(i.label) || text_(i.name), plugin: text_(i.pluginId) })),
  };
}

/** withoutUID lets the server give a uid of its own. */
export function withoutUID(json: DashboardJSON): DashboardJSON {
  const { uid: _uid, id: _id, ...rest } = json;
  if (isObject(rest.dashboard)) return { ...rest, dashboard: withoutUID(rest.dashboard) };
  if (isObject(rest.metadata)) {
    const { name: _name, uid: _u, ...metadata } = rest.metadata;
    return { ...rest, metadata };
  }
  return rest;
}
