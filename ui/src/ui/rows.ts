import { type RefObject, useLayoutEffect, useState } from 'react';

export interface Rows {
  /** How high all rows are together, in pixels. */
  total: number;
  /** Those that are in sight, and some before and behind them. */
  seen: { index: number; start: number }[];
}

/** rowsIn tells which of count rows of one height are in sight of a box that is scrolled to top, with some more on either side. */
export function rowsIn(top: number, box: number, count: number, height: number, more: number): { from: number; to: number } {
  const from = Math.min(Math.max(0, Math.floor(top / height) - more), count);
  return { from, to: Math.max(from, Math.min(count, Math.ceil((top + box) / height) + more)) };
}

/** useRows draws of a long list the rows that its scrolled box shows. All rows are of one height. */
export function useRows(box: RefObject<HTMLElement | null>, count: number, height: number, more = 10): Rows {
  const [{ from, to }, set] = useState({ from: 0, to: 0 });
  // After each drawing: the box may have come, gone, or got another size by what else is drawn.
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const look = (): void => {
      const next = rowsIn(el.scrollTop, el.clientHeight, count, height, more);
      set((old) => (old.from === next.from && old.to === next.to ? old : next));
    };
    look();
    el.addEventListener('scroll', look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(el);
    return () => {
      el.removeEventListener('scroll', look);
      observer.disconnect();
    };
  });
  const seen: Rows['seen'] = [];
  for (let index = from; index < Math.min(to, count); index++) seen.push({ index, start: index * height });
  return { total: count * height, seen };
}
