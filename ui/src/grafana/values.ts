// Texts, colours and reduced values of frames that went through the pipeline.
import {
  fieldReducers, FieldType, formattedValueToString, getFieldColorModeForField, getFieldDisplayName, getFieldDisplayValues, reduceField, type DataFrame, type Field, type FieldDisplay,
} from '@grafana/data';

import type { Panel } from '../model/dashboard';
import type { LegendRow, Shown, ThemeMode } from '../model/door';
import { flag, num, object, text, texts } from '../model/read';
import { isSafe, safeRegex } from '../model/regex';
import type { Scope } from '../model/scope';
import type { Zone } from '../time/range';
import { fieldConfigOf, replacer } from './pipeline';
import { themes } from './theme';

/** display is the text and colour of a value, as Grafana would show it. */
export function display(field: Field, value: unknown): Shown {
  if (!field.display) return { text: text(value), color: undefined, numeric: Number(value) };
  const v = field.display(value);
  return { text: formattedValueToString(v), color: v.color, numeric: v.numeric };
}

/** seriesColor is the colour of a whole series: that of its mode, or for colours by value that of its last value. */
export function seriesColor(field: Field, mode: ThemeMode): string {
  const theme = themes[mode];
  const m = getFieldColorModeForField(field);
  if (!m.isByValue) return m.getCalculator(field, theme)(0, 0);
  const last: unknown = (reduceField({ field, reducers: ['lastNotNull'] }) as Record<string, unknown>).lastNotNull;
  return field.display?.(last).color ?? theme.visualization.palette[0]!;
}

/** Reducers whose result is no amount of the field's unit. */
const countless = new Set(['count', 'distinctCount', 'changeCount', 'countAll']);
const ratios = new Set(['diffperc']);

/** legendRows gives a row for each series, with the values that a legend names. */
export function legendRows(frames: DataFrame[], calcs: string[], mode: ThemeMode): LegendRow[] {
  const wanted = calcs.filter((id) => fieldReducers.getIfExists(id));
  const out: LegendRow[] = [];
  frames.forEach((f, frame) => f.fields.forEach((x, field) => {
    if (x.type !== FieldType.number) return;
    const hide = object((x.config.custom as Record<string, unknown> | undefined)?.hideFrom);
    if (hide.legend === true) return;
    const reduced = wanted.length > 0 ? (reduceField({ field: x, reducers: wanted }) as Record<string, unknown>) : {};
    out.push({
      name: getFieldDisplayName(x, f, frames), frame, field, color: seriesColor(x, mode),
      calcs: wanted.map((id) => {
        const value = reduced[id];
        const n = typeof value === 'number' ? value : undefined;
        const shown = countless.has(id) ? text(n) : ratios.has(id) ? (n === undefined ? '' : `${(n * 100).toFixed(1)}%`) : value === null || value === undefined ? '' : display(x, value).text;
        return { id, title: fieldReducers.get(id).name, text: shown, value: n };
      }),
    });
  }));
  return out;
}

/** statValues gives the values that stat, gauge, bargauge and piechart show, with title, colour and course. */
export function statValues(panel: Panel, frames: DataFrame[], scope: Scope, mode: ThemeMode, zone: Zone): FieldDisplay[] {
  const o = object(panel.options.reduceOptions);
  const fields = text(o.fields);
  const safe = fields === '' || isSafe(safeRegex(fields));
  return getFieldDisplayValues({
    fieldConfig: fieldConfigOf(panel).source,
    reduceOptions: { calcs: texts(o.calcs).filter((id) => fieldReducers.getIfExists(id)).concat(texts(o.calcs).length === 0 ? ['lastNotNull'] : []), values: flag(o.values), limit: num(o.limit), fields: safe ? fields : '' },
    replaceVariables: replacer(scope), theme: themes[mode], data: frames, timeZone: zone,
    sparkline: panel.type === 'stat' && text(panel.options.graphMode, 'area') !== 'none',
    percentChange: flag(panel.options.showPercentChange),
  });
}
