// The door to @grafana/data. Import it lazily: it is larger than the shell of the console.
export { exemplarFrames, framesInSlices, framesOf, seriesName } from './convert';
export { pipeline, replacer } from './pipeline';
export { knownTransformations } from './transform/ids';
