// What was asked, kept by this browser alone.

export interface Asked {
  expr: string;
  at: number;
  starred?: boolean;
}

const key = 'touchline.explore.history';
/** Starred ones are not counted and not dropped, up to the same number. */
const most = 200;
const longest = 10_000;

/** add puts what was asked in front, once, and drops the oldest that are not starred. */
export function add(list: readonly Asked[], expr: string, at: number): Asked[] {
  if (expr.trim() === '' || expr.length > longest) return [...list];
  const old = list.find((a) => a.expr === expr);
  const next = [{ ...old, expr, at }, ...list.filter((a) => a !== old)];
  let plain = 0;
  let starred = 0;
  return next.filter((a) => (a.starred ? ++starred : ++plain) <= most);
}

export const star = (list: readonly Asked[], expr: string): Asked[] => list.map((a) => (a.expr === expr ? { ...a, starred: !a.starred } : a));

export function load(): Asked[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(kept) ? kept.filter((a): a is Asked => typeof a?.expr === 'string' && typeof a?.at === 'number') : [];
  } catch {
    return []; // unreadable, or storage is forbidden
  }
}

export function save(list: readonly Asked[]): void {
  try {
    localStorage.setItem(key, JSON.stringify(list));
  } catch {
    // It holds until the page is left.
  }
}
