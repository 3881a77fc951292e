// Times written by tokens such as YYYY-MM-DD, which is how dashboards name formats.
import type { Zone } from './range';
import { zoneName, zoneOffset } from './zone';

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const day = 864e5;

const pad = (n: number, to: number): string => `${n < 0 ? '-' : ''}${String(Math.abs(n)).padStart(to, '0')}`;

function ordinal(n: number): string {
  const last = n % 10;
  return `${n}${Math.floor((n % 100) / 10) === 1 ? 'th' : last === 1 ? 'st' : last === 2 ? 'nd' : last === 3 ? 'rd' : 'th'}`;
}

const yearStart = (year: number): number => new Date(0).setUTCFullYear(year, 0, 1);

/** weekOf is the year and number of the week, where weeks begin on firstDay and the first of a year has the given day of January in it. */
function weekOf(wall: Date, firstDay: number, holds: number): { year: number; week: number } {
  const startOf = (year: number): number => {
    const held = yearStart(year) + (holds - 1) * day;
    return held - ((new Date(held).getUTCDay() - firstDay + 7) % 7) * day;
  };
  let year = wall.getUTCFullYear();
  if (wall.getTime() >= startOf(year + 1)) year++;
  else if (wall.getTime() < startOf(year)) year--;
  return { year, week: Math.floor((wall.getTime() - startOf(year)) / (7 * day)) + 1 };
}

function offsetText(offset: number, colon: string): string {
  const minutes = Math.round(Math.abs(offset) / 6e4);
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${colon}${pad(minutes % 60, 2)}`;
}

const abbreviations = new Map<Zone, Intl.DateTimeFormat>();

/** abbreviation is the short name of a zone, as far as the browser has one in English. */
function abbreviation(at: number, zone: Zone): string {
  if (zoneName(zone) === undefined) return '';
  let f = abbreviations.get(zone);
  if (!f) abbreviations.set(zone, (f = new Intl.DateTimeFormat('en-US', { timeZone: zoneName(zone), timeZoneName: 'short' })));
  return f.formatToParts(at).find((p) => p.type === 'timeZoneName')?.value ?? '';
}

/** Formats that stand for others. */
const long: Record<string, string> = {
  LTS: 'h:mm:ss A', LT: 'h:mm A', L: 'MM/DD/YYYY', LL: 'MMMM D, YYYY', LLL: 'MMMM D, YYYY h:mm A', LLLL: 'dddd, MMMM D, YYYY h:mm A',
  l: 'M/D/YYYY', ll: 'MMM D, YYYY', lll: 'MMM D, YYYY h:mm A', llll: 'ddd, MMM D, YYYY h:mm A',
};

interface Clock {
  at: number;
  zone: Zone;
  offset: number;
  /** Its fields in UTC are what the clock of the zone shows. */
  wall: Date;
}

const dayOfYear = (w: Date): number => Math.floor((w.getTime() - yearStart(w.getUTCFullYear())) / day) + 1;
const twelve = (w: Date): number => w.getUTCHours() % 12 || 12;
const usWeek = (w: Date): { year: number; week: number } => weekOf(w, 0, 1);
const isoWeek = (w: Date): { year: number; week: number } => weekOf(w, 1, 4);

/** write has what each token writes. */
const write: Record<string, (c: Clock) => string> = {
  YYYYYY: ({ wall }) => `${wall.getUTCFullYear() < 0 ? '' : '+'}${pad(wall.getUTCFullYear(), 6)}`,
  YYYYY: ({ wall }) => pad(wall.getUTCFullYear(), 5),
  YYYY: ({ wall }) => pad(wall.getUTCFullYear(), 4),
  YY: ({ wall }) => pad(wall.getUTCFullYear() % 100, 2),
  Y: ({ wall }) => String(wall.getUTCFullYear()),
  Qo: ({ wall }) => ordinal(Math.floor(wall.getUTCMonth() / 3) + 1),
  Q: ({ wall }) => String(Math.floor(wall.getUTCMonth() / 3) + 1),
  MMMM: ({ wall }) => months[wall.getUTCMonth()]!,
  MMM: ({ wall }) => months[wall.getUTCMonth()]!.slice(0, 3),
  MM: ({ wall }) => pad(wall.getUTCMonth() + 1, 2),
  Mo: ({ wall }) => ordinal(wall.getUTCMonth() + 1),
  M: ({ wall }) => String(wall.getUTCMonth() + 1),
  DDDD: ({ wall }) => pad(dayOfYear(wall), 3),
  DDDo: ({ wall }) => ordinal(dayOfYear(wall)),
  DDD: ({ wall }) => String(dayOfYear(wall)),
  DD: ({ wall }) => pad(wall.getUTCDate(), 2),
  Do: ({ wall }) => ordinal(wall.getUTCDate()),
  D: ({ wall }) => String(wall.getUTCDate()),
  dddd: ({ wall }) => days[wall.getUTCDay()]!,
  ddd: ({ wall }) => days[wall.getUTCDay()]!.slice(0, 3),
  dd: ({ wall }) => days[wall.getUTCDay()]!.slice(0, 2),
  do: ({ wall }) => ordinal(wall.getUTCDay()),
  d: ({ wall }) => String(wall.getUTCDay()),
  e: ({ wall }) => String(wall.getUTCDay()),
  E: ({ wall }) => String(wall.getUTCDay() || 7),
  gggg: ({ wall }) => pad(usWeek(wall).year, 4),
  gg: ({ wall }) => pad(usWeek(wall).year % 100, 2),
  ww: ({ wall }) => pad(usWeek(wall).week, 2),
  wo: ({ wall }) => ordinal(usWeek(wall).week),
  w: ({ wall }) => String(usWeek(wall).week),
  GGGG: ({ wall }) => pad(isoWeek(wall).year, 4),
  GG: ({ wall }) => pad(isoWeek(wall).year % 100, 2),
  WW: ({ wall }) => pad(isoWeek(wall).week, 2),
  Wo: ({ wall }) => ordinal(isoWeek(wall).week),
  W: ({ wall }) => String(isoWeek(wall).week),
  A: ({ wall }) => (wall.getUTCHours() < 12 ? 'AM' : 'PM'),
  a: ({ wall }) => (wall.getUTCHours() < 12 ? 'am' : 'pm'),
  HH: ({ wall }) => pad(wall.getUTCHours(), 2),
  H: ({ wall }) => String(wall.getUTCHours()),
  hh: ({ wall }) => pad(twelve(wall), 2),
  h: ({ wall }) => String(twelve(wall)),
  kk: ({ wall }) => pad(wall.getUTCHours() || 24, 2),
  k: ({ wall }) => String(wall.getUTCHours() || 24),
  Hmmss: (c) => writeTokens('H', c) + writeTokens('mmss', c),
  Hmm: (c) => writeTokens('H', c) + writeTokens('mm', c),
  hmmss: (c) => writeTokens('h', c) + writeTokens('mmss', c),
  hmm: (c) => writeTokens('h', c) + writeTokens('mm', c),
  mm: ({ wall }) => pad(wall.getUTCMinutes(), 2),
  m: ({ wall }) => String(wall.getUTCMinutes()),
  ss: ({ wall }) => pad(wall.getUTCSeconds(), 2),
  s: ({ wall }) => String(wall.getUTCSeconds()),
  X: ({ at }) => String(Math.floor(at / 1000)),
  x: ({ at }) => String(Math.trunc(at)),
  ZZ: ({ offset }) => offsetText(offset, ''),
  Z: ({ offset }) => offsetText(offset, ':'),
  z: ({ at, zone }) => abbreviation(at, zone),
  zz: ({ at, zone }) => abbreviation(at, zone),
};

// What is in brackets or behind a backslash is written as it is. A token is the longest that fits.
const tokens = new RegExp(`\\[([^\\[\\]]*)\\]|\\\\(.)|S{1,9}|${[...Object.keys(write), ...Object.keys(long)].sort((a, b) => b.length - a.length).join('|')}`, 'g');

function writeTokens(format: string, c: Clock): string {
  return format.replace(tokens, (token: string, literal: string | undefined, escaped: string | undefined) => {
    if (literal !== undefined) return literal;
    if (escaped !== undefined) return escaped;
    if (token.startsWith('S')) return pad(c.wall.getUTCMilliseconds(), 3).padEnd(token.length, '0').slice(0, token.length);
    const whole = long[token];
    return whole === undefined ? write[token]!(c) : writeTokens(whole, c);
  });
}

/** writeTime writes a moment in a zone by the tokens of a format, in English, as Moment does: YYYY-MM-DD HH:mm:ss.SSS, [literally], Do MMM … */
export function writeTime(at: number, format: string, zone: Zone): string {
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return 'Invalid date';
  const offset = zoneOffset(at, zone);
  return writeTokens(format, { at, zone, offset, wall: new Date(at + offset) });
}
