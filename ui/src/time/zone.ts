// What clocks of time zones show. The browser knows every zone; nothing of them is shipped.
import type { Zone } from './range';

export interface Parts {
  year: number;
  month: number; // from 0
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<Zone, Intl.DateTimeFormat>();

/** zoneName is what Intl calls a zone; the browser's own has no name. */
export function zoneName(zone: Zone): string | undefined {
  return zone === 'browser' || zone === '' ? undefined : zone === 'utc' ? 'UTC' : zone;
}

/** isZone tells whether there is a zone of that name. */
export function isZone(zone: Zone): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

// Making a format takes some fifty times as long as using it.
function formatOf(zone: Zone): Intl.DateTimeFormat {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat('en-US', {
      timeZone: zoneName(zone), calendar: 'gregory', hourCycle: 'h23', era: 'short', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    formats.set(zone, f);
  }
  return f;
}

/** partsOf is what the clock of a zone shows at a moment. */
export function partsOf(at: number, zone: Zone): Parts {
  const of: Record<string, string> = {};
  for (const p of formatOf(zone).formatToParts(at)) of[p.type] = p.value;
  const year = Number(of.year);
  return { year: of.era?.startsWith('B') ? 1 - year : year, month: Number(of.month) - 1, day: Number(of.day), hour: Number(of.hour), minute: Number(of.minute), second: Number(of.second) };
}

/** wallOf is the moment at which a clock of UTC shows the parts. */
export function wallOf(p: Parts): number {
  // Date.UTC alone takes the years below 100 for those of the last century.
  return new Date(0).setUTCFullYear(p.year, p.month, p.day) + ((p.hour * 60 + p.minute) * 60 + p.second) * 1000;
}

/** zoneOffset is how far the clock of a zone is ahead of UTC at a moment, in milliseconds. */
export function zoneOffset(at: number, zone: Zone): number {
  return zone === 'utc' ? 0 : wallOf(partsOf(at, zone)) - Math.floor(at / 1000) * 1000;
}
