import react from '@vitejs/plugin-react';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { defineConfig } from 'vitest/config';
import { type Plugin } from 'vite';

const local = (file: string) => path.resolve(import.meta.dirname, 'src', file);

/** What stands in for files inside of @grafana/data, by their place in it. */
const slim: Record<string, string> = {
  'themes/createTheme.mjs': 'grafana/theme.ts',
  'text/sanitize.mjs': 'grafana/sanitize.ts',
};

/** The files of @grafana/data that bring Moment and the data of all zones. What displays values does without them. */
const dates = new Set(['datetime/moment_wrapper.mjs', 'datetime/formatter.mjs', 'datetime/parser.mjs']);
const displays = /^(field|valueFormats|dataframe|utils|types)\//;

/**
 * Takes out of @grafana/data what a console without Grafana's runtime never
 * calls: its theme factory is replaced by the colours that it would compute,
 * its cleaning of HTML by escaping, because panels clean what they show, and
 * its dates by the browser's, except in transformations. That rests on paths
 * inside of the package, so the build fails when one of them is no longer there.
 */
function slimGrafana(): Plugin {
  const matched = new Set<string>();
  let asked = false;
  const inside = (file: string): string | undefined => file.split('/@grafana/data/dist/esm/')[1];
  const insteadOf = (file: string, importer: string): string | undefined => {
    if (dates.has(file) && displays.test(importer)) return 'grafana/datetime.ts';
    return slim[file];
  };
  return {
    name: 'slim-grafana',
    enforce: 'pre',
    resolveId(id, importer) {
      const from = importer && inside(importer);
      if (from === undefined) return null;
      asked = true;
      const file = id.startsWith('.') ? inside(path.resolve(path.dirname(importer!), id)) : undefined;
      const instead = file === undefined ? undefined : insteadOf(file, from);
      if (instead === undefined) return null;
      matched.add(file!);
      return local(instead);
    },
    generateBundle() {
      const missing = [...Object.keys(slim), ...dates].filter((file) => !matched.has(file));
      if (asked && missing.length > 0) this.error(`@grafana/data has no ${missing.join(', ')} any more: see slimGrafana in vite.config.ts`);
    },
  };
}

/** Writes each file compressed beside it, so that the server need not do it for each reader. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    enforce: 'post',
    writeBundle(options, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        if (!/\.(js|css|svg|json)$/.test(name)) continue;
        const raw = file.type === 'chunk' ? file.code : file.source;
        writeFileSync(path.join(options.dir!, `${name}.gz`), gzipSync(raw, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), slimGrafana(), compressed()],
  resolve: {
    alias: [
      { find: /^@grafana\/i18n$/, replacement: local('grafana/i18n.ts') },
      { find: /^moment-timezone$/, replacement: 'moment-timezone/builds/moment-timezone-with-data-10-year-range.js' },
      { find: /^lodash$/, replacement: 'lodash-es' },
    ],
  },
  // The words of stock dashboards are kept beside them.
  server: { fs: { allow: ['..'] } },
  build: {
    outDir: 'dist/console',
    assetsDir: 'app',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    manifest: true,
  },
  test: {
    environment: 'node',
    // Of what hangs, on machines of any speed: what takes how long is measured in bench/.
    testTimeout: 60_000,
    include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    server: { deps: { inline: [/@grafana\//] } },
  },
});
