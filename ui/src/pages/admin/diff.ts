/** A field of what was changed: what it was before, and is after. */
export interface FieldChange {
  path: string;
  before?: string;
  after?: string;
}

/** How deep is looked, and how many fields are listed. What lies deeper is compared as a whole. */
const deepest = 6;
export const mostFields = 200;

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

const text = (v: unknown): string => (typeof v === 'string' ? v : JSON.stringify(v));

/** diff lists the fields that differ between two values of JSON. undefined is a side that is not there. */
export function diff(before: unknown, after: unknown): FieldChange[] {
  const out: FieldChange[] = [];
  walk('', before ?? undefined, after ?? undefined, 0, out);
  return out;
}

function walk(path: string, a: unknown, b: unknown, depth: number, out: FieldChange[]): void {
  if (out.length >= mostFields) return;
  const objects = (a === undefined || isObject(a)) && (b === undefined || isObject(b)) && (a !== undefined || b !== undefined);
  if (objects && depth < deepest) {
    const left = (a ?? {}) as Record<string, unknown>;
    const right = (b ?? {}) as Record<string, unknown>;
    for (const name of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
      walk(path === '' ? name : `${path}.${name}`, Object.hasOwn(left, name) ? left[name] : undefined, Object.hasOwn(right, name) ? right[name] : undefined, depth + 1, out);
    }
    return;
  }
  const was = a === undefined ? undefined : text(a);
  const is = b === undefined ? undefined : text(b);
  if (was !== is) out.push({ path, before: was, after: is });
}
