// From the frames of a panel's queries to frames that only have to be drawn.
import { applyFieldOverrides, getFieldDisplayName, getFrameMatchers, transformDataFrame, type DataFrame, type DataTransformerConfig, type InterpolateFunction, type ScopedVars } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

import type { Panel, Transformation, Warning } from '../model/dashboard';
import type { Drawn, ThemeMode } from '../model/door';
import { interpolate, type Formatter } from '../model/interpolate';
import { clip, isObject, object, text, type Json } from '../model/read';
import { safeUrl } from '../model/read-link';
import type { Scope } from '../model/scope';
import type { Zone } from '../time/range';
import { longestIn, safeConfig, safeFields, unsafeIn } from './guard';
import { lookupOf } from './lookup';
import { registryFor, theirIds } from './registry';
import { themes } from './theme';

const ownIds = new Set(['append', 'timeSeriesTable', 'prepareTimeSeries', 'joinByLabels', 'partitionByValues', 'configFromData', 'rowsToFields', 'heatmap', 'regression', 'extractFields']);

/** Every transformation that is carried out here. */
export const knownTransformations: ReadonlySet<string> = new Set([...theirIds, ...ownIds]);

/** replacer fills variables in as the package asks for it: with a context of data, and a format or a function that makes one. */
export function replacer(scope: Scope): InterpolateFunction {
  return (value: string, vars?: ScopedVars, format?: unknown) => interpolate(value, { ...scope, lookup: lookupOf(vars) }, typeof format === 'function' || typeof format === 'string' ? (format as Formatter) : 'glob');
}

async function transform(list: readonly Transformation[], frames: DataFrame[], scope: Scope, warnings: Warning[]): Promise<DataFrame[]> {
  let now = frames;
  const fill = (s: string): string => interpolate(s, scope);
  for (const t of list) {
    if (t.disabled) continue;
    const warn = (en: string, zh: string): void => void warnings.push({ path: `transformation ${t.id}`, en, zh });
    if (t.topic === 'annotations') {
      warn(`the transformation ${t.id} is about annotations, which are shown as they are`, `转换 ${t.id} 针对注释，注释按原样显示`);
      continue;
    }
    if (!knownTransformations.has(t.id)) {
      warn(`the transformation ${clip(t.id)} is not carried out here; the data is shown without it`, `不支持转换 ${clip(t.id)}，数据未经其处理`);
      continue;
    }
    const longest = longestIn(now);
    // Those of this console look at the length of a text themselves.
    const unsafe = unsafeIn(t.options, ownIds.has(t.id) ? () => 0 : longest) ?? unsafeIn(t.filter, longest);
    if (unsafe) {
      warn(`the transformation ${t.id} was left out: ${unsafe.en}`, `已跳过转换 ${t.id}：${unsafe.zh}`);
      continue;
    }
    try {
      if (ownIds.has(t.id)) now = await ours(t, now, fill, warn);
      else now = await firstValueFrom(transformDataFrame([{ id: t.id, options: t.options, filter: t.filter } as DataTransformerConfig], now, { interpolate: fill }));
    } catch (e) {
      warn(`the transformation ${t.id} failed, and was left out: ${clip(String(e), 120)}`, `转换 ${t.id} 失败，已跳过：${clip(String(e), 120)}`);
    }
  }
  return now;
}

/** ours runs a transformation of this console on the frames that its filter names, and keeps the others before them. */
async function ours(t: Transformation, frames: DataFrame[], fill: (s: string) => string, warn: (en: string, zh: string) => void): Promise<DataFrame[]> {
  const f = (await import('./transform/index')).own[t.id]!;
  const options = filled(t.options, fill) as Json;
  if (!t.filter) return f(frames, options, warn);
  const matches = getFrameMatchers(t.filter);
  return [...frames.filter((x) => !matches(x)), ...f(frames.filter((x) => matches(x)), options, warn)];
}

function filled(v: unknown, fill: (s: string) => string): unknown {
  if (typeof v === 'string') return fill(v);
  if (Array.isArray(v)) return v.map((x) => filled(x, fill));
  if (isObject(v)) return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, filled(x, fill)]));
  return v;
}

/** pipeline runs the transformations and applies field options: every field has display, state.displayName and config. */
export async function pipeline(panel: Panel, frames: DataFrame[], scope: Scope, mode: ThemeMode, zone: Zone): Promise<Drawn> {
  const warnings: Warning[] = [];
  const series = await transform(panel.transformations, frames, scope, warnings);
  const source = safeConfig(panel.fieldConfig, longestIn(series), warnings);
  const drawn = applyFieldOverrides({
    data: series, fieldConfig: source, replaceVariables: replacer(scope), theme: themes[mode], timeZone: zone, fieldConfigRegistry: registryFor(source),
    // A variable in a link may bring a scheme with it.
    dataLinkPostProcessor: ({ linkModel }) => (safeUrl(linkModel.href) ? linkModel : undefined),
  });
  for (const f of drawn) for (const field of f.fields) getFieldDisplayName(field, f, drawn);
  // Panels of values leave it out themselves; here it is said.
  safeFields(text(object(panel.options.reduceOptions).fields), longestIn(drawn), warnings);
  return { frames: drawn, warnings };
}

