// Loaded for readers of Chinese only.
import dictionary from '../../../stack/dashboards.zh.json';
import rules from '../../../stack/rules.zh.json';
import { translatorOf } from '../i18n/patterns';
import type { Dashboard, Panel } from '../model';

const words = new Map(Object.entries(dictionary));

/** say gives a text of a stock dashboard in Chinese, and one that is not known as it is. */
export const say = (text: string): string => words.get(text) ?? text;

const braces = (text: string): string => text.replace(/\{\{ \$labels\.(\w+) \}\}/g, '{$1}');
const alert = translatorOf(Object.entries(rules).map(([en, zh]) => [braces(en), braces(zh)]));

/** summary is the summary of an alert of a rule that ships in Chinese, and any other as it is. The title of an incident has the alert's name before it. */
export function summary(text: string): string {
  const [, name, rest] = /^(\w+: )([^]+)$/.exec(text) ?? [];
  const known = alert(text);
  if (known !== undefined || name === undefined || rest === undefined) return known ?? text;
  return name + (alert(rest) ?? rest);
}

type Say = (text: string) => string;

/** The fields of options and of field configurations that people read. */
const read = new Set(['content', 'description', 'displayName', 'label', 'noValue', 'text', 'title']);

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** inside translates what people read, however deep it is. */
function inside<T>(v: T, say: Say): T {
  if (Array.isArray(v)) return v.map((x: unknown) => inside(x, say)) as T;
  if (!isObject(v)) return v;
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, typeof x === 'string' && read.has(k) ? say(x) : inside(x, say)])) as T;
}

/** An override names the field that it is for as it is displayed. */
const matcher = (m: Panel['fieldConfig']['overrides'][number]['matcher'], say: Say): typeof m => (m.id === 'byName' && typeof m.options === 'string' ? { ...m, options: say(m.options) } : m);

function override(o: Panel['fieldConfig']['overrides'][number], say: Say): typeof o {
  return {
    ...o, matcher: matcher(o.matcher, say),
    properties: o.properties.map((p) => (typeof p.value === 'string' && read.has(p.id) ? { ...p, value: say(p.value) } : { ...p, value: inside<unknown>(p.value, say) })),
  };
}

function transformation(t: Panel['transformations'][number], say: Say): typeof t {
  if (!isObject(t.options.renameByName)) return t;
  const names = Object.entries(t.options.renameByName).map(([from, to]) => [from, typeof to === 'string' ? say(to) : to]);
  return { ...t, options: { ...t.options, renameByName: Object.fromEntries(names) as unknown } };
}

function panel(p: Panel, say: Say): Panel {
  return {
    ...p,
    title: say(p.title), description: say(p.description),
    targets: p.targets.map((q) => ({ ...q, legendFormat: say(q.legendFormat) })),
    fieldConfig: { ...p.fieldConfig, defaults: inside(p.fieldConfig.defaults, say), overrides: p.fieldConfig.overrides.map((o) => override(o, say)) },
    options: inside(p.options, say),
    transformations: p.transformations.map((t) => transformation(t, say)),
    panels: p.panels.map((q) => panel(q, say)),
  };
}

/** localize gives a dashboard for reading. Its raw JSON, and that of its panels, stays as it came. */
export function localize(d: Dashboard, by: Say = say): Dashboard {
  return {
    ...d, title: by(d.title), description: by(d.description),
    variables: d.variables.map((v) => ({ ...v, label: by(v.label) })),
    panels: d.panels.map((p) => panel(p, by)),
  };
}
