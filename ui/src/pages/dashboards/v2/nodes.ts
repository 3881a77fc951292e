// What all writers of schema v2 share: comparing, pairing, data sources.
import { isObject, object, text, type Json } from '../../../model/read';

/** same tells whether two values mean the same JSON; a field that is undefined is not there. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => same(x, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((k) => same(own(a, k), own(b, k)));
}

const own = (o: Json, k: string): unknown => (Object.hasOwn(o, k) ? o[k] : undefined);

/** changed names the fields in which two objects differ. */
export const changed = (a: Json, b: Json): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((k) => !same(own(a, k), own(b, k)));

/** set writes a field, or takes it away where there is no value. */
export function set(o: Json, key: string, value: unknown): void {
  if (value === undefined) delete o[key];
  // A key such as __proto__ in a stranger's file is a field like any other.
  else Object.defineProperty(o, key, { value, writable: true, enumerable: true, configurable: true });
}

/** inner is the object in a field, which is made where there is none. */
export function inner(o: Json, key: string): Json {
  const old = o[key];
  if (isObject(old)) return old;
  const made: Json = {};
  o[key] = made;
  return made;
}

/** members is the list in a field, which is made where there is none. */
export function members(o: Json, key: string): unknown[] {
  const old = o[key];
  if (Array.isArray(old)) return old as unknown[];
  const made: unknown[] = [];
  o[key] = made;
  return made;
}

/** pair tells for each of after which of before it was: the same one, the one of its name, or that in its place; -1 for none. */
export function pair(before: readonly Json[], after: readonly Json[], name: (x: Json) => string): number[] {
  const free = new Set(before.keys());
  const out = after.map(() => -1);
  const take = (fits: (a: Json, b: Json, i: number, j: number) => boolean): void => after.forEach((a, i) => {
    if (out[i]! >= 0) return;
    for (const j of free) {
      if (!fits(a, before[j]!, i, j)) continue;
      out[i] = j;
      free.delete(j);
      return;
    }
  });
  take((a, b) => same(a, b));
  take((a, b) => name(a) !== '' && name(a) === name(b));
  if (before.length === after.length) take((_a, _b, i, j) => i === j);
  return out;
}

/** Spelling is how a version of the schema writes what differs between them. */
export interface Spelling {
  /** The first one: kinds are those of plugins. */
  readonly alpha: boolean;
  /** A transformation is {kind: ID, spec: {id: ID, …}}, as before v2; undefined where the document does not say which version it is of. */
  readonly byKind: boolean | undefined;
}

/** spellingOf goes by the version that a document says it is of. */
export function spellingOf(doc: Json): Spelling {
  const version = text(doc.apiVersion);
  return { alpha: isAlpha(doc), byKind: version === '' ? undefined : /\/v2(alpha|beta1)/.test(version) };
}

/** isAlpha tells the first version of the schema, whose kinds are the names of plugins, from the later ones. */
export const isAlpha = (doc: Json): boolean => text(doc.apiVersion).includes('/v2alpha');

/** newQuery asks nothing yet. */
export const newQuery = (alpha: boolean): Json => (alpha ? { kind: 'prometheus', spec: {} } : { kind: 'DataQuery', group: 'prometheus', version: 'v0', spec: {} });

/** setSource writes which data source a query asks. It is in the query, or beside it in the first version of the schema. */
export function setSource(holder: Json, query: Json, ref: unknown): void {
  const type = text(object(ref).type);
  const uid = typeof ref === 'string' ? ref : text(object(ref).uid);
  const mixed = uid === '-- Mixed --';
  const named = uid !== '' && !mixed;
  if (query.kind === 'DataQuery') {
    if (!mixed && type !== '') query.group = type;
    if (named) inner(query, 'datasource').name = uid;
    else delete query.datasource;
    return;
  }
  if (!mixed && type !== '') query.kind = type;
  if (named) holder.datasource = { ...object(holder.datasource), uid, ...(type === '' ? {} : { type }) };
  else delete holder.datasource;
}
