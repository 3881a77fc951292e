// From the model back to JSON that can be edited.
import type { DashboardJSON } from '../../api/dashboards';
import { classicOf, type Dashboard, isV2, normalize, type Panel } from '../../model';
import type { PanelJSON } from './draft';

/** panelJSON is a panel's own JSON with the id and the place that the model gave it. */
function panelJSON(p: Panel): PanelJSON {
  const out: PanelJSON = { ...p.raw, id: p.id, gridPos: { ...p.gridPos } };
  if (p.type === 'row') out.panels = p.panels.map(panelJSON);
  return out;
}

/**
 * editableJSON is a dashboard in the classic schema, where each panel has an id
 * and a place. Old files of rows become that too; all that the model does not
 * know stays as it was.
 */
export function editableJSON(d: Dashboard): DashboardJSON {
  const out: DashboardJSON = { ...(d.raw ?? { title: d.title }), panels: d.panels.map(panelJSON) };
  delete out.rows;
  return out;
}

/** beginning is what an edit of a dashboard begins with, which is stored as json. Schema v2 is edited as it is. */
export const beginning = (stored: Dashboard, json: DashboardJSON): DashboardJSON => (isV2(json) ? json : editableJSON(stored));

/** classicJSON is a dashboard of schema v2 in the classic one. */
export const classicJSON = (json: DashboardJSON): DashboardJSON => editableJSON(normalize(classicOf(json)));

// What panels of Angular's time said beside options and fieldConfig.
const old = [
  'yaxes', 'xaxis', 'yaxis', 'lines', 'linewidth', 'fill', 'fillGradient', 'bars', 'points', 'pointradius', 'stack', 'percentage', 'steppedLine', 'nullPointMode',
  'legend', 'tooltip', 'seriesOverrides', 'thresholds', 'aliasColors', 'renderer', 'dashes', 'dashLength', 'spaceLength', 'hiddenSeries', 'timeRegions', 'colorBackground',
  'colorValue', 'colors', 'format', 'gauge', 'mappingType', 'mappingTypes', 'rangeMaps', 'valueMaps', 'valueName', 'valueFontSize', 'postfix', 'prefix', 'postfixFontSize',
  'prefixFontSize', 'sparkline', 'nullText', 'decimals', 'styles', 'columns', 'transform', 'fontSize', 'scroll', 'showHeader', 'sort', 'cards', 'color', 'dataFormat',
  'highlightCards', 'tooltipDecimals', 'xBucketNumber', 'xBucketSize', 'yBucketBound', 'yBucketNumber', 'yBucketSize', 'reverseYBuckets', 'content', 'mode',
];

/** modernPanel is a panel's JSON in the form that the editor knows. A panel of an old type becomes what it is drawn as. */
export function modernPanel(json: PanelJSON, p: Panel): PanelJSON {
  if (p.type === p.originalType && typeof json.fieldConfig === 'object' && typeof json.options === 'object') return json;
  const out: PanelJSON = { ...json, type: p.type, options: p.options, fieldConfig: p.fieldConfig };
  for (const name of old) delete out[name];
  if (p.transformations.length > 0) {
    out.transformations = p.transformations.map((t) => ({ id: t.id, options: t.options, ...(t.disabled ? { disabled: true } : {}), ...(t.filter ? { filter: t.filter } : {}), ...(t.topic ? { topic: t.topic } : {}) }));
  }
  return out;
}
