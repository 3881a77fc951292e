// Old pie charts, heat maps, texts and lists.
import { flag, given, isObject, list, num, object, text, type Json } from '../read';
import { byAlias, fixed, reducerOf, type Migrated } from './migrated';

export function fromPie(p: Json): Migrated {
  const l = object(p.legend);
  const kind = text(p.legendType);
  const values = [...(flag(l.values) ? ['value'] : []), ...(flag(l.percentage) ? ['percent'] : [])];
  return {
    type: 'piechart',
    options: {
      pieType: text(p.pieType) === 'donut' ? 'donut' : 'pie',
      reduceOptions: { values: false, calcs: [reducerOf(text(p.valueName, 'current'))], fields: '' },
      legend: { showLegend: kind !== 'On graph' && l.show !== false, displayMode: values.length > 0 ? 'table' : 'list', placement: kind === 'Right side' ? 'right' : 'bottom', values },
      displayLabels: kind === 'On graph' ? ['name', ...values] : [],
      tooltip: { mode: 'single' },
    },
    fieldConfig: {
      defaults: given({ unit: text(p.format) || undefined, decimals: num(p.decimals), color: { mode: 'palette-classic' } }),
      overrides: Object.entries(object(p.aliasColors)).filter(([, c]) => typeof c === 'string').slice(0, 500).map(([name, c]) => ({ matcher: byAlias(name), properties: [{ id: 'color', value: fixed(c as string) }] })),
    },
  };
}

export const isOldHeatmap = (p: Json): boolean => p.type === 'heatmap' && (p.dataFormat !== undefined || p.yAxis !== undefined || p.cards !== undefined) && Object.keys(object(p.options)).length === 0;

export function fromHeatmap(p: Json): Migrated {
  const color = object(p.color);
  const y = object(p.yAxis);
  const cards = object(p.cards);
  const calculate = text(p.dataFormat, 'timeseries') !== 'tsbuckets';
  const base = num(y.logBase);
  const opacity = text(color.mode) === 'opacity';
  const buckets = (size: unknown, count: unknown): Json | undefined => {
    const s = text(size);
    const n = num(count);
    return s !== '' ? { mode: 'size', value: s } : n !== undefined ? { mode: 'count', value: String(n) } : undefined;
  };
  return {
    type: 'heatmap',
    options: {
      calculate,
      calculation: given({
        xBuckets: buckets(p.xBucketSize, p.xBucketNumber),
        yBuckets: base !== undefined && base > 1 ? { mode: 'count', value: text(num(y.splitFactor)) || '1', scale: { type: 'log', log: base === 2 ? 2 : 10 } } : buckets(p.yBucketSize, p.yBucketNumber),
      }),
      color: given({
        mode: opacity ? 'opacity' : 'scheme',
        fill: opacity ? text(color.cardColor, 'dark-orange') : undefined,
        scale: text(color.colorScale) === 'linear' ? 'linear' : 'exponential',
        exponent: num(color.exponent) ?? 0.5,
        scheme: text(color.colorScheme, 'interpolateOranges').replace(/^interpolate/, ''),
        reverse: false,
        steps: 128,
        min: num(color.min),
        max: num(color.max),
      }),
      cellGap: num(cards.cardPadding) ?? 2,
      cellRadius: num(cards.cardRound) ?? 0,
      yAxis: given({ axisPlacement: y.show === false ? 'hidden' : 'left', unit: text(y.format) || undefined, decimals: num(y.decimals), min: num(y.min), max: num(y.max), reverse: flag(p.reverseYBuckets) }),
      rowsFrame: { layout: ({ upper: 'le', lower: 'ge', middle: 'unknown' } as Record<string, string>)[text(p.yBucketBound)] ?? 'auto' },
      filterValues: flag(p.hideZeroBuckets) ? { le: 1e-9 } : {},
      legend: { show: flag(object(p.legend).show) },
      tooltip: { mode: object(p.tooltip).show === false ? 'none' : 'single', yHistogram: flag(object(p.tooltip).showHistogram) },
      showValue: 'never',
      exemplars: { color: 'rgba(255,0,255,0.7)' },
    },
    fieldConfig: { defaults: { custom: {} }, overrides: [] },
  };
}

/** content reads a text panel of any age. Its content is no HTML yet: who draws it cleans it. */
export function fromText(p: Json): Migrated {
  const o = object(p.options);
  const mode = text(o.mode) || text(p.mode) || 'markdown';
  // Grafana 8 dropped plain text, which markdown's code keeps as it is.
  const content = text(o.content) || text(p.content);
  return {
    type: 'text',
    options: mode === 'text' ? { ...o, mode: 'code', content, code: { language: 'plaintext', showLineNumbers: false, showMiniMap: false } } : { ...o, mode, content },
    fieldConfig: { defaults: {}, overrides: [] },
  };
}

export function fromDashlist(p: Json): Migrated {
  const o = object(p.options);
  if (Object.keys(o).length > 0) return { type: 'dashlist', options: o, fieldConfig: {} };
  return {
    type: 'dashlist',
    options: given({
      showStarred: flag(p.starred) || text(p.mode) === 'starred', showRecentlyViewed: flag(p.recent), showSearch: flag(p.search) || text(p.mode) === 'search',
      showHeadings: flag(p.headings, true), maxItems: num(p.limit) ?? 10, query: text(p.query), tags: list(p.tags).map((x) => text(x)).filter((x) => x !== ''),
    }),
    fieldConfig: {},
  };
}

export function fromAlertlist(p: Json): Migrated {
  const o = object(p.options);
  if (Object.keys(o).length > 0) return { type: 'alertlist', options: o, fieldConfig: {} };
  const states = list(p.stateFilter).map((x) => text(x));
  return {
    type: 'alertlist',
    options: given({
      maxItems: num(p.limit) ?? 10, sortOrder: num(p.sortOrder) ?? 1, dashboardAlerts: flag(p.onlyAlertsOnDashboard), alertName: text(p.nameFilter), showOptions: text(p.show, 'current'),
      stateFilter: states.length === 0 ? undefined : { firing: states.includes('alerting'), pending: states.includes('pending'), noData: states.includes('no_data'), normal: states.includes('ok'), error: states.includes('execution_error') },
    }),
    fieldConfig: {},
  };
}

/** today is what needs no migration; legends of Grafana 7 hid themselves by a display mode. */
export function today(type: string, p: Json): Migrated {
  const options: Json = { ...object(p.options) };
  if (isObject(options.legend)) {
    const l = options.legend;
    options.legend = l.displayMode === 'hidden' ? { ...l, displayMode: 'list', showLegend: false } : { ...l, showLegend: flag(l.showLegend, true) };
  }
  // Grafana 7 named the tooltip of timeseries panels differently.
  if (isObject(options.tooltipOptions) && options.tooltip === undefined) options.tooltip = options.tooltipOptions;
  return { type, options, fieldConfig: object(p.fieldConfig) };
}

