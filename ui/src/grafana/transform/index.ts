// The transformations, @grafana/data's and those that it leaves out, loaded together when a panel first has one.
import { getFrameMatchers, standardTransformers, standardTransformersRegistry, transformDataFrame, type DataFrame, type DataTransformerConfig, type DataTransformerInfo } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

import type { Transformation } from '../../model/dashboard';
import { isObject, type Json } from '../../model/read';
import { extractFields, regression } from './compute';
import { configFromData, rowsToFields } from './config';
import { heatmap } from './heatmap';
import { type ownIds, theirIds } from './ids';
import type { Transform } from './kit';
import { append, joinByLabels, partitionByValues, prepareTimeSeries, timeSeriesTable } from './series';

/** Ours, by id. */
export const own: Readonly<Record<string, Transform>> = {
  append, timeSeriesTable, prepareTimeSeries, joinByLabels, partitionByValues, configFromData, rowsToFields, heatmap, regression, extractFields,
} satisfies Record<(typeof ownIds)[number], Transform>;

/** The package's, by id. */
export const theirs: ReadonlyMap<string, DataTransformerInfo> = new Map([
  ...Object.values(standardTransformers).map((t) => [t.id, t as DataTransformerInfo] as const),
  ['seriesToColumns', standardTransformers.joinByFieldTransformer as DataTransformerInfo] as const,
]);

// The package has to be told once which transformations there are.
standardTransformersRegistry.setInit(() => theirIds.map((id) => ({
  id, name: id, editor: () => null, imageDark: '', imageLight: '',
  transformation: async (): Promise<DataTransformerInfo> => {
    const found = theirs.get(id);
    if (!found) throw new Error(`@grafana/data has no transformation ${id}`);
    return found;
  },
})));

/** run carries out one transformation, on the frames that its filter names. fill puts variables into texts. */
export async function run(t: Transformation, frames: DataFrame[], fill: (s: string) => string, warn: (en: string, zh: string) => void): Promise<DataFrame[]> {
  const ours = Object.hasOwn(own, t.id) ? own[t.id] : undefined;
  if (!ours) return firstValueFrom(transformDataFrame([{ id: t.id, options: t.options, filter: t.filter } as DataTransformerConfig], frames, { interpolate: fill }));
  const options = filled(t.options, fill) as Json;
  if (!t.filter) return ours(frames, options, warn);
  const matches = getFrameMatchers(t.filter);
  // The others stay before them.
  return [...frames.filter((x) => !matches(x)), ...ours(frames.filter((x) => matches(x)), options, warn)];
}

function filled(v: unknown, fill: (s: string) => string): unknown {
  if (typeof v === 'string') return fill(v);
  if (Array.isArray(v)) return v.map((x) => filled(x, fill));
  if (isObject(v)) return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, filled(x, fill)]));
  return v;
}
