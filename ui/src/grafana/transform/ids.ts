// Which transformations there are: known before any of them is loaded.

/** Those that @grafana/data carries out. */
export const theirIds = [
  'noop', 'filterFields', 'filterFieldsByName', 'filterFrames', 'filterByRefId', 'filterByValue', 'formatString', 'formatTime', 'order', 'organize', 'reduce', 'concatenate', 'calculateField', 'joinByField',
  'seriesToColumns', 'seriesToRows', 'rename', 'labelsToFields', 'ensureColumns', 'groupBy', 'sortBy', 'merge', 'renameByRegex', 'histogram', 'convertFieldType', 'convertFrameType', 'groupingToMatrix', 'limit',
  'groupToNestedTable', 'transpose',
] as const;

/** Those that it lacks, and that are carried out here. */
export const ownIds = ['append', 'timeSeriesTable', 'prepareTimeSeries', 'joinByLabels', 'partitionByValues', 'configFromData', 'rowsToFields', 'heatmap', 'regression', 'extractFields'] as const;

/** Every transformation that is carried out. */
export const knownTransformations: ReadonlySet<string> = new Set([...theirIds, ...ownIds]);

export const isOwn = (id: string): boolean => (ownIds as readonly string[]).includes(id);
