// How large a text can be in a box, and how boxes share a panel.
import { fontFamily } from '../tokens';

let context: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();

/** em is the width of a text in units of its size. Where there is no canvas it is estimated. */
export function em(text: string, weight = 600): number {
  const key = `${weight} ${text}`;
  let w = widths.get(key);
  if (w === undefined) {
    if (context === undefined) context = typeof document === 'undefined' ? null : document.createElement('canvas').getContext('2d');
    if (context) {
      context.font = `${weight} 100px ${fontFamily}`;
      w = context.measureText(text).width / 100;
    } else w = [...text].reduce((sum, c) => sum + (c.codePointAt(0)! > 0x2e80 ? 1 : /[.,:;' il|]/.test(c) ? 0.28 : 0.58), 0);
    if (widths.size > 2000) widths.clear();
    widths.set(key, w);
  }
  return w;
}

/** fit is the greatest size in pixels, no more than most, at which a text stays within a box. */
export function fit(text: string, width: number, height: number, most = 64, least = 10): number {
  const w = em(text);
  return Math.floor(Math.max(least, Math.min(most, height / 1.15, w > 0 ? (width * 0.98) / w : most)));
}

export interface Cells {
  columns: number;
  rows: number;
}

/** cells puts n boxes into a panel: all in a row or column, or as near to a good proportion as can be. */
export function cells(n: number, width: number, height: number, orientation: 'auto' | 'horizontal' | 'vertical', proportion = 2.2): Cells {
  if (n <= 1) return { columns: 1, rows: 1 };
  if (orientation === 'vertical') return { columns: n, rows: 1 };
  if (orientation === 'horizontal') return { columns: 1, rows: n };
  let best: Cells = { columns: n, rows: 1 };
  let score = -1;
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const w = width / columns;
    const h = height / rows;
    const used = Math.min(w, h * proportion) * Math.min(h, w / proportion) * (n / (rows * columns));
    if (used > score) {
      score = used;
      best = { columns, rows };
    }
  }
  return best;
}
