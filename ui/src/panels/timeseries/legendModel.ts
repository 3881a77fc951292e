// What a legend says: pure, so that it can be sorted and cut without drawing.
import type { Mode } from '../../grafana/theme';
import { type Field, fieldReducers, reduceField } from '../data';
import { textOf } from '../fields';

/** calcsOf are the calculations of a panel that exist, at most eight. */
export function calcsOf(ids: readonly string[]): string[] {
  return ids.filter((id) => fieldReducers.getIfExists(id) !== undefined).slice(0, 8);
}

/** calcValue is a calculation over a field. Its result is kept with the field. */
export function calcValue(field: Field, id: string): unknown {
  return (reduceField({ field, reducers: [id] }) as Record<string, unknown>)[id];
}

export function calcText(field: Field, id: string, mode: Mode): string {
  const v = calcValue(field, id);
  if (v === null || v === undefined) return '–';
  const r = fieldReducers.getIfExists(id);
  if (r && !r.preservesUnits) return typeof v === 'number' ? String(Number(v.toPrecision(3))) : String(v);
  return textOf(field, v, mode);
}

export interface Sort {
  by: string;
  desc: boolean;
}

/** sorted orders by the name or a calculation. What has no number comes last. */
export function sorted<T extends { name: string; field: Field }>(items: readonly T[], sort: Sort | undefined): T[] {
  if (!sort) return [...items];
  const sign = sort.desc ? -1 : 1;
  if (sort.by === 'name') return [...items].sort((a, b) => sign * a.name.localeCompare(b.name, 'en', { numeric: true }));
  return items
    .map((item) => ({ item, v: calcValue(item.field, sort.by) }))
    .sort((a, b) => {
      const x = typeof a.v === 'number' && Number.isFinite(a.v) ? a.v : undefined;
      const y = typeof b.v === 'number' && Number.isFinite(b.v) ? b.v : undefined;
      if (x === undefined || y === undefined) return x === y ? 0 : x === undefined ? 1 : -1;
      return sign * (x - y);
    })
    .map((x) => x.item);
}

/** picked is the set of names that are shown after a click; undefined is all. */
export function picked(now: ReadonlySet<string> | undefined, all: readonly string[], name: string, add: boolean): ReadonlySet<string> | undefined {
  if (!add) return now?.size === 1 && now.has(name) ? undefined : new Set([name]);
  const next = new Set(now ?? all);
  if (!next.delete(name)) next.add(name);
  return next.size === 0 || next.size >= new Set(all).size ? undefined : next;
}
