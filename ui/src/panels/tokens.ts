// The colours of the console for canvases, which cannot read custom properties
// before they are in the document. They are those of app/style.css.
import type { Mode } from '../grafana/theme';

export interface Tokens {
  page: string;
  surface: string;
  line: string;
  text: string;
  muted: string;
  accent: string;
}

export const tokens: Record<Mode, Tokens> = {
  light: { page: '#f7f8f9', surface: '#ffffff', line: '#e3e6e8', text: '#15191c', muted: '#5b666e', accent: '#0b7a4b' },
  dark: { page: '#0f1214', surface: '#171b1f', line: '#262c31', text: '#e6e9eb', muted: '#98a2aa', accent: '#1fa971' },
};

export const fontFamily = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
export const smallFont = `11px ${fontFamily}`;
