// One value a field, or a row, as the panel's options say.
import { longestIn, safeConfig, safeFields } from '../../grafana/guard';
import { themes } from '../../grafana/theme';
import type { BodyProps } from '../contract';
import { type FieldConfigSource, type FieldDisplay, type GrafanaTheme2, getFieldDisplayValues } from '../data';
import { linkProps } from '../links';
import { bag, flag, num, text, texts } from '../options';

/** The most values that a panel of values shows; more are said to be left out. */
export const mostValues = 250;

/** valuesOf reduces frames. Without calculations it is the last value. */
export function valuesOf(p: BodyProps, extra: { sparkline?: boolean; percentChange?: boolean } = {}): FieldDisplay[] {
  const r = bag(p.panel.options, 'reduceOptions');
  const calcs = texts(r, 'calcs');
  const longest = longestIn(p.frames);
  const fieldConfig: FieldConfigSource = p.panel.fieldConfig ? safeConfig(p.panel.fieldConfig, longest) : { defaults: {}, overrides: [] };
  return getFieldDisplayValues({
    data: p.frames, fieldConfig,
    reduceOptions: { values: flag(r, 'values'), calcs: calcs.length > 0 ? calcs.slice(0, 4) : ['lastNotNull'], fields: safeFields(text(r, 'fields'), longest), limit: Math.min(mostValues, num(r, 'limit') ?? (flag(r, 'values') ? 25 : mostValues)) },
    replaceVariables: (value) => p.replace(value ?? '', 'text'),
    theme: themes[p.mode] as GrafanaTheme2,
    timeZone: p.zone,
    sparkline: extra.sparkline ?? false,
    percentChange: extra.percentChange,
  }).slice(0, mostValues);
}

/** linkOf is the first link of a value that may be followed. */
export function linkOf(v: FieldDisplay): { href: string; target?: '_blank'; rel?: string; title: string } | undefined {
  if (!v.hasLinks || !v.getLinks) return undefined;
  try {
    for (const l of v.getLinks()) {
      const props = linkProps(l.href, l.target === '_blank');
      if (props) return { ...props, title: l.title };
    }
  } catch {
    // A link whose template cannot be filled in is not followed.
  }
  return undefined;
}
