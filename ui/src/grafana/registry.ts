// What @grafana/data has to be told: which field options there are.
import {
  booleanOverrideProcessor, dataLinksOverrideProcessor, displayNameOverrideProcessor, FieldConfigOptionsRegistry, identityOverrideProcessor, numberOverrideProcessor,
  stringOverrideProcessor, thresholdsOverrideProcessor, unitOverrideProcessor, valueMappingsOverrideProcessor, type FieldConfigPropertyItem, type FieldConfigSource,
} from '@grafana/data';

type Process = FieldConfigPropertyItem['process'];

const processors: Record<string, Process> = {
  unit: unitOverrideProcessor as Process, min: numberOverrideProcessor as Process, max: numberOverrideProcessor as Process, decimals: numberOverrideProcessor as Process, interval: numberOverrideProcessor as Process,
  fieldMinMax: booleanOverrideProcessor as Process, filterable: booleanOverrideProcessor as Process, writeable: booleanOverrideProcessor as Process, displayName: displayNameOverrideProcessor as Process,
  noValue: stringOverrideProcessor as Process, description: stringOverrideProcessor as Process, path: stringOverrideProcessor as Process, thresholds: thresholdsOverrideProcessor as Process,
  mappings: valueMappingsOverrideProcessor as Process, links: dataLinksOverrideProcessor as Process, color: identityOverrideProcessor as Process, nullValueMode: identityOverrideProcessor as Process,
};

function item(id: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    id, isCustom, path: isCustom ? id.slice('custom.'.length) : id, name: id,
    process: (Object.hasOwn(processors, id) ? processors[id]! : identityOverrideProcessor) as Process,
    shouldApply: () => true, editor: () => null, override: () => null,
    // Without this ${__field.labels.x} of a display name stays as it is.
    settings: { expandTemplateVars: true },
  } as unknown as FieldConfigPropertyItem;
}

const known = new WeakMap<FieldConfigSource, FieldConfigOptionsRegistry>();

/** registryFor knows the options that the panel has, standard and "custom" ones: each is looked at for each series. */
export function registryFor(source: FieldConfigSource): FieldConfigOptionsRegistry {
  const kept = known.get(source);
  if (kept) return kept;
  const custom = new Set(Object.keys((source.defaults.custom ?? {}) as Record<string, unknown>).map((k) => `custom.${k}`));
  const standard = new Set(Object.keys(source.defaults).filter((id) => Object.hasOwn(processors, id)));
  for (const o of source.overrides) {
    for (const p of o.properties) {
      if (p.id.startsWith('custom.')) custom.add(p.id);
      else if (Object.hasOwn(processors, p.id)) standard.add(p.id);
    }
  }
  const registry = new FieldConfigOptionsRegistry(() => [...[...standard].map((id) => item(id, false)), ...[...custom].map((id) => item(id, true))]);
  known.set(source, registry);
  return registry;
}
