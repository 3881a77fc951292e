// Times in the formats that texts of dashboards name, such as ${__from:date:YYYY-MM}.
import type { Zone } from '../time/range';

const two = (n: number): string => String(n).padStart(2, '0');

function offsetOf(at: number, zone: string | undefined): string {
  const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(at).find((p) => p.type === 'timeZoneName')?.value ?? 'GMT';
  return name === 'GMT' ? '+00:00' : name.replace('GMT', '');
}

/** formatDate writes a moment by tokens (YYYY, MM, DD, HH, mm, ss, …) in a zone; "iso" and "seconds" are Grafana's own. */
export function formatDate(at: number, format: string, zone: Zone): string {
  if (format === '' || format === 'iso') return new Date(at).toISOString();
  if (format === 'seconds') return String(Math.floor(at / 1000));
  const timeZone = zone === 'browser' || zone === '' ? undefined : zone === 'utc' ? 'UTC' : zone;
  const parts: Record<string, string> = {};
  const f = new Intl.DateTimeFormat('en-US', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', weekday: 'long',
  });
  for (const p of f.formatToParts(at)) parts[p.type] = p.value;
  const [month, day, hour, minute, second] = ['month', 'day', 'hour', 'minute', 'second'].map((k) => Number(parts[k])) as [number, number, number, number, number];
  const monthName = new Intl.DateTimeFormat('en-US', { timeZone, month: 'long' }).format(at);
  const of: Record<string, () => string> = {
    YYYY: () => parts.year!, YY: () => parts.year!.slice(-2), MMMM: () => monthName, MMM: () => monthName.slice(0, 3), MM: () => two(month), M: () => String(month),
    DD: () => two(day), D: () => String(day), dddd: () => parts.weekday!, ddd: () => parts.weekday!.slice(0, 3), HH: () => two(hour), H: () => String(hour),
    hh: () => two(hour % 12 || 12), h: () => String(hour % 12 || 12), mm: () => two(minute), m: () => String(minute), ss: () => two(second), s: () => String(second),
    SSS: () => String(((at % 1000) + 1000) % 1000).padStart(3, '0'), A: () => (hour < 12 ? 'AM' : 'PM'), a: () => (hour < 12 ? 'am' : 'pm'),
    X: () => String(Math.floor(at / 1000)), x: () => String(at), Z: () => offsetOf(at, timeZone), ZZ: () => offsetOf(at, timeZone).replace(':', ''),
  };
  return format.replace(/\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|X|x|ZZ|Z/g, (token, literal: string | undefined) => literal ?? of[token]?.() ?? token);
}
