// Times in the formats that texts of dashboards name, such as ${__from:date:YYYY-MM}.
import type { Zone } from '../time/range';
import { writeTime } from '../time/tokens';

/** formatDate writes a moment by tokens in a zone; "iso" and "seconds" are Grafana's own. */
export function formatDate(at: number, format: string, zone: Zone): string {
  if (format === '' || format === 'iso') return new Date(at).toISOString();
  if (format === 'seconds') return String(Math.floor(at / 1000));
  return writeTime(at, format, zone);
}
