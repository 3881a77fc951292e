// Where a value lies between the limits of its field.
import { themes } from '../../grafana/theme';
import type { FieldDisplay } from '../data';

/** portion is where a value lies between limits, from 0 to 1. */
export function portion(v: number, min: number, max: number): number {
  return !(max > min) || !Number.isFinite(v) ? 0 : Math.max(0, Math.min(1, (v - min) / (max - min)));
}

/** limits are those of a field; without any a gauge goes from 0 to 100, or to 1 for a share of one. */
export function limits(v: FieldDisplay): { min: number; max: number } {
  const min = v.field.min ?? 0;
  const max = v.field.max ?? (v.field.unit === 'percentunit' ? 1 : 100);
  return max > min ? { min, max } : { min, max: min + 1 };
}

/** steps are the thresholds between limits, as portions of them. */
export function steps(v: FieldDisplay, mode: 'dark' | 'light'): { from: number; to: number; color: string; value: number }[] {
  const { min, max } = limits(v);
  const list = v.field.thresholds?.steps ?? [];
  const percent = v.field.thresholds?.mode === 'percentage';
  const at = (x: number | null): number => (x === null || !Number.isFinite(x) ? 0 : percent ? Math.max(0, Math.min(1, x / 100)) : portion(x, min, max));
  return list.slice(0, 50).map((s, i) => ({
    from: at(s.value), to: i + 1 < list.length ? at(list[i + 1]!.value) : 1, color: themes[mode].visualization.getColorByName(s.color),
    value: percent && Number.isFinite(s.value) ? min + ((max - min) * s.value) / 100 : s.value,
  })).filter((s) => s.to > s.from);
}
