// The graph panel of Grafana before version 8, as a timeseries panel.
import { flag, given, isObject, list, num, object, objects, text, type Json, type Warnings } from '../read';
import { byAlias, fixed, reducerOf, type Migrated } from './migrated';

export function fromGraph(p: Json, path: string, w: Warnings): Migrated {
  const xaxis = object(p.xaxis);
  if (text(xaxis.mode) === 'series') return bySeries(p, xaxis);
  if (text(xaxis.mode) === 'histogram') {
    return { type: 'histogram', options: { legend: legend(p), bucketCount: num(xaxis.buckets), tooltip: { mode: 'single' } }, fieldConfig: { defaults: given({ unit: unitOf(leftAxis(p)) }), overrides: colours(p) } };
  }
  const left = leftAxis(p);
  const defaults: Json = given({
    unit: unitOf(left) ?? unitOfFields(p), min: num(left.min), max: num(left.max), decimals: num(p.decimals) ?? num(left.decimals),
    color: { mode: 'palette-classic' },
    links: object(p.options).dataLinks,
    nullValueMode: p.nullPointMode === 'null as zero' ? 'null as zero' : undefined,
    thresholds: undefined,
  });
  const custom: Json = { ...style(p, true), ...axis(left, 'left') };
  if (flag(p.stack)) custom.stacking = { mode: flag(p.percentage) ? 'percent' : 'normal', group: 'A' };
  Object.assign(defaults, thresholdsOf(p, custom));
  defaults.custom = custom;
  const overrides = [...colours(p), ...objects(p.seriesOverrides).flatMap(([o, i]) => seriesOverride(o, p, `${path}.seriesOverrides[${i}]`, w))];
  const tooltip = object(p.tooltip);
  return {
    type: 'timeseries',
    options: { legend: legend(p), tooltip: { mode: tooltip.shared === false ? 'single' : 'multi', sort: ['none', 'asc', 'desc'][num(tooltip.sort) ?? 0] ?? 'none' } },
    fieldConfig: { defaults, overrides },
  };
}

/** The axes stood in "grid" and in the plural-less fields before schema 13. */
function axes(p: Json): Json[] {
  const ys = objects(p.yaxes).map(([y]) => y);
  if (ys.length > 0) return ys;
  const formats = list(p.y_formats).map((f) => text(f));
  const grid = object(p.grid);
  const shown = p['y-axis'] !== false;
  return [
    { format: formats[0] ?? unitOfFields(p) ?? 'short', min: grid.leftMin, max: grid.leftMax, logBase: grid.leftLogBase, label: p.leftYAxisLabel, show: shown },
    { format: formats[1] ?? 'short', min: grid.rightMin, max: grid.rightMax, logBase: grid.rightLogBase, label: p.rightYAxisLabel, show: shown },
  ];
}

const leftAxis = (p: Json): Json => axes(p)[0] ?? {};
const unitOfFields = (p: Json): string | undefined => text(object(object(p.fieldConfig).defaults).unit) || undefined;
const rightAxis = (p: Json): Json => axes(p)[1] ?? {};
const unitOf = (a: Json): string | undefined => (text(a.format) === '' ? undefined : text(a.format));

function axis(a: Json, placement: 'left' | 'right'): Json {
  const base = num(a.logBase);
  return given({
    axisPlacement: a.show === false ? 'hidden' : placement === 'right' ? 'right' : undefined,
    axisLabel: text(a.label) === '' ? undefined : text(a.label),
    scaleDistribution: base === 2 || base === 10 ? { type: 'log', log: base } : base !== undefined && base > 1 ? { type: 'log', log: 10 } : undefined,
  });
}

/** style reads how a line is drawn; whole says whether p is the panel, whose unset fields have defaults, or one series of it. */
function style(p: Json, whole: boolean): Json {
  const bars = flag(p.bars);
  const points = flag(p.points);
  const lines = whole ? flag(p.lines, !bars && !points) : p.lines === true || (p.lines === undefined && p.bars === undefined && p.points === undefined);
  const out: Json = {};
  if (whole || 'bars' in p || 'lines' in p || 'points' in p) {
    if (bars) out.drawStyle = 'bars';
    else if (lines || whole) out.drawStyle = points && !lines ? 'points' : 'line';
    else if (points) out.drawStyle = 'points';
    // A series of which nothing is drawn still stands in the legend.
    if (!bars && !lines && !points && (whole || p.lines === false)) out.lineWidth = 0;
  }
  if (whole || 'points' in p) out.showPoints = points ? 'always' : 'never';
  const radius = num(p.pointradius);
  if (radius !== undefined && points) out.pointSize = Math.max(Math.round(radius * 2), 1);
  const width = num(p.linewidth);
  if (width !== undefined && out.lineWidth === undefined) out.lineWidth = Math.min(Math.max(width, 0), 10);
  const fill = num(p.fill) ?? (whole ? 1 : undefined);
  if (fill !== undefined) out.fillOpacity = bars ? 100 : Math.min(Math.max(fill, 0), 10) * 10;
  else if (bars) out.fillOpacity = 100;
  const gradient = num(p.fillGradient);
  if (gradient !== undefined) out.gradientMode = gradient > 0 ? 'opacity' : 'none';
  if ('steppedLine' in p) out.lineInterpolation = flag(p.steppedLine) ? 'stepAfter' : 'linear';
  if (p.dashes === true) out.lineStyle = { fill: 'dash', dash: [num(p.dashLength) ?? 10, num(p.spaceLength) ?? 10] };
  else if (p.dashes === false) out.lineStyle = { fill: 'solid' };
  if (typeof p.nullPointMode === 'string') out.spanNulls = p.nullPointMode === 'connected';
  return out;
}

function colours(p: Json): Json[] {
  return Object.entries(object(p.aliasColors)).filter(([, c]) => typeof c === 'string').slice(0, 500).map(([name, c]) => ({ matcher: { id: 'byName', options: name }, properties: [{ id: 'color', value: fixed(c as string) }] }));
}

const known = new Set(['alias', 'yaxis', 'fill', 'linewidth', 'lines', 'bars', 'points', 'pointradius', 'stack', 'dashes', 'dashLength', 'spaceLength', 'color', 'transform', 'nullPointMode',
  'fillBelowTo', 'legend', 'hideTooltip', 'steppedLine', 'zindex', 'fillGradient', 'hiddenSeries', '$$hashKey', 'hideLegend']);

function seriesOverride(o: Json, p: Json, path: string, w: Warnings): Json[] {
  const alias = text(o.alias);
  if (alias === '') return [];
  const properties: Json[] = Object.entries(style(o, false)).map(([k, value]) => ({ id: `custom.${k}`, value }));
  const set = (id: string, value: unknown): void => { if (value !== undefined) properties.push({ id, value }); };
  if (typeof o.color === 'string') set('color', fixed(o.color));
  if (num(o.yaxis) === 2) {
    const right = rightAxis(p);
    set('unit', unitOf(right));
    set('min', num(right.min));
    set('max', num(right.max));
    set('decimals', num(right.decimals));
    for (const [k, value] of Object.entries({ axisPlacement: 'right', ...axis(right, 'right') })) set(`custom.${k}`, value);
  }
  if (o.stack === false) set('custom.stacking', { mode: 'none', group: 'A' });
  else if (o.stack === true) set('custom.stacking', { mode: flag(p.percentage) ? 'percent' : 'normal', group: 'A' });
  else if (typeof o.stack === 'string') set('custom.stacking', { mode: 'normal', group: o.stack });
  if (text(o.transform) === 'negative-Y' || text(o.transform) === 'constant') set('custom.transform', o.transform);
  if (typeof o.fillBelowTo === 'string') set('custom.fillBelowTo', o.fillBelowTo);
  const hide = given({ legend: o.legend === false || o.hideLegend === true ? true : undefined, tooltip: o.hideTooltip === true ? true : undefined, viz: o.hiddenSeries === true ? true : undefined });
  if (Object.keys(hide).length > 0) set('custom.hideFrom', { legend: false, tooltip: false, viz: false, ...hide });
  const unknown = Object.keys(o).filter((k) => !known.has(k));
  if (unknown.length > 0) w.add(path, { en: `not taken over: ${unknown.slice(0, 5).join(', ')}`, zh: `未迁移：${unknown.slice(0, 5).join(', ')}` });
  return properties.length > 0 ? [{ matcher: byAlias(alias), properties }] : [];
}

const named: Record<string, string> = { critical: 'red', warning: 'orange', ok: 'green' };

/** thresholdsOf turns lines and areas above or below values into steps of one scale. */
function thresholdsOf(p: Json, custom: Json): Json {
  let found = objects(p.thresholds).map(([t]) => t).filter((t) => num(t.value) !== undefined);
  const grid = object(p.grid);
  if (found.length === 0) {
    found = [[grid.threshold1, grid.threshold1Color], [grid.threshold2, grid.threshold2Color]].filter(([v]) => num(v) !== undefined)
      .map(([value, color]) => ({ value, op: 'gt', colorMode: 'custom', fill: grid.thresholdLine !== true, line: grid.thresholdLine === true, fillColor: color, lineColor: color }));
  }
  if (found.length === 0) return {};
  found.sort((a, b) => num(a.value)! - num(b.value)!);
  const colorOf = (t: Json): string => named[text(t.colorMode)] ?? (text(t.fillColor) || text(t.lineColor) || 'red');
  const none = 'transparent';
  const steps: Json[] = [{ value: null, color: none }];
  for (const t of found) {
    const value = num(t.value)!;
    if (text(t.op, 'gt') === 'lt') {
      const last = steps[steps.length - 1]!;
      if (last.color === none) last.color = colorOf(t);
      steps.push({ value, color: none });
    } else {
      steps.push({ value, color: colorOf(t) });
    }
  }
  const lines = found.some((t) => flag(t.line));
  const fills = found.some((t) => flag(t.fill));
  custom.thresholdsStyle = { mode: lines && fills ? 'line+area' : fills ? 'area' : lines ? 'line' : 'off' };
  return { thresholds: { mode: 'absolute', steps } };
}

const calcs: [key: string, reducer: string][] = [['min', 'min'], ['max', 'max'], ['avg', 'mean'], ['current', 'lastNotNull'], ['total', 'sum']];

export function legend(p: Json): Json {
  const l = isObject(p.legend) ? p.legend : {};
  const shown = l.show !== false;
  const all = l.values === true || l.alignAsTable === true ? calcs.filter(([k]) => flag(l[k])).map(([, r]) => r) : [];
  const sortBy: Record<string, string> = { min: 'Min', max: 'Max', avg: 'Mean', current: 'Last *', total: 'Total' };
  return given({
    showLegend: shown,
    displayMode: flag(l.alignAsTable) ? 'table' : 'list',
    placement: flag(l.rightSide) ? 'right' : 'bottom',
    calcs: all,
    width: num(l.sideWidth),
    sortBy: typeof l.sort === 'string' ? sortBy[l.sort] : undefined,
    sortDesc: typeof l.sortDesc === 'boolean' ? l.sortDesc : undefined,
    hideZero: l.hideZero === true ? true : undefined,
    hideEmpty: l.hideEmpty === true ? true : undefined,
  });
}

/** bySeries is the mode in which the graph showed one bar for each series. */
function bySeries(p: Json, xaxis: Json): Migrated {
  const left = leftAxis(p);
  return {
    type: 'bargauge',
    options: {
      orientation: 'vertical', displayMode: 'basic', showUnfilled: false,
      reduceOptions: { values: false, calcs: [reducerOf(text(list(xaxis.values)[0], 'total'))], fields: '' },
    },
    fieldConfig: { defaults: given({ unit: unitOf(left), min: num(left.min) ?? 0, max: num(left.max), decimals: num(p.decimals), color: { mode: 'palette-classic' } }), overrides: colours(p) },
  };
}
