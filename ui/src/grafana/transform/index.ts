// The transformations that @grafana/data leaves out, and its own, loaded together when a panel first has one.
import { standardTransformers, type DataTransformerInfo } from '@grafana/data';

import { extractFields, regression } from './compute';
import { configFromData, rowsToFields } from './config';
import { heatmap } from './heatmap';
import type { Transform } from './kit';
import { append, joinByLabels, partitionByValues, prepareTimeSeries, timeSeriesTable } from './series';

/** Ours, by id. */
export const own: Readonly<Record<string, Transform>> = {
  append, timeSeriesTable, prepareTimeSeries, joinByLabels, partitionByValues, configFromData, rowsToFields, heatmap, regression, extractFields,
};

/** The package's, by id. */
export const theirs: ReadonlyMap<string, DataTransformerInfo> = new Map([
  ...Object.values(standardTransformers).map((t) => [t.id, t as DataTransformerInfo] as const),
  ['seriesToColumns', standardTransformers.joinByFieldTransformer as DataTransformerInfo] as const,
]);
