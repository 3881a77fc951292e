// The door to @grafana/data. Import it lazily: it is larger than the shell of the console.
import type { GrafanaDoor } from '../model/door';
import { exemplarFrames, framesOf } from './convert';
import { pipeline } from './pipeline';
import { display, legendRows, statValues } from './values';

export { exemplarFrames, framesOf, seriesName } from './convert';
export { knownTransformations, pipeline, replacer } from './pipeline';
export { display, legendRows, seriesColor, statValues } from './values';

export const door: GrafanaDoor = { framesOf, exemplarFrames, pipeline, display, legendRows, statValues };
