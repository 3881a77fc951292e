// @grafana/data takes a process with a window for a browser while it loads, and
// asks the window for settings later. Import this after it.
if (!('window' in globalThis)) Object.defineProperty(globalThis, 'window', { value: globalThis, configurable: true });
