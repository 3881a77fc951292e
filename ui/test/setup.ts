// The console loads these when a dashboard needs them; tests read any at once.
import '../src/model/old';

// Node has no navigator that @grafana/data would take for a browser's.
if (!('navigator' in globalThis)) {
  Object.defineProperty(globalThis, 'navigator', { value: { language: 'en-US', languages: ['en-US'], userAgent: 'node', platform: 'linux' }, configurable: true });
}
