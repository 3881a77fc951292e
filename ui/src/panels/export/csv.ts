import { type DataFrame, FieldType } from '../data';
import { nameOf } from '../fields';

/** cell writes a value so that no spreadsheet takes it for a formula. */
export function cell(v: unknown): string {
  if (v === null || v === undefined) return '';
  if (typeof v === 'number' || typeof v === 'boolean') return String(v);
  let text = typeof v === 'string' ? v : JSON.stringify(v);
  if (/^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text))) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/**
 * csvOf writes frames as CSV (RFC 4180, with a byte order mark so that
 * spreadsheets read UTF-8). Series are joined by time into one table; other
 * frames follow each other with an empty line between. Times are RFC 3339.
 */
export function csvOf(frames: DataFrame[]): string {
  const series = frames.filter((f) => f.fields.some((x) => x.type === FieldType.time) && f.fields.every((x) => x.type === FieldType.time || x.type === FieldType.number));
  const tables = series.length > 1 ? [joined(series, frames), ...frames.filter((f) => !series.includes(f)).map((f) => plain(f, frames))] : frames.map((f) => plain(f, frames));
  return `\ufeff${tables.map((rows) => rows.map((r) => r.map(cell).join(',')).join('\r\n')).join('\r\n\r\n')}\r\n`;
}

const time = (v: unknown): unknown => (typeof v === 'number' && Number.isFinite(v) ? new Date(v).toISOString() : v);

function plain(f: DataFrame, all: DataFrame[]): unknown[][] {
  const rows: unknown[][] = [f.fields.map((x) => nameOf(x, f, all))];
  for (let i = 0; i < f.length; i++) {
    rows.push(f.fields.map((x) => {
      const v = x.values[i] as unknown;
      return x.type === FieldType.time ? time(v) : v;
    }));
  }
  return rows;
}

function joined(series: DataFrame[], all: DataFrame[]): unknown[][] {
  const columns = series.flatMap((f) => f.fields.filter((x) => x.type === FieldType.number).map((field) => ({ f, field })));
  const at = new Map<number, unknown[]>();
  columns.forEach(({ f, field }, c) => {
    const times = f.fields.find((x) => x.type === FieldType.time)!.values as number[];
    times.forEach((x, i) => {
      let row = at.get(x);
      if (!row) at.set(x, (row = new Array<unknown>(columns.length).fill(null)));
      row[c] = field.values[i] as unknown;
    });
  });
  return [['Time', ...columns.map(({ f, field }) => nameOf(field, f, all))], ...[...at.keys()].sort((a, b) => a - b).map((x) => [time(x), ...at.get(x)!])];
}
