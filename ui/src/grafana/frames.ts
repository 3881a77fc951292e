// The door to @grafana/data. Import it lazily: it is larger than the shell of the console.
import type { GrafanaDoor } from '../model/door';
import { exemplarFrames, framesInSlices, framesOf } from './convert';
import { pipeline } from './pipeline';
import { display, legendRows, statValues } from './values';

export { exemplarFrames, framesInSlices, framesOf, seriesName } from './convert';
export { pipeline, replacer } from './pipeline';
export { knownTransformations } from './transform/ids';
export { display, legendRows, seriesColor, statValues } from './values';

export const door: GrafanaDoor = { framesOf, framesInSlices, exemplarFrames, pipeline, display, legendRows, statValues };
