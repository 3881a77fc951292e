// Stands in for the dates of @grafana/data where values are displayed: Moment
// with the data of all zones is as large as all else that a dashboard needs of
// the package, and the browser has the zones. Transformations that read dates
// in formats of their own keep Moment, in the chunk that they are loaded with.
import { language } from '../i18n';
import type { Zone } from '../time/range';
import { writeTime } from '../time/tokens';
import { isZone } from '../time/zone';

export type DateTimeInput = string | number | Date | DateTime | null | undefined;

interface Options {
  format?: string;
  timeZone?: Zone;
  defaultWithMS?: boolean;
}

/** A moment and the zone that it is written in. */
export class DateTime {
  constructor(private readonly at: number, private readonly zone: Zone) {}

  valueOf(): number {
    return this.at;
  }

  unix(): number {
    return Math.floor(this.at / 1000);
  }

  isValid(): boolean {
    return !Number.isNaN(this.at);
  }

  isBefore(other: DateTimeInput): boolean {
    return this.at < instant(other, this.zone);
  }

  /** isSame tells whether both are on one day of the clock; no other unit is asked for. */
  isSame(other: DateTimeInput, unit: 'day'): boolean {
    if (unit !== 'day') throw new Error(`no comparison by ${String(unit)}`);
    return this.format('YYYY-MM-DD') === new DateTime(instant(other, this.zone), this.zone).format('YYYY-MM-DD');
  }

  format(tokens: string): string {
    return writeTime(this.at, tokens, this.zone);
  }
}

/** What ISO 8601 allows: a date, and a time with or without a zone. */
const iso = /^\s*(\d{4})(?:-?(\d\d)(?:-?(\d\d))?)?(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?\s*$/;

function parse(text: string, zone: Zone): number {
  const m = iso.exec(text);
  // What is written in another way means UTC where that is asked for, unless it says otherwise.
  if (!m) return Date.parse(zone === 'utc' && !/(GMT|UTC|[+-]\d{4})\s*$/.test(text) ? `${text} UTC` : text);
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', offset] = m;
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}`;
  if (offset !== undefined && offset !== 'Z') return Date.parse(`${written}${offset.slice(0, 3)}:${offset.slice(3).replace(':', '') || '00'}`);
  return Date.parse(offset === 'Z' || zone === 'utc' ? `${written}Z` : written);
}

function instant(input: DateTimeInput, zone: Zone): number {
  if (input === undefined) return Date.now();
  if (input === null) return NaN;
  return typeof input === 'string' ? parse(input, zone) : Number(input);
}

export const isDateTime = (v: unknown): v is DateTime => v instanceof DateTime;
export const isDateTimeInput = (v: unknown): v is DateTimeInput => v === null || typeof v === 'string' || typeof v === 'number' || v instanceof Date || isDateTime(v);
export const dateTime = (input?: DateTimeInput): DateTime => new DateTime(instant(input, 'browser'), 'browser');
export const toUtc = (input?: DateTimeInput): DateTime => new DateTime(instant(input, 'utc'), 'utc');

/** toDuration is told milliseconds and asked for hours, and nothing else. */
export function toDuration(n: number, unit: 'milliseconds'): { asHours: () => number } {
  if (unit !== 'milliseconds') throw new Error(`no duration in ${String(unit)}`);
  return { asHours: () => n / 36e5 };
}

const defaults = { time: 'YYYY-MM-DD HH:mm:ss', millis: 'YYYY-MM-DD HH:mm:ss.SSS' };

const zoneOf = (o: Options | undefined): Zone => (o?.timeZone && isZone(o.timeZone) ? o.timeZone : 'browser');

export const dateTimeParse = (value: DateTimeInput): DateTime => (isDateTime(value) ? value : dateTime(value));

export function dateTimeFormat(value: DateTimeInput, options?: Options): string {
  return writeTime(instant(value, 'utc'), options?.format ?? (options?.defaultWithMS ? defaults.millis : defaults.time), zoneOf(options));
}

type Unit = 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year';

/** From how many of a unit on a duration is told in the next one. */
const steps: [unit: Unit, limit: number, ms: number][] = [['second', 45, 1e3], ['minute', 45, 6e4], ['hour', 22, 36e5], ['day', 26, 864e5]];
const meanMonth = (146_097 / 4800) * 864e5;

const chinese: Record<Unit, string> = { second: '秒', minute: '分钟', hour: '小时', day: '天', month: '个月', year: '年' };

/** dateTimeFormatTimeAgo tells how long ago or ahead a moment is: "5 minutes ago", "in a day". */
export function dateTimeFormatTimeAgo(value: DateTimeInput): string {
  const at = instant(value, 'utc');
  const zh = language() === 'zh';
  if (Number.isNaN(at)) return zh ? '无效日期' : 'Invalid date';
  const now = Date.now();
  const ahead = at > now;
  const [n, unit] = ahead ? roughly(now, at) : roughly(at, now);
  if (zh) return `${unit === 'second' ? '几秒' : `${n} ${chinese[unit]}`}${ahead ? '后' : '前'}`;
  const text = unit === 'second' ? 'a few seconds' : n > 1 ? `${n} ${unit}s` : unit === 'hour' ? 'an hour' : `a ${unit}`;
  return ahead ? `in ${text}` : `${text} ago`;
}

function roughly(from: number, to: number): [n: number, unit: Unit] {
  for (const [unit, limit, size] of steps) {
    const n = Math.round((to - from) / size);
    if (n < limit) return [Math.max(1, n), unit];
  }
  const between = monthsBetween(from, to);
  const months = Math.round(between);
  return months < 11 ? [Math.max(1, months), 'month'] : [Math.max(1, Math.round(between / 12)), 'year'];
}

/** monthsBetween counts the months of the calendar, and takes what is left as parts of a mean month. */
function monthsBetween(from: number, to: number): number {
  const [a, b] = [new Date(from), new Date(to)];
  const after = (n: number): number => {
    const end = new Date(Date.UTC(a.getUTCFullYear(), a.getUTCMonth() + n + 1, 0)).getUTCDate();
    return new Date(from).setUTCMonth(a.getUTCMonth() + n, Math.min(a.getUTCDate(), end));
  };
  let n = (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
  if (after(n) > to) n--;
  return n + (to - after(n)) / meanMonth;
}
