// From the frames of a panel's queries to frames that only have to be drawn.
import { applyFieldOverrides, FieldType, getFieldDisplayName, type ApplyFieldOverrideOptions, type DataFrame, type InterpolateFunction, type ScopedVars } from '@grafana/data';

import { Slices } from '../api/slices';
import type { Panel, Transformation, Warning } from '../model/dashboard';
import type { Drawn, ThemeMode } from '../model/door';
import { interpolate, type Formatter } from '../model/interpolate';
import { clip, object, text } from '../model/read';
import { safeUrl } from '../model/read-link';
import type { Scope } from '../model/scope';
import type { Zone } from '../time/range';
import { longestIn, safeConfig, safeFields, unsafeIn } from './guard';
import { lookupOf } from './lookup';
import { registryFor } from './registry';
import { themes } from './theme';
import { isOwn, knownTransformations } from './transform/ids';

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
    const unsafe = unsafeIn(t.options, isOwn(t.id) ? () => 0 : longest) ?? unsafeIn(t.filter, longest);
    if (unsafe) {
      warn(`the transformation ${t.id} was left out: ${unsafe.en}`, `已跳过转换 ${t.id}：${unsafe.zh}`);
      continue;
    }
    try {
      // Loaded when a panel first has one, with all that only they need of the package.
      now = await (await import('./transform/index')).run(t, now, fill, warn);
    } catch (e) {
      warn(`the transformation ${t.id} failed, and was left out: ${clip(String(e), 120)}`, `转换 ${t.id} 失败，已跳过：${clip(String(e), 120)}`);
    }
  }
  return now;
}

/** pipeline runs the transformations and applies field options: every field has display, state.displayName and config. */
export async function pipeline(panel: Panel, frames: DataFrame[], scope: Scope, mode: ThemeMode, zone: Zone): Promise<Drawn> {
  const warnings: Warning[] = [];
  const series = await transform(panel.transformations, frames, scope, warnings);
  const source = safeConfig(panel.fieldConfig, longestIn(series), warnings);
  const drawn = await overridden(series, {
    fieldConfig: source, replaceVariables: replacer(scope), theme: themes[mode], timeZone: zone, fieldConfigRegistry: registryFor(source),
    // A variable in a link may bring a scheme with it.
    dataLinkPostProcessor: ({ linkModel }) => (safeUrl(linkModel.href) ? linkModel : undefined),
  });
  // Panels of values leave it out themselves; here it is said.
  safeFields(text(object(panel.options.reduceOptions).fields), longestIn(drawn), warnings);
  return { frames: drawn, warnings };
}

/** How many series are treated at once: some 10 ms of work. */
const together = 200;

/** overridden applies field options; to many series in slices, between which the page answers to the reader. */
async function overridden(frames: DataFrame[], options: Omit<ApplyFieldOverrideOptions, 'data'>, slices = new Slices()): Promise<DataFrame[]> {
  const named = (drawn: DataFrame[], all: DataFrame[]): void => {
    for (const f of drawn) for (const field of f.fields) getFieldDisplayName(field, f, all);
  };
  if (frames.length <= together || !frames.every(isPlain)) {
    const drawn = applyFieldOverrides({ ...options, data: frames });
    named(drawn, drawn);
    return drawn;
  }
  // Colours by value depend on the extent of all series, which stands before those of each slice.
  const extent = extentOf(frames);
  const out: DataFrame[] = [];
  for (let from = 0; from < frames.length; from += together) {
    const [, ...drawn] = applyFieldOverrides({ ...options, data: [extent, ...frames.slice(from, from + together)] });
    for (const f of drawn) {
      for (const field of f.fields) {
        // Colours by place, and texts that look at other series, are about all of them.
        field.state!.seriesIndex = from + field.state!.seriesIndex! - 1;
        (field.state!.scopedVars!.__dataContext!.value as { data: DataFrame[] }).data = out;
      }
      out.push(f);
    }
    named(drawn, out);
    if (slices.spent) await slices.rest();
  }
  return out;
}

/** isPlain tells whether a frame is one series that has its name already, so that its options do not depend on other frames. */
function isPlain(f: DataFrame): boolean {
  const [time, value] = f.fields;
  return f.fields.length === 2 && time!.type === FieldType.time && value!.type === FieldType.number && !!value!.config.displayNameFromDS;
}

/** extentOf is a frame with the least and the greatest value of all. */
function extentOf(frames: DataFrame[]): DataFrame {
  let least = Infinity;
  let most = -Infinity;
  for (const f of frames) {
    for (const v of f.fields[1]!.values as (number | null)[]) {
      if (v === null) continue;
      if (v < least) least = v;
      if (v > most) most = v;
    }
  }
  const values = most >= least ? [least, most] : [];
  return { length: values.length, fields: [{ name: 'extent', type: FieldType.number, values, config: { displayNameFromDS: 'extent' } }] };
}

