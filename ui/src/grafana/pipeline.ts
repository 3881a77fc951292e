// From the frames of a panel's queries to frames that only have to be drawn.
import { applyFieldOverrides, FieldType, getFieldDisplayName, type ApplyFieldOverrideOptions, type DataFrame, type FieldConfigSource, type InterpolateFunction, type ScopedVars } from '@grafana/data';

import { Slices } from '../api/slices';
import type { Panel, Transformation, Warning } from '../model/dashboard';
import type { Drawn, ThemeMode } from '../model/door';
import { interpolate, type Formatter } from '../model/interpolate';
import { clip, isObject } from '../model/read';
import { safeUrl } from '../model/read-link';
import { isSafe, safeRegex } from '../model/regex';
import type { Scope } from '../model/scope';
import type { Zone } from '../time/range';
import { lookupOf } from './lookup';
import { registryFor } from './registry';
import { themes } from './theme';
import { knownTransformations } from './transform/ids';

/** replacer fills variables in as the package asks for it: with a context of data, and a format or a function that makes one. */
export function replacer(scope: Scope): InterpolateFunction {
  return (value: string, vars?: ScopedVars, format?: unknown) => interpolate(value, { ...scope, lookup: lookupOf(vars) }, typeof format === 'function' || typeof format === 'string' ? (format as Formatter) : 'glob');
}

/** Names under which transformations keep regular expressions. */
const regexKeys = new Set(['regex', 'pattern', 'regExp', 'fieldRegex']);

/** unsafeIn finds a regular expression in options that could freeze the page. */
function unsafeIn(v: unknown, key = '', depth = 0): string | undefined {
  if (depth > 12) return 'options nest too deep';
  if (typeof v === 'string') {
    if (!regexKeys.has(key)) return undefined;
    const r = safeRegex(v);
    return isSafe(r) ? undefined : `${clip(v, 40)}: ${r.en}`;
  }
  if (typeof v !== 'object' || v === null) return undefined;
  // Matchers keep theirs under "options", beside the id that says so.
  if (isObject(v) && /regex/i.test(String(v.id)) && typeof v.options === 'string') {
    const r = safeRegex(v.options);
    if (!isSafe(r)) return `${clip(v.options, 40)}: ${r.en}`;
  }
  for (const [k, x] of Object.entries(v)) {
    const found = unsafeIn(x, Array.isArray(v) ? key : k, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
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
    const unsafe = unsafeIn(t.options) ?? unsafeIn(t.filter);
    if (unsafe !== undefined) {
      warn(`the transformation ${t.id} was left out: ${unsafe}`, `已跳过转换 ${t.id}：${unsafe}`);
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

/** checked leaves out overrides and mappings whose regular expression could freeze the page. */
function checked(source: FieldConfigSource, warnings: Warning[]): FieldConfigSource {
  const bad = (v: unknown, what: string): boolean => {
    const found = unsafeIn(v);
    if (found !== undefined) warnings.push({ path: 'fieldConfig', en: `${what} was left out: ${found}`, zh: `已跳过${what}：${found}` });
    return found !== undefined;
  };
  const overrides = source.overrides.filter((o) => !bad(o.matcher, 'an override'));
  const mappings = source.defaults.mappings?.filter((m) => m.type !== 'regex' || !bad(m.options, 'a mapping'));
  if (overrides.length === source.overrides.length && mappings?.length === source.defaults.mappings?.length) return source;
  return { defaults: { ...source.defaults, ...(mappings ? { mappings } : {}) }, overrides };
}

const checkedOf = new WeakMap<FieldConfigSource, { source: FieldConfigSource; warnings: Warning[] }>();

/** fieldConfigOf gives field options that are safe to apply; the answer is the same object for the same panel. */
export function fieldConfigOf(panel: Panel): { source: FieldConfigSource; warnings: Warning[] } {
  let kept = checkedOf.get(panel.fieldConfig);
  if (!kept) {
    const warnings: Warning[] = [];
    kept = { source: checked(panel.fieldConfig, warnings), warnings };
    checkedOf.set(panel.fieldConfig, kept);
  }
  return kept;
}

/** pipeline runs the transformations and applies field options: every field has display, state.displayName and config. */
export async function pipeline(panel: Panel, frames: DataFrame[], scope: Scope, mode: ThemeMode, zone: Zone): Promise<Drawn> {
  const { source, warnings: about } = fieldConfigOf(panel);
  const warnings = [...about];
  const series = await transform(panel.transformations, frames, scope, warnings);
  const drawn = await overridden(series, {
    fieldConfig: source, replaceVariables: replacer(scope), theme: themes[mode], timeZone: zone, fieldConfigRegistry: registryFor(source),
    // A variable in a link may bring a scheme with it.
    dataLinkPostProcessor: ({ linkModel }) => (safeUrl(linkModel.href) ? linkModel : undefined),
  });
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

