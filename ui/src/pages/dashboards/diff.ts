// What differs between two JSON values, by path.

export interface Difference {
  kind: 'added' | 'removed' | 'changed';
  /** Such as panels[id=4].targets[0].expr. */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** How many differences are listed, and how deep is looked. */
const most = 2000;
const deepest = 40;

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** keyOf names an element of a list by what identifies it, so that a moved panel is not a changed one. */
function keyOf(v: unknown): string | undefined {
  if (!isObject(v)) return undefined;
  for (const name of ['id', 'uid', 'refId', 'name']) {
    const key = v[name];
    if (typeof key === 'string' || typeof key === 'number') return `${name}=${key}`;
  }
  return undefined;
}

/** keyed gives the elements by their keys; undefined where some have none, or share one. */
function keyed(list: unknown[]): Map<string, unknown> | undefined {
  const out = new Map<string, unknown>();
  for (const v of list) {
    const key = keyOf(v);
    if (key === undefined || out.has(key)) return undefined;
    out.set(key, v);
  }
  return out;
}

/** differences lists what changes from before to after, in the order of after. */
export function differences(before: unknown, after: unknown): { list: Difference[]; more: boolean } {
  const list: Difference[] = [];
  let more = false;
  const add = (d: Difference): void => {
    if (list.length < most) list.push(d);
    else more = true;
  };
  const pairs = (a: Map<string, unknown>, b: Map<string, unknown>, path: (key: string) => string, depth: number): void => {
    for (const [key, v] of b) {
      if (more) return;
      if (!a.has(key)) add({ kind: 'added', path: path(key), after: v });
      else walk(a.get(key), v, path(key), depth + 1);
    }
    for (const [key, v] of a) if (!b.has(key)) add({ kind: 'removed', path: path(key), before: v });
  };
  const walk = (a: unknown, b: unknown, path: string, depth: number): void => {
    if (Object.is(a, b)) return;
    if (depth < deepest && isObject(a) && isObject(b)) {
      pairs(new Map(Object.entries(a)), new Map(Object.entries(b)), (key) => (path === '' ? key : /^[\w$-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`), depth);
      return;
    }
    if (depth < deepest && Array.isArray(a) && Array.isArray(b)) {
      const ka = keyed(a);
      const kb = keyed(b);
      if (ka && kb && ka.size > 0 && kb.size > 0) {
        pairs(ka, kb, (key) => `${path}[${key}]`, depth);
        const stay = (keys: Iterable<string>, in_: Map<string, unknown>): string => [...keys].filter((k) => in_.has(k)).join('\n');
        if (stay(ka.keys(), kb) !== stay(kb.keys(), ka)) add({ kind: 'changed', path: `${path} (order)`, before: [...ka.keys()], after: [...kb.keys()] });
        return;
      }
      pairs(new Map(a.map((v, i) => [String(i), v])), new Map(b.map((v, i) => [String(i), v])), (key) => `${path}[${key}]`, depth);
      return;
    }
    if (typeof a === typeof b && JSON.stringify(a) === JSON.stringify(b)) return;
    add({ kind: 'changed', path: path || '(all)', before: a, after: b });
  };
  walk(before, after, '', 0);
  return { list, more };
}
