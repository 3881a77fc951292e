// Brings a panel of any age to the type and options of today.
import { old } from '../late';
import { clip, isObject, object, text, type Json, type Warnings } from '../read';
import type { Migrated } from './migrated';
import { fromAlertlist, fromDashlist, fromHeatmap, fromPie, fromText, isOldHeatmap, today } from './others';

/** Plugins whose panel became part of Grafana, or that are close enough to one. */
const renamed: Record<string, string> = {
  'grafana-worldmap-panel': 'geomap', 'table2': 'table', 'natel-discrete-panel': 'state-timeline', 'graph2': 'timeseries', 'alertGroups': 'alertlist', 'text2': 'text', 'heatmap-new': 'heatmap',
  'stat2': 'stat', 'pluginlist': 'text', 'flant-statusmap-panel': 'status-history',
};

/** isOldTable tells the two panels of the type "table" apart. */
const isOldTable = (p: Json): boolean => p.type === 'table-old' || (p.type === 'table' && Array.isArray(p.styles)) || (p.type === 'table' && p.transform !== undefined && p.fieldConfig === undefined);

export function migrate(p: Json, path: string, w: Warnings): Migrated {
  const type = text(p.type);
  switch (type) {
    case 'graph':
    case 'graphite':
      return old().fromGraph(p, path, w);
    case 'timeseries':
      // A file that was only renamed still has the old fields and no options.
      return p.yaxes !== undefined && !isObject(p.fieldConfig) ? old().fromGraph(p, path, w) : today(type, p);
    case 'singlestat':
    case 'grafana-singlestat-panel':
    case 'grafana-singlestat2-panel':
      return old().fromSinglestat(p, path, w);
    case 'stat':
    case 'gauge':
    case 'bargauge':
      return isObject(object(p.options).fieldOptions) || isObject(object(p.options).valueOptions) ? old().reduced(type, p) : today(type, p);
    case 'table-old':
    case 'table':
      return isOldTable(p) ? old().fromTable(p, path, w) : today('table', p);
    case 'grafana-piechart-panel':
      return fromPie(p);
    case 'piechart':
      return p.pieType !== undefined && !isObject(p.options) ? fromPie(p) : today(type, p);
    case 'heatmap':
      return isOldHeatmap(p) ? fromHeatmap(p) : today(type, p);
    case 'text':
      return fromText(p);
    case 'dashlist':
      return fromDashlist(p);
    case 'alertlist':
      return fromAlertlist(p);
    case '':
    case 'library-panel':
      if (isObject(p.libraryPanel)) {
        const name = clip(text(p.libraryPanel.name) || text(p.libraryPanel.uid));
        w.add(path, { en: `the library panel ${name} is not part of the file; export the dashboard for sharing externally to have it in it`, zh: `库面板 ${name} 不在文件中，请以外部共享方式导出仪表盘` });
        return today('library-panel', p);
      }
      w.add(path, { en: 'a panel without a type; its data is shown as a table', zh: '面板缺少 type，以表格显示其数据' });
      return today('', p);
    default: {
      const now = Object.hasOwn(renamed, type) ? renamed[type]! : type;
      return today(now, p);
    }
  }
}

