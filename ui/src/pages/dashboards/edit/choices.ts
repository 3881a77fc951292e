// What an editor of panels has to choose from, in words. The ids are Grafana's.
import type { Language } from '../../../i18n';
import { calculations } from '../../../panels/calcs';

export interface Choice {
  value: string;
  label: string;
}

type Words = Record<Language, string>;

const types: [string, Words][] = [
  ['timeseries', { en: 'Time series', zh: '时间序列' }], ['stat', { en: 'Stat', zh: '统计值' }], ['gauge', { en: 'Gauge', zh: '仪表' }], ['bargauge', { en: 'Bar gauge', zh: '条形仪表' }], ['table', { en: 'Table', zh: '表格' }], ['text', { en: 'Text', zh: '文本' }],
  ['piechart', { en: 'Pie chart', zh: '饼图' }], ['heatmap', { en: 'Heatmap', zh: '热力图' }], ['barchart', { en: 'Bar chart', zh: '柱状图' }], ['state-timeline', { en: 'State timeline', zh: '状态时间线' }], ['status-history', { en: 'Status history', zh: '状态历史' }],
  ['histogram', { en: 'Histogram', zh: '直方图' }], ['alertlist', { en: 'Alert list', zh: '告警列表' }], ['dashlist', { en: 'Dashboard list', zh: '仪表盘列表' }], ['candlestick', { en: 'Candlestick', zh: 'K 线图' }], ['xychart', { en: 'XY chart', zh: 'XY 图' }], ['row', { en: 'Row', zh: '行' }],
];

/** panelTypes are those that are drawn, by Grafana's names, and the one that a file has. A row stays one. */
export const panelTypes = (l: Language, has: string): Choice[] => {
  const list = types.filter(([value]) => value !== 'row' || has === 'row').map(([value, w]) => ({ value, label: w[l] }));
  return list.some((o) => o.value === has) ? list : [...list, { value: has, label: has }];
};

export const reducers = (l: Language): Choice[] => calculations.map(([value, w]) => ({ value, label: w[l] }));

const colours: [string, Words][] = [
  ['palette-classic', { en: 'Of its own for each series', zh: '每个序列一种颜色' }], ['palette-classic-by-name', { en: 'Of its own for each name', zh: '每个名称一种颜色' }], ['thresholds', { en: 'By thresholds', zh: '按阈值' }], ['fixed', { en: 'One for all', zh: '统一颜色' }], ['shades', { en: 'Shades of one', zh: '同色深浅' }],
  ['continuous-GrYlRd', { en: 'Green, yellow, red', zh: '绿-黄-红' }], ['continuous-RdYlGr', { en: 'Red, yellow, green', zh: '红-黄-绿' }], ['continuous-BlYlRd', { en: 'Blue, yellow, red', zh: '蓝-黄-红' }], ['continuous-YlRd', { en: 'Yellow, red', zh: '黄-红' }],
  ['continuous-blues', { en: 'Blues', zh: '蓝色系' }], ['continuous-greens', { en: 'Greens', zh: '绿色系' }], ['continuous-reds', { en: 'Reds', zh: '红色系' }], ['continuous-purples', { en: 'Purples', zh: '紫色系' }],
];

/** schemes are the ways to colour values, and the one that a file has. */
export function schemes(l: Language, has: string): Choice[] {
  const list = colours.map(([value, w]) => ({ value, label: w[l] }));
  return has === '' || list.some((o) => o.value === has) ? list : [...list, { value: has, label: has }];
}
