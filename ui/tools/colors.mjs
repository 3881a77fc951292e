// Writes src/grafana/colors.json from the pinned @grafana/data: `node tools/colors.mjs`,
// after each change of its version.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { createTheme } = createRequire(import.meta.url)('@grafana/data');
const out = {};
for (const mode of ['dark', 'light']) {
  const { visualization, colors: c, components } = createTheme({ colors: { mode } });
  const colors = {};
  for (const hue of visualization.hues) {
    for (const shade of hue.shades) {
      for (const name of [shade.name, ...(shade.aliases ?? [])]) colors[name] = shade.color;
    }
  }
  out[mode] = {
    palette: visualization.palette, colors, hues: visualization.hues, background: c.background, text: c.text, border: c.border,
    panel: components.panel, contrastThreshold: c.contrastThreshold,
  };
}
writeFileSync(new URL('../src/grafana/colors.json', import.meta.url), JSON.stringify(out, null, 1) + '\n');
