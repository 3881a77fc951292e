import { type ComponentType, lazy, type LazyExoticComponent } from 'react';

import type { BodyProps } from './contract';

type Body = LazyExoticComponent<ComponentType<BodyProps>>;

interface Kind {
  body: Body;
  /** It says something without any query. */
  standsAlone?: boolean;
}

const kind = <K extends string>(load: () => Promise<Record<K, ComponentType<BodyProps>>>, name: K, standsAlone = false): Kind => ({
  body: lazy(async () => ({ default: (await load())[name] })),
  standsAlone,
});

/** registry is what draws each type of panel, loaded when it is first seen. */
export const registry: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['timeseries', kind(() => import('./timeseries/TimeSeries'), 'TimeSeries')],
  ['stat', kind(() => import('./values/Stat'), 'Stat')],
  ['gauge', kind(() => import('./values/Gauge'), 'Gauge')],
  ['bargauge', kind(() => import('./values/BarGauge'), 'BarGauge')],
  ['table', kind(() => import('./table/Table'), 'Table')],
  ['text', kind(() => import('./lists/Text'), 'Text', true)],
  ['piechart', kind(() => import('./shapes/PieChart'), 'PieChart')],
  ['heatmap', kind(() => import('./shapes/Heatmap'), 'Heatmap')],
  ['barchart', kind(() => import('./shapes/BarChart'), 'BarChart')],
  ['histogram', kind(() => import('./shapes/Histogram'), 'Histogram')],
  ['state-timeline', kind(() => import('./shapes/StateTimeline'), 'StateTimeline')],
  ['status-history', kind(() => import('./shapes/StateTimeline'), 'StateTimeline')],
  ['candlestick', kind(() => import('./shapes/Candlestick'), 'Candlestick')],
  ['xychart', kind(() => import('./shapes/XYChart'), 'XYChart')],
  ['alertlist', kind(() => import('./lists/AlertList'), 'AlertList', true)],
  ['dashlist', kind(() => import('./lists/DashList'), 'DashList', true)],
  ['row', kind(() => import('./lists/Row'), 'Row', true)],
]);

/** tableOfData shows the data of a type that nothing draws. */
export const tableOfData: Kind = kind(() => import('./table/DataTable'), 'DataTable');
