// The door to the model of dashboards. All of it is pure; what needs
// @grafana/data at run time (frames, transformations, display) is behind ../grafana/frames.
export type * from './dashboard';
export { allKey } from './scope';
export type * from './scope';

export { classicOf, limits, normalize, panelFrom } from './normalize';
export { whenRead } from './late';
export { isV2 } from './versions';
export { safeUrl } from './read-link';

export { addressOf, currentOf, dependsOn, filtersFrom, filterText, optionsFrom, queryOf, scrapeOf, variableOrder, wantedFrom } from './variables';
export type { ApiRequest, SourceInfo, VariableQuery } from './variables';
export { isSafe, safeRegex } from './regex';

export { filtersOfScope, interpolate, interpolateQuery, label, loadFilterInto, valuesOf } from './interpolate';
export type { FilterInto, Formatter } from './interpolate';

export { isPrometheus, panelRange, queriesOf, sourceOf } from './queries';
export type { PanelQueries, PanelRequest, QueryContext } from './queries';
export { rateIntervalOf, roundInterval, stepOf } from './interval';

export { everyPanel, hasSight, layoutOf, mostPlaced } from './layout';
export type { Bar, Placed, Sight } from './layout';

export { annotationIsFor, annotationRequest, annotationsFrom, ownAnnotations } from './annotations';
export type { Annotation, AnnotationRequest } from './annotations';
