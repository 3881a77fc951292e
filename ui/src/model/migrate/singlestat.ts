// Single values: singlestat of Grafana before 7, and stat, gauge and bargauge as versions 6.0 to 6.x wrote them.
import { flag, given, isObject, list, num, object, objects, text, type Json, type Warnings } from '../read';
import { colouredSteps, oldMappings } from './fields';
import { reducerOf, type Migrated } from './migrated';

export function fromSinglestat(p: Json, path: string, w: Warnings): Migrated {
  const gauge = object(p.gauge);
  const isGauge = flag(gauge.show);
  const background = flag(p.colorBackground);
  const value = flag(p.colorValue);
  const mapped = oldMappings(p);
  const steps = colouredSteps(p.thresholds, p.colors);
  const defaults: Json = given({
    unit: unit(p, path, w),
    decimals: num(p.decimals),
    min: isGauge ? (num(gauge.minValue) ?? 0) : undefined,
    max: isGauge ? (num(gauge.maxValue) ?? 100) : undefined,
    mappings: mapped.length > 0 ? mapped : undefined,
    noValue: text(p.nullText) === '' ? undefined : text(p.nullText),
    color: !isGauge && !background && !value ? { mode: 'fixed', fixedColor: 'text' } : { mode: 'thresholds' },
    thresholds: steps.length > 0 ? { mode: 'absolute', steps } : undefined,
    links: object(p.options).dataLinks,
    nullValueMode: p.nullPointMode === 'null as zero' ? 'null as zero' : undefined,
  });
  const column = text(p.tableColumn);
  const tables = objects(p.targets).some(([t]) => t.format === 'table');
  const name = text(p.valueName, 'avg');
  const reduceOptions = { values: false, calcs: [reducerOf(name)], fields: tables && column !== '' ? `/^${column.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$/` : '' };
  if (name === 'last_time') defaults.unit = 'dateTimeAsIso';
  const sparkline = object(p.sparkline);
  const options: Json = isGauge
    ? { reduceOptions: name === 'last_time' ? { ...reduceOptions, fields: '/.*/' } : reduceOptions, orientation: 'auto', showThresholdLabels: flag(gauge.thresholdLabels), showThresholdMarkers: flag(gauge.thresholdMarkers, true) }
    : {
      reduceOptions, orientation: 'horizontal', justifyMode: 'auto',
      textMode: name === 'name' ? 'name' : 'value',
      colorMode: background ? 'background' : value ? 'value' : 'none',
      graphMode: flag(sparkline.show) ? 'area' : 'none',
    };
  return { type: isGauge ? 'gauge' : 'stat', options, fieldConfig: { defaults, overrides: [] } };
}

/** unit keeps the words before and after a value where no unit of its own stands there already. */
function unit(p: Json, path: string, w: Warnings): string | undefined {
  const format = text(p.format);
  const [before, after] = [text(p.prefix), text(p.postfix)];
  const plain = format === '' || format === 'none' || format === 'short';
  if (before === '' && after === '') return format === '' ? undefined : format;
  if (plain && before === '') return `suffix:${after}`;
  if (plain && after === '') return `prefix:${before}`;
  w.add(path, { en: `a value has one unit: ${JSON.stringify(before || after)} was left out beside it`, zh: `一个值只有一个单位：已省略 ${JSON.stringify(before || after)}` });
  return plain ? `suffix:${after}` : format;
}

/** reduced brings the "fieldOptions" and "valueOptions" of Grafana 6 to where field options are since version 7. */
export function reduced(type: string, p: Json): Migrated {
  const old = object(p.options);
  const fo = object(old.fieldOptions);
  const vo = object(old.valueOptions);
  const options: Json = { ...old };
  const config: Json = isObject(p.fieldConfig) ? { ...p.fieldConfig } : { defaults: {}, overrides: [] };
  const hasConfig = Object.keys(object(config.defaults)).length > 0;
  for (const key of ['fieldOptions', 'valueOptions', 'thresholds', 'valueMappings', 'minValue', 'maxValue']) delete options[key];
  if (isObject(old.fieldOptions) || isObject(old.valueOptions)) {
    const stat = text(vo.stat);
    const wanted = list(fo.calcs).map((c) => text(c)).filter((c) => c !== '');
    options.reduceOptions = given({ values: flag(fo.values), calcs: wanted.length > 0 ? wanted.map((c) => (c === 'last' || c === 'current' ? 'lastNotNull' : c)) : [reducerOf(stat)], limit: num(fo.limit), fields: text(fo.fields) });
    if (!hasConfig) {
      const inner = object(fo.defaults);
      const percent = object(fo.override);
      config.defaults = given({
        ...inner, ...percent,
        unit: inner.unit ?? (text(vo.unit) || undefined),
        decimals: num(inner.decimals) ?? num(vo.decimals),
        min: num(inner.min) ?? num(old.minValue),
        max: num(inner.max) ?? num(old.maxValue),
        thresholds: inner.thresholds ?? fo.thresholds ?? indexed(old.thresholds),
        mappings: inner.mappings ?? fo.mappings ?? old.valueMappings,
      });
      config.overrides = list(fo.overrides).map((o) => (isObject(o) ? o : {}));
    }
  }
  if (type === 'stat' && options.graphMode === undefined) {
    // Grafana 6.x had the sparkline and the colour as plain fields.
    const spark = object(old.sparkline);
    if (isObject(old.sparkline)) options.graphMode = flag(spark.show) ? 'area' : 'none';
  }
  return { type, options, fieldConfig: config };
}

/** Grafana 6.0 listed thresholds from the highest to the lowest, with their index. */
function indexed(v: unknown): unknown {
  const steps = objects(v).map(([s]) => s);
  return steps.length === 0 ? undefined : [...steps].sort((a, b) => (num(a.index) ?? 0) - (num(b.index) ?? 0));
}
