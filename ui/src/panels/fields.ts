// Fields as panels read them: their texts, colours and names.
import { themes } from '../grafana/theme';
import type { Mode } from '../grafana/theme';
import { type DataFrame, type DisplayValue, type Field, FieldType, formattedValueToString, getDisplayProcessor, getFieldDisplayName, getFieldSeriesColor } from './data';
import { linkProps } from './links';

const made: Record<Mode, WeakMap<Field, (v: unknown, decimals?: number | null) => DisplayValue>> = { dark: new WeakMap(), light: new WeakMap() };

/** displayOf is what a value of a field looks like. Frames that no pipeline has seen get a processor here. */
export function displayOf(field: Field, value: unknown, mode: Mode, decimals?: number): DisplayValue {
  let f = field.display ?? made[mode].get(field);
  if (!f) {
    f = getDisplayProcessor({ field, theme: themes[mode] });
    made[mode].set(field, f);
  }
  return f(value, decimals);
}

/** textOf is a value with its unit. Numbers have three significant digits where the panel says nothing else. */
export function textOf(field: Field, value: unknown, mode: Mode, decimals?: number): string {
  return formattedValueToString(displayOf(field, value, mode, decimals));
}

export function colorOf(field: Field, mode: Mode): string {
  return getFieldSeriesColor(field, themes[mode]).color;
}

export function nameOf(field: Field, frame: DataFrame, all: DataFrame[]): string {
  return field.state?.displayName ?? getFieldDisplayName(field, frame, all);
}

export const custom = (field: Field): Record<string, unknown> => (field.config.custom ?? {}) as Record<string, unknown>;

export function hiddenFrom(field: Field, what: 'viz' | 'legend' | 'tooltip'): boolean {
  const h = custom(field).hideFrom as Record<string, unknown> | undefined;
  return h?.[what] === true;
}

export const isNumeric = (field: Field): boolean => field.type === FieldType.number || field.type === FieldType.boolean;

export interface Series {
  name: string;
  field: Field;
  frame: DataFrame;
  time: Field;
}

/** seriesOf are the numeric fields of frames that have time. */
export function seriesOf(frames: DataFrame[]): Series[] {
  const out: Series[] = [];
  for (const frame of frames) {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    if (!time) continue;
    for (const field of frame.fields) {
      if (isNumeric(field) && !hiddenFrom(field, 'viz')) out.push({ name: nameOf(field, frame, frames), field, frame, time });
    }
  }
  return out;
}

/** linksOf are the links of a value that may be followed. */
export function linksOf(field: Field, row: number | undefined): { title: string; href: string; target?: '_blank'; rel?: string }[] {
  if (!field.config.links?.length || !field.getLinks) return [];
  try {
    return field.getLinks({ valueRowIndex: row }).slice(0, 20).flatMap((l) => {
      const props = linkProps(l.href, l.target === '_blank');
      return props ? [{ title: l.title || props.href, ...props }] : [];
    });
  } catch {
    // A link whose template cannot be filled in is not followed; the value is still shown.
    return [];
  }
}
