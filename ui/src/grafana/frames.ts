// The door to @grafana/data. Import it lazily: it is larger than the shell of the console.
export { exemplarFrames, framesOf, seriesName } from './convert';
export { knownTransformations, pipeline, replacer } from './pipeline';
