// The table of Grafana before version 7, which had styles for columns.
import { flag, given, list, num, object, objects, text, type Json, type Warnings } from '../read';
import { colouredSteps, oldMappings } from './fields';
import { reducerOf, type Migrated } from './migrated';

export function fromTable(p: Json, path: string, w: Warnings): Migrated {
  const defaults: Json = { custom: { filterable: false } };
  const overrides: Json[] = [];
  for (const [s, i] of objects(p.styles)) {
    const pattern = text(s.pattern);
    if (pattern === '') continue;
    const properties = style(s, `${path}.styles[${i}]`, w);
    if (properties.length === 0) continue;
    // Grafana took the first style that matches; of overrides the last one wins.
    overrides.unshift({ matcher: /^\/.*\/[a-z]*$/s.test(pattern) ? { id: 'byRegexp', options: pattern } : { id: 'byName', options: pattern }, properties });
  }
  return { type: 'table', options: given({ showHeader: flag(p.showHeader, true), footer: { show: false }, pageSize: num(p.pageSize) }), fieldConfig: { defaults, overrides }, transformations: transformations(p) };
}

function style(s: Json, path: string, w: Warnings): Json[] {
  const out: Json[] = [];
  const set = (id: string, value: unknown): void => { if (value !== undefined && value !== '') out.push({ id, value }); };
  const type = text(s.type, 'number');
  if (type === 'hidden') return [{ id: 'custom.hidden', value: true }];
  set('displayName', text(s.alias));
  if (text(s.align) !== '' && text(s.align) !== 'auto') set('custom.align', text(s.align));
  if (type === 'date') {
    set('unit', text(s.dateFormat) === '' ? 'dateTimeAsIso' : `time: ${text(s.dateFormat)}`);
  } else if (type === 'number') {
    const unit = text(s.unit);
    set('unit', unit);
    set('decimals', num(s.decimals));
  }
  const mapped = oldMappings(s);
  if (type === 'string' && mapped.length > 0) set('mappings', mapped);
  const mode = text(s.colorMode);
  if (mode === 'cell' || mode === 'value' || mode === 'row') {
    const steps = colouredSteps(s.thresholds, s.colors);
    if (steps.length > 0) {
      set('thresholds', { mode: 'absolute', steps });
      set('color', { mode: 'thresholds' });
    }
    set('custom.cellOptions', mode === 'value' ? { type: 'color-text' } : { type: 'color-background', mode: 'basic', ...(mode === 'row' ? { applyToRow: true } : {}) });
  }
  if (flag(s.link) && text(s.linkUrl) !== '') {
    set('links', [{ title: cells(text(s.linkTooltip)) || cells(text(s.linkUrl)), url: cells(text(s.linkUrl)), targetBlank: flag(s.linkTargetBlank) }]);
  }
  if (s.sanitize === false) w.add(path, { en: 'HTML in cells is shown as text', zh: '单元格中的 HTML 以文本显示' });
  return out;
}

/** cells rewrites how links named the cell, and those beside it in its row. */
const cells = (s: string): string => s.replace(/\$\{?__cell_(\d+)(:raw)?\}?/g, (_, n: string) => `\${__data.fields[${n}]}`).replace(/\$\{?__cell(:raw)?\}?(?!\w)/g, '${__value.raw}');

function transformations(p: Json): Json[] {
  const columns = objects(p.columns).map(([c]) => c);
  switch (text(p.transform)) {
    case 'timeseries_to_rows':
      return [{ id: 'seriesToRows', options: {} }];
    case 'timeseries_to_columns':
      return [{ id: 'joinByField', options: { byField: 'Time', mode: 'outer' } }];
    case 'timeseries_aggregations':
      return [{ id: 'reduce', options: { reducers: columns.length > 0 ? columns.map((c) => reducerOf(text(c.value), 'mean')) : ['mean'], includeTimeField: false, labelsToFields: false } }];
    case 'table':
    case 'json': {
      const shown = columns.map((c) => text(c.value || c.text)).filter((c) => c !== '');
      const merge = list(p.targets).length > 1 ? [{ id: 'merge', options: {} }] : [];
      return shown.length > 0 && text(p.transform) === 'json' ? [...merge, { id: 'filterFieldsByName', options: { include: { names: shown } } }] : merge;
    }
    default:
      return list(p.targets).filter((t) => object(t).format === 'table').length > 1 ? [{ id: 'merge', options: {} }] : [];
  }
}
