// Transformations that take field options from data: configFromData and rowsToFields.
import { FieldType, getFieldMatcher, reduceField, type DataFrame, type Field, type FieldConfig, type ValueMapping } from '@grafana/data';

import { list, num, object, objects, text, type Json } from '../../model/read';
import { bare, frame, nameOf, type Transform } from './kit';

interface Mapping {
  handler: string;
  reducer: string;
  args: Json;
}

const handlers = new Set(['displayName', 'unit', 'min', 'max', 'decimals', 'color', 'description', 'noValue', 'mappings.value', 'mappings.color', 'mappings.text', 'field.name', 'field.value', 'field.label', '__ignore']);

const isHandler = (s: string): boolean => handlers.has(s) || /^threshold\d*$/.test(s);

/** handlerFor is what a column is mapped to, or what its name says. */
function handlerFor(name: string, mappings: ReadonlyMap<string, Mapping>): Mapping | undefined {
  const given = mappings.get(name);
  if (given) return given;
  const own = { 'display name': 'displayName', value: 'field.value', name: 'field.name', metric: '' }[name.toLowerCase()] ?? name;
  const known = [...handlers].find((h) => h.toLowerCase() === own.toLowerCase()) ?? (isHandler(name.toLowerCase()) ? name.toLowerCase() : undefined);
  return known === undefined ? undefined : { handler: known, reducer: 'lastNotNull', args: {} };
}

const mappingsOf = (v: unknown): Map<string, Mapping> => new Map(objects(v).map(([m]) => [text(m.fieldName), { handler: text(m.handlerKey), reducer: text(m.reducerId, 'lastNotNull'), args: object(m.handlerArguments) }]));

/** set writes one value into field options. */
function set(config: FieldConfig, m: Mapping, value: unknown): void {
  if (value === null || value === undefined) return;
  switch (m.handler) {
    case 'min':
    case 'max':
    case 'decimals':
      config[m.handler] = num(value) ?? config[m.handler];
      return;
    case 'displayName':
    case 'unit':
    case 'description':
    case 'noValue':
      config[m.handler] = text(value);
      return;
    case 'color':
      config.color = { mode: 'fixed', fixedColor: text(value) };
      return;
    default:
  }
  if (/^threshold\d*$/.test(m.handler)) {
    const at = num(value);
    if (at === undefined) return;
    const color = text(object(m.args.threshold).color, 'red');
    const steps = [...(config.thresholds?.steps ?? [{ value: -Infinity, color: 'green' }]), { value: at, color }].sort((a, b) => a.value - b.value);
    config.thresholds = { mode: config.thresholds?.mode ?? ('absolute' as NonNullable<FieldConfig['thresholds']>['mode']), steps };
  }
}

/** valueMappings reads rows of value, text and colour. */
function valueMappings(f: DataFrame, roles: ReadonlyMap<Field, Mapping>): ValueMapping[] {
  const of = (handler: string): Field | undefined => f.fields.find((x) => roles.get(x)?.handler === handler);
  const value = of('mappings.value');
  if (!value) return [];
  const shown = of('mappings.text');
  const color = of('mappings.color');
  const options: Record<string, { text?: string; color?: string; index: number }> = Object.create(null) as Record<string, { index: number }>;
  for (let i = 0; i < Math.min(f.length, 500); i++) {
    options[text(value.values[i])] = { index: i, ...(shown ? { text: text(shown.values[i]) } : {}), ...(color ? { color: text(color.values[i]) } : {}) };
  }
  return [{ type: 'value', options: { ...options } } as unknown as ValueMapping];
}

export const configFromData: Transform = (frames, options) => {
  const source = frames.find((f) => f.refId === text(options.configRefId));
  if (!source) return frames;
  const mappings = mappingsOf(options.mappings);
  const roles = new Map<Field, Mapping>();
  for (const f of source.fields) {
    const m = handlerFor(nameOf(f, source, frames), mappings);
    if (m && m.handler !== '' && m.handler !== '__ignore') roles.set(f, m);
  }
  const found: FieldConfig = {};
  for (const [f, m] of roles) {
    if (m.handler.startsWith('mappings.')) continue;
    const reduced = reduceField({ field: bare(f), reducers: [m.reducer] });
    set(found, m, reduced[m.reducer]);
  }
  const mapped = valueMappings(source, roles);
  if (mapped.length > 0) found.mappings = mapped;
  const apply = object(options.applyTo);
  const matches = text(apply.id) === '' ? (f: Field): boolean => f.type === FieldType.number : getFieldMatcher({ id: text(apply.id), options: apply.options });
  return frames.filter((f) => f !== source).map((f) => ({
    ...f,
    fields: f.fields.map((x) => (matches(x, f, frames) ? { ...x, state: undefined, config: { ...x.config, ...found, ...(found.thresholds ? { thresholds: structuredClone(found.thresholds) } : {}) } } : x)),
  }));
};

/** rowsToFields makes a field of each row: its name and value from two columns, its options and labels from the others. */
export const rowsToFields: Transform = (frames, options) => {
  const mappings = mappingsOf(options.mappings);
  return frames.map((f) => {
    const roles = new Map(f.fields.map((x) => [x, handlerFor(nameOf(x, f, frames), mappings)]));
    const name = f.fields.find((x) => roles.get(x)?.handler === 'field.name') ?? f.fields.find((x) => x.type === FieldType.string && !roles.get(x));
    const value = f.fields.find((x) => roles.get(x)?.handler === 'field.value') ?? f.fields.find((x) => x.type === FieldType.number && !roles.get(x));
    if (!name || !value) return f;
    const others = f.fields.filter((x) => x !== name && x !== value && x.type !== FieldType.time);
    const fields: Field[] = [];
    for (let i = 0; i < Math.min(f.length, 5000); i++) {
      const { displayNameFromDS: _, displayName: __, ...config } = value.config;
      const labels: Record<string, string> = {};
      const own: FieldConfig = { ...config };
      for (const x of others) {
        const m = roles.get(x);
        if (m && m.handler !== '' && m.handler !== '__ignore' && m.handler !== 'field.label') set(own, m, x.values[i]);
        else if (m?.handler !== '__ignore' && (m?.handler === 'field.label' || x.type === FieldType.string)) labels[x.name] = text(x.values[i]);
      }
      fields.push({ name: text(name.values[i]), type: value.type, values: [list(value.values)[i]], config: own, ...(Object.keys(labels).length > 0 ? { labels } : {}) });
    }
    return frame(fields, { refId: f.refId, name: f.name, meta: f.meta });
  });
};
