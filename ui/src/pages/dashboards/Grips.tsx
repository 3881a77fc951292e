import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useRef, useState } from 'react';

import { useT } from '../../i18n';
import { label, type Placed } from '../../model';
import { Icon } from '../../ui/icons';
import { cell, columns, fit, gap, rectOf, type Spot } from './arrange';
import type { Shared } from './Slot';

const m = {
  move: { en: 'Move {title}: arrow keys', zh: '移动 {title}：方向键' },
  size: { en: 'Size of {title}: arrow keys', zh: '调整 {title} 大小：方向键' },
};

/** Grips move a panel and change its size, by pointer and by keys. */
export function Grips({ p, grid, shared, onMove }: { p: Placed; grid: number; shared: Shared; onMove: (p: Placed, to: Spot) => void }): ReactNode {
  const t = useT();
  const [to, setTo] = useState<Spot>();
  const from = useRef<{ x: number; y: number; spot: Spot; move: boolean } | undefined>(undefined);
  const { panel, gridPos } = p;
  const put = (spot: Spot): void => onMove(p, spot);
  const title = label(panel.title, shared.scope) || String(panel.id);
  useEffect(() => setTo(undefined), [gridPos]);
  const changed = (spot: Spot, move: boolean, dx: number, dy: number): Spot =>
    fit(move ? { ...spot, x: spot.x + dx, y: spot.y + dy } : { ...spot, w: Math.min(columns - spot.x, spot.w + dx), h: spot.h + dy });
  const handlers = (move: boolean): Record<string, unknown> => ({
    onPointerDown: (e: PointerEvent<HTMLElement>) => {
      e.preventDefault();
      e.currentTarget.focus();
      e.currentTarget.setPointerCapture(e.pointerId);
      from.current = { x: e.clientX, y: e.clientY + window.scrollY, spot: gridPos, move };
    },
    onPointerMove: (e: PointerEvent<HTMLElement>) => {
      const f = from.current;
      if (f) setTo(changed(f.spot, f.move, Math.round((e.clientX - f.x) / ((grid + gap) / columns)), Math.round((e.clientY + window.scrollY - f.y) / (cell + gap))));
    },
    onPointerUp: () => {
      if (from.current && to) put(to);
      from.current = undefined;
    },
    onPointerCancel: () => {
      from.current = undefined;
      setTo(undefined);
    },
    onKeyDown: (e: KeyboardEvent) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (!by) return;
      e.preventDefault();
      put(changed(gridPos, move, by[0]!, by[1]!));
    },
  });
  const here = rectOf(gridPos, grid);
  const ghost = to && rectOf(to, grid);
  return (
    <>
      <button type="button" className="dash-grip" data-kind="move" aria-label={t(m.move, { title })} {...handlers(true)}><Icon name="menu" size={14} /></button>
      {panel.type !== 'row' && <button type="button" className="dash-grip" data-kind="size" aria-label={t(m.size, { title })} {...handlers(false)}><Icon name="full" size={14} /></button>}
      {ghost && <div className="dash-ghost" style={{ left: ghost.left - here.left, top: ghost.top - here.top, width: ghost.width, height: ghost.height }} />}
    </>
  );
}
