// Stands in for the theme factory of @grafana/data: display processors and
// colour modes need its colours only, which tools/colors.mjs has computed.
import type { GrafanaTheme2 } from '@grafana/data';

import computed from './colors.json';

export type Mode = 'dark' | 'light';

function make(mode: Mode): GrafanaTheme2 {
  const c = computed[mode];
  const byName: Record<string, string> = {
    ...c.colors,
    transparent: mode === 'light' ? 'rgba(255, 255, 255, 0)' : 'rgba(0, 0, 0, 0)',
    'panel-bg': c.background.primary,
    text: c.text.primary,
  };
  return {
    isDark: mode === 'dark',
    isLight: mode === 'light',
    name: mode === 'dark' ? 'Dark' : 'Light',
    colors: { mode, background: c.background, text: c.text, border: c.border, contrastThreshold: c.contrastThreshold },
    components: { panel: c.panel },
    visualization: {
      hues: c.hues,
      palette: c.palette,
      getColorByName: (name?: string) => (name ? (byName[name] ?? name) : '#808080'),
    },
  } as unknown as GrafanaTheme2;
}

export const themes: Record<Mode, GrafanaTheme2> = { dark: make('dark'), light: make('light') };

export const createTheme = (options?: { colors?: { mode?: Mode } }): GrafanaTheme2 => themes[options?.colors?.mode ?? 'dark'];

// The package validates themes of its users with this; the console has none.
export const NewThemeOptionsSchema = { safeParse: (data: unknown) => ({ success: true, data }) };
