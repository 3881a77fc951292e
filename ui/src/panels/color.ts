// Arithmetic of colours, over the notations that @grafana/data gives.

type RGBA = [r: number, g: number, b: number, a: number];

/** parseColor reads #rgb, #rrggbb, #rrggbbaa, rgb() and rgba(); undefined where it is none of them. */
export function parseColor(text: string): RGBA | undefined {
  const s = text.trim().toLowerCase();
  const hex = /^#([0-9a-f]{3,8})$/.exec(s)?.[1];
  if (hex) {
    if (hex.length === 3 || hex.length === 4) {
      const d = [...hex].map((c) => parseInt(c + c, 16));
      return [d[0]!, d[1]!, d[2]!, d[3] === undefined ? 1 : d[3] / 255];
    }
    if (hex.length !== 6 && hex.length !== 8) return undefined;
    const n = (i: number): number => parseInt(hex.slice(i, i + 2), 16);
    return [n(0), n(2), n(4), hex.length === 8 ? n(6) / 255 : 1];
  }
  const m = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+)(%?))?\s*\)$/.exec(s);
  if (!m) return undefined;
  return [Number(m[1]), Number(m[2]), Number(m[3]), m[4] === undefined ? 1 : Number(m[4]) / (m[5] ? 100 : 1)];
}

const css = ([r, g, b, a]: RGBA): string => (a >= 1 ? `#${[r, g, b].map((v) => Math.round(v).toString(16).padStart(2, '0')).join('')}` : `rgba(${Math.round(r)}, ${Math.round(g)}, ${Math.round(b)}, ${Number(a.toFixed(3))})`);

/** fade gives a colour with its opacity multiplied. What cannot be read is given back as it is. */
export function fade(color: string, opacity: number): string {
  const c = parseColor(color);
  return c ? css([c[0], c[1], c[2], c[3] * opacity]) : color;
}

/** mix goes from a to b; 0 is a, 1 is b. */
export function mix(a: string, b: string, at: number): string {
  const x = parseColor(a);
  const y = parseColor(b);
  if (!x || !y) return at < 0.5 ? a : b;
  return css(x.map((v, i) => v + (y[i]! - v) * at) as RGBA);
}

function luminance([r, g, b]: RGBA): number {
  const f = (v: number): number => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
}

/** contrast is the ratio of WCAG 2 between two colours without transparency. */
export function contrast(a: string, b: string): number {
  const x = luminance(parseColor(a) ?? [0, 0, 0, 1]);
  const y = luminance(parseColor(b) ?? [0, 0, 0, 1]);
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** inkOn is the text colour that is read best upon a background. */
export function inkOn(background: string): string {
  return contrast(background, '#ffffff') >= contrast(background, '#15191c') ? '#ffffff' : '#15191c';
}

/** readable moves a colour towards the text colour until it is read upon the surface. */
export function readable(color: string, surface: string, text: string, least = 3): string {
  if (!parseColor(color)) return color;
  for (let at = 0; at < 1; at += 0.1) {
    const c = mix(color, text, at);
    if (contrast(c, surface) >= least) return c;
  }
  return text;
}

// A few points of the usual schemes, from low to high; between them is mixed.
const schemes: Record<string, string[]> = {
  Spectral: ['#5e4fa2', '#3288bd', '#66c2a5', '#abdda4', '#e6f598', '#ffffbf', '#fee08b', '#fdae61', '#f46d43', '#d53e4f', '#9e0142'],
  RdYlGn: ['#006837', '#1a9850', '#66bd63', '#a6d96a', '#d9ef8b', '#ffffbf', '#fee08b', '#fdae61', '#f46d43', '#d73027', '#a50026'],
  RdYlBu: ['#313695', '#4575b4', '#74add1', '#abd9e9', '#e0f3f8', '#ffffbf', '#fee090', '#fdae61', '#f46d43', '#d73027', '#a50026'],
  RdBu: ['#053061', '#2166ac', '#4393c3', '#92c5de', '#d1e5f0', '#f7f7f7', '#fddbc7', '#f4a582', '#d6604d', '#b2182b', '#67001f'],
  Blues: ['#f7fbff', '#deebf7', '#c6dbef', '#9ecae1', '#6baed6', '#4292c6', '#2171b5', '#08519c', '#08306b'],
  Greens: ['#f7fcf5', '#e5f5e0', '#c7e9c0', '#a1d99b', '#74c476', '#41ab5d', '#238b45', '#006d2c', '#00441b'],
  Greys: ['#ffffff', '#f0f0f0', '#d9d9d9', '#bdbdbd', '#969696', '#737373', '#525252', '#252525', '#000000'],
  Oranges: ['#fff5eb', '#fee6ce', '#fdd0a2', '#fdae6b', '#fd8d3c', '#f16913', '#d94801', '#a63603', '#7f2704'],
  Purples: ['#fcfbfd', '#efedf5', '#dadaeb', '#bcbddc', '#9e9ac8', '#807dba', '#6a51a3', '#54278f', '#3f007d'],
  Reds: ['#fff5f0', '#fee0d2', '#fcbba1', '#fc9272', '#fb6a4a', '#ef3b2c', '#cb181d', '#a50f15', '#67000d'],
  YlOrRd: ['#ffffcc', '#ffeda0', '#fed976', '#feb24c', '#fd8d3c', '#fc4e2a', '#e31a1c', '#bd0026', '#800026'],
  YlGnBu: ['#ffffd9', '#edf8b1', '#c7e9b4', '#7fcdbb', '#41b6c4', '#1d91c0', '#225ea8', '#253494', '#081d58'],
  Viridis: ['#440154', '#482878', '#3e4989', '#31688e', '#26828e', '#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'],
  Magma: ['#000004', '#180f3d', '#440f76', '#721f81', '#9e2f7f', '#cd4071', '#f1605d', '#fd9668', '#feca8d', '#fcfdbf'],
  Inferno: ['#000004', '#1b0c41', '#4a0c6b', '#781c6d', '#a52c60', '#cf4446', '#ed6925', '#fb9b06', '#f7d13d', '#fcffa4'],
  Plasma: ['#0d0887', '#46039f', '#7201a8', '#9c179e', '#bd3786', '#d8576b', '#ed7953', '#fb9f3a', '#fdca26', '#f0f921'],
  Turbo: ['#30123b', '#4662d7', '#36aaf9', '#1ae4b6', '#72fe5e', '#c7ef34', '#faba39', '#f66b19', '#ca2a04', '#7a0403'],
};
const diverging = new Set(['Spectral', 'RdYlGn', 'RdYlBu', 'RdBu']);

/**
 * ramp gives the colours of a scheme from low to high values. Schemes of one
 * hue begin at the surface in both themes, so that little looks like little.
 */
export function ramp(scheme: string, steps: number, mode: 'dark' | 'light', reverse = false): string[] {
  const name = Object.keys(schemes).find((n) => n.toLowerCase() === scheme.toLowerCase()) ?? 'Spectral';
  let stops = schemes[name]!;
  const ordered = !diverging.has(name) && !['Viridis', 'Magma', 'Inferno', 'Plasma', 'Turbo'].includes(name);
  if (ordered && mode === 'dark') stops = [...stops].reverse();
  if (reverse) stops = [...stops].reverse();
  const n = Math.max(2, Math.min(256, Math.round(steps) || 64));
  return Array.from({ length: n }, (_, i) => {
    const at = (i / (n - 1)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    return mix(stops[low]!, stops[low + 1]!, at - low);
  });
}
