// What a table shows: its columns, rows in order, and sums. Pure.
import { type DataFrame, type Field, FieldType, fieldReducers, reduceField } from '../data';
import { custom, nameOf } from '../fields';
import { bag, choice, flag, num, text, texts } from '../options';

export const cellKinds = ['auto', 'color-text', 'color-background', 'color-background-solid', 'gauge', 'sparkline', 'json-view', 'image', 'data-links', 'pill', 'markdown', 'actions', 'geo'] as const;
export type CellKind = (typeof cellKinds)[number];

export interface Column {
  name: string;
  field: Field;
  kind: CellKind;
  gauge: 'basic' | 'gradient' | 'lcd';
  applyToRow: boolean;
  width?: number;
  least: number;
  align: 'left' | 'right' | 'center';
  filterable: boolean;
  footer: string[];
}

const oldModes: Record<string, CellKind> = { 'color-text': 'color-text', 'color-background': 'color-background', 'color-background-solid': 'color-background-solid', 'gradient-gauge': 'gauge', 'lcd-gauge': 'gauge', basic: 'gauge', 'json-view': 'json-view', image: 'image', sparkline: 'sparkline' };

/** The most columns that are shown. */
export const mostColumns = 200;

export function columnsOf(frame: DataFrame, all: DataFrame[]): Column[] {
  return frame.fields.filter((f) => !flag(custom(f), 'hidden') && !flag(bag(custom(f), 'hideFrom'), 'viz')).slice(0, mostColumns).map((field) => {
    const c = custom(field);
    const cell = bag(c, 'cellOptions');
    const old = text(c, 'displayMode');
    const kind = choice(cell, 'type', cellKinds, oldModes[old] ?? (field.type === FieldType.frame ? 'sparkline' : 'auto'));
    const numeric = field.type === FieldType.number && !field.config.mappings?.length;
    return {
      name: nameOf(field, frame, all), field,
      kind: kind === 'color-background' && cell.mode === 'basic' ? 'color-background-solid' : kind,
      gauge: choice(cell, 'mode', ['basic', 'gradient', 'lcd'] as const, old === 'lcd-gauge' ? 'lcd' : old === 'basic' ? 'basic' : 'gradient'),
      applyToRow: flag(cell, 'applyToRow'),
      width: bounded(num(c, 'width'), 20, 2000), least: bounded(num(c, 'minWidth'), 20, 1000) ?? 72,
      align: choice(c, 'align', ['left', 'right', 'center'] as const, numeric ? 'right' : 'left'),
      filterable: flag(c, 'filterable'),
      footer: texts(bag(c, 'footer'), 'reducers').slice(0, 4),
    };
  });
}

const bounded = (v: number | undefined, a: number, b: number): number | undefined => (v === undefined ? undefined : Math.max(a, Math.min(b, v)));

/** widths shares the room: fixed columns have theirs, the others what they need, and more where there is some. */
export function widths(columns: readonly Pick<Column, 'width' | 'least'>[], need: readonly number[], room: number): number[] {
  const out = columns.map((c, i) => c.width ?? Math.max(c.least, Math.min(320, Math.ceil(need[i] ?? 0))));
  const free = columns.flatMap((c, i) => (c.width === undefined ? [i] : []));
  const left = room - out.reduce((a, b) => a + b, 0);
  if (left > 0 && free.length > 0) {
    const sum = free.reduce((a, i) => a + out[i]!, 0);
    for (const i of free) out[i]! += Math.floor((left * out[i]!) / sum);
  }
  return out;
}

export interface Order {
  column: string;
  desc: boolean;
}

function compare(a: unknown, b: unknown): number {
  const missing = (v: unknown): boolean => v === null || v === undefined || (typeof v === 'number' && Number.isNaN(v));
  if (missing(a) || missing(b)) return missing(a) === missing(b) ? 0 : missing(a) ? Infinity : -Infinity;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

/** rowsOf are the row numbers that a filter leaves, in order. What has no value is last either way. */
export function rowsOf(columns: readonly Column[], length: number, order: readonly Order[], filter: string, textAt: (c: Column, row: number) => string): number[] {
  let rows = Array.from({ length }, (_, i) => i);
  const words = filter.toLowerCase().split(/\s+/).filter((w) => w !== '');
  if (words.length > 0) {
    rows = rows.filter((r) => {
      const line = columns.map((c) => textAt(c, r)).join('\n').toLowerCase();
      return words.every((w) => line.includes(w));
    });
  }
  const by = order.flatMap((o) => {
    const c = columns.find((x) => x.name === o.column);
    return c ? [{ values: c.field.values as unknown[], sign: o.desc ? -1 : 1 }] : [];
  });
  if (by.length > 0) {
    rows.sort((a, b) => {
      for (const { values, sign } of by) {
        const d = compare(values[a], values[b]);
        if (d !== 0) return Number.isFinite(d) ? sign * d : d > 0 ? 1 : -1;
      }
      return a - b;
    });
  }
  return rows;
}

/** footerOf reduces a column over the rows that are shown. */
export function footerOf(c: Column, rows: readonly number[], reducers: readonly string[]): { id: string; name: string; value: unknown }[] {
  const ids = reducers.filter((id) => fieldReducers.getIfExists(id)).slice(0, 4);
  if (ids.length === 0) return [];
  if (c.field.type !== FieldType.number && !ids.some((id) => id.startsWith('count') || id.startsWith('distinct'))) return [];
  const field: Field = { ...c.field, values: rows.map((r) => c.field.values[r] as unknown), state: undefined };
  const result = reduceField({ field, reducers: ids }) as Record<string, unknown>;
  return ids.map((id) => ({ id, name: fieldReducers.get(id).name, value: result[id] }));
}
