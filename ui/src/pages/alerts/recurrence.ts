import type { Language } from '../../i18n';

/** A rule of RFC 5545 as far as it is worked out here. */
export interface Recurrence {
  freq: 'DAILY' | 'WEEKLY' | 'MONTHLY';
  interval: number;
  days: number[]; // 0 is Sunday
  monthDays: number[];
  count?: number;
  until?: number;
}

const dayNames = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/** recurrence reads a rule; undefined where it has more than days, weeks, months, BYDAY and BYMONTHDAY, which the server understands all the same. */
export function recurrence(text: string): Recurrence | undefined {
  const parts = new Map<string, string>();
  for (const part of text.trim().replace(/^RRULE:/i, '').toUpperCase().split(';')) {
    const [k, v, more] = part.split('=');
    if (!k || !v || more !== undefined || parts.has(k)) return undefined;
    parts.set(k, v);
  }
  const freq = parts.get('FREQ');
  if (freq !== 'DAILY' && freq !== 'WEEKLY' && freq !== 'MONTHLY') return undefined;
  const out: Recurrence = { freq, interval: 1, days: [], monthDays: [] };
  for (const [k, v] of parts) {
    switch (k) {
      case 'FREQ':
      case 'WKST':
        break;
      case 'INTERVAL':
      case 'COUNT':
        if (!/^[1-9]\d{0,4}$/.test(v)) return undefined;
        if (k === 'COUNT') out.count = Number(v);
        else out.interval = Number(v);
        break;
      case 'BYDAY': {
        out.days = v.split(',').map((d) => dayNames.indexOf(d));
        if (out.days.includes(-1) || freq === 'MONTHLY') return undefined;
        break;
      }
      case 'BYMONTHDAY': {
        out.monthDays = v.split(',').map(Number);
        if (freq !== 'MONTHLY' || out.monthDays.some((d) => !Number.isInteger(d) || d < 1 || d > 31)) return undefined;
        break;
      }
      case 'UNTIL': {
        const u = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z)?$/.exec(v);
        if (!u) return undefined;
        out.until = Date.UTC(Number(u[1]), Number(u[2]) - 1, Number(u[3]), Number(u[4] ?? 23), Number(u[5] ?? 59), Number(u[6] ?? 59));
        break;
      }
      default:
        return undefined;
    }
  }
  if (parts.get('WKST') && parts.get('WKST') !== 'MO' && out.interval > 1) return undefined;
  return out;
}

/** offset is how many milliseconds the clocks of a zone are ahead of UTC at a moment. */
function offset(at: number, zone: string): number {
  const p: Record<string, number> = {};
  const f = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  for (const x of f.formatToParts(at)) p[x.type] = Number(x.value);
  return Date.UTC(p.year!, p.month! - 1, p.day!, p.hour!, p.minute!, p.second!) - Math.floor(at / 1000) * 1000;
}

const day = 86_400_000;

/** instantOf is when the clocks of a zone show a time that is written as if it were UTC: the first time where they show it twice. */
export function instantOf(wall: number, zone: string): number {
  const before = offset(wall - day, zone);
  for (const o of [before, offset(wall + day, zone)]) if (offset(wall - o, zone) === o) return wall - o;
  return wall - before; // clocks leave it out
}

/** occurrences are the next n beginnings after a moment. The time of day stays what the zone's clocks show. */
export function occurrences(r: Recurrence, start: number, zone: string, after: number, n: number): number[] {
  const wall = start + offset(start, zone);
  const timeOfDay = ((wall % day) + day) % day;
  const firstDay = wall - timeOfDay;
  const monday = firstDay - ((new Date(firstDay).getUTCDay() + 6) % 7) * day;
  const out: number[] = [];
  let seen = 0;
  const first = new Date(firstDay);
  for (let d = 0; d < 366 * 60 && out.length < n; d++) {
    const at = firstDay + d * day;
    const date = new Date(at);
    let hit: boolean;
    if (r.freq === 'DAILY') hit = d % r.interval === 0 && (r.days.length === 0 || r.days.includes(date.getUTCDay()));
    else if (r.freq === 'WEEKLY') hit = Math.floor((at - monday) / (7 * day)) % r.interval === 0 && (r.days.length === 0 ? date.getUTCDay() === first.getUTCDay() : r.days.includes(date.getUTCDay()));
    else hit = ((date.getUTCFullYear() - first.getUTCFullYear()) * 12 + date.getUTCMonth() - first.getUTCMonth()) % r.interval === 0 && (r.monthDays.length === 0 ? date.getUTCDate() === first.getUTCDate() : r.monthDays.includes(date.getUTCDate()));
    if (!hit) continue;
    const moment = instantOf(at + timeOfDay, zone);
    if (r.until !== undefined && moment > r.until) break;
    seen++;
    if (r.count !== undefined && seen > r.count) break;
    if (moment > after) out.push(moment);
  }
  return out;
}

/** inWords says a rule as people do. */
export function inWords(r: Recurrence, l: Language): string {
  const names = (ds: number[]): string => ds.map((d) => new Intl.DateTimeFormat(l === 'zh' ? 'zh-CN' : 'en-GB', { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2026, 10, 1 + d))).join(l === 'zh' ? '、' : ', ');
  const n = r.interval;
  let text: string;
  if (l === 'zh') {
    text = r.freq === 'DAILY' ? (n === 1 ? '每天' : `每 ${n} 天`) : r.freq === 'WEEKLY' ? (n === 1 ? '每周' : `每 ${n} 周`) : n === 1 ? '每月' : `每 ${n} 个月`;
    if (r.days.length > 0) text += `，${names(r.days)}`;
    if (r.monthDays.length > 0) text += `，${r.monthDays.join('、')} 日`;
    if (r.count) text += `，共 ${r.count} 次`;
    return text;
  }
  const unit = { DAILY: 'day', WEEKLY: 'week', MONTHLY: 'month' }[r.freq];
  text = n === 1 ? `every ${unit}` : `every ${n} ${unit}s`;
  if (r.days.length > 0) text += ` on ${names(r.days)}`;
  if (r.monthDays.length > 0) text += ` on day ${r.monthDays.join(', ')}`;
  if (r.count) text += `, ${r.count} times`;
  return text;
}
