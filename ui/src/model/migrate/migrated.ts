import type { Json } from '../read';

/** What a migration gives: the parts of a panel that it settles, in today's shape but not yet checked. */
export interface Migrated {
  type: string;
  options: Json;
  fieldConfig: Json;
  /** Put before those that the panel has. */
  transformations?: Json[];
}

/** The reducer that is named by what old panels call a value. */
const reducers: Record<string, string> = {
  min: 'min', max: 'max', avg: 'mean', mean: 'mean', current: 'lastNotNull', last: 'lastNotNull', total: 'sum', sum: 'sum', first: 'firstNotNull',
  delta: 'delta', diff: 'diff', range: 'range', count: 'count', name: 'lastNotNull', last_time: 'lastNotNull', median: 'median',
};

export const reducerOf = (name: string, otherwise = 'lastNotNull'): string => (Object.hasOwn(reducers, name) ? reducers[name]! : otherwise);

/** byAlias is the matcher for a series that an old panel names by its text, or by "/regex/". */
export const byAlias = (alias: string): Json => (/^\/.*\/[a-z]*$/s.test(alias) ? { id: 'byRegexp', options: alias } : { id: 'byName', options: alias });

export const fixed = (color: string): Json => ({ mode: 'fixed', fixedColor: color });
