import { lazy, memo, type ReactNode, Suspense, useDeferredValue, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { useT } from '../../i18n';
import { label, type Placed } from '../../model';
import { Icon } from '../../ui/icons';
import { paginate, place, type Rect, type Spot } from './arrange';
import { PanelMenu } from './PanelMenu';
import { type Shared, Slot } from './Slot';
import { pageOf, tabOf } from './tabIds';

// What few dashboards have, and what only moves panels, comes when it is needed.
const Grips = lazy(() => import('./Grips').then((x) => ({ default: x.Grips })));
const TabBar = lazy(() => import('./TabBar').then((x) => ({ default: x.TabBar })));

const m = {
  row: { en: 'Row', zh: '行' },
  hidden: { en: '{n} panels', zh: '{n} 个面板' },
};

/** Below this width panels stand in one column, in pixels. */
const narrowest = 700;
/** How far from the viewport panels ask for data already, in heights of it. */
const ahead = 0.6;
/** With more panels than this, those far away are let go. */
const keepAll = 150;

interface Seen {
  top: number;
  bottom: number;
}

/** useSeen is the part of an element that the viewport shows, in its own pixels. */
function useSeen(ref: { current: HTMLElement | null }): { seen: Seen; width: number } {
  const [state, set] = useState({ seen: { top: 0, bottom: 0 }, width: 0 });
  useLayoutEffect(() => {
    let frame = 0;
    const look = (): void => {
      frame = 0;
      const box = ref.current?.getBoundingClientRect();
      if (!box) return;
      // In steps, so that scrolling draws anew only when something new comes near.
      const top = Math.floor(-box.top / 100) * 100;
      const next = { seen: { top, bottom: top + Math.ceil(window.innerHeight / 100) * 100 + 100 }, width: Math.floor(box.width) };
      set((old) => (old.seen.top === next.seen.top && old.seen.bottom === next.seen.bottom && old.width === next.width ? old : next));
    };
    const soon = (): void => {
      if (frame === 0) frame = requestAnimationFrame(look);
    };
    look();
    window.addEventListener('scroll', soon, { passive: true, capture: true });
    window.addEventListener('resize', soon);
    const observer = new ResizeObserver(soon);
    if (ref.current) observer.observe(ref.current);
    return () => {
      window.removeEventListener('scroll', soon, { capture: true });
      window.removeEventListener('resize', soon);
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [ref]);
  return state;
}

/**
 * Grid places panels in 24 columns, or in one on a phone, and draws those that are near.
 * With sheet, the length of a printed one in pixels, all are drawn, and none is cut; 0 is an endless sheet.
 */
export const Grid = memo(function Grid({ placed, shared, toggle, turn, onMove, sheet }: { placed: Placed[]; shared: Shared; toggle: (key: string, open: boolean) => void; turn: (param: string, slug: string) => void; onMove?: (p: Placed, to: Spot) => void; sheet?: number }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const { seen: now, width } = useSeen(box);
  // What is scrolled past quickly is not drawn on the way.
  const seen = useDeferredValue(now);
  const narrow = width > 0 && width < narrowest;
  const [offset, setOffset] = useState(0);
  // What stands above may grow when it has loaded.
  useLayoutEffect(() => {
    if (sheet && box.current) setOffset(Math.round(box.current.getBoundingClientRect().top + window.scrollY));
  });
  const { rects, height } = useMemo(() => {
    const all = place(placed.map((p) => p.gridPos), width, narrow);
    return sheet ? paginate(all.rects, sheet, offset, (i) => placed[i]!.panel.type === 'row' || placed[i]!.bar !== undefined) : all;
  }, [placed, width, narrow, sheet, offset]);
  const known = useRef(new Set<string>());
  const reach = (seen.bottom - seen.top) * ahead;
  return (
    <div className="dash-grid" ref={box} data-sheet={sheet} style={{ height: Math.max(height, 40) }}>
      {width > 0 && folded(placed, placed.map((p, i) => {
        const rect = rects[i]!;
        const near = sheet !== undefined || (rect.top < seen.bottom + reach && rect.top + rect.height > seen.top - reach);
        if (near) known.current.add(p.key);
        const far = !near && (placed.length > keepAll || !known.current.has(p.key));
        return <Place key={p.key} p={p} rect={rect} near={near} far={far} shared={shared} toggle={toggle} turn={turn} printed={sheet !== undefined} grid={width} onMove={narrow ? undefined : onMove} />;
      }), sheet === undefined ? 'tabpanel' : 'group')}
    </div>
  );
});

/** folded puts what stands in a tab into one element with its name, which has no place of its own. */
function folded(placed: readonly Placed[], nodes: readonly ReactNode[], role: string, depth = 0): ReactNode[] {
  const out: ReactNode[] = [];
  for (let i = 0; i < placed.length;) {
    const tab = placed[i]!.within[depth];
    if (tab === undefined) {
      out.push(nodes[i++]);
      continue;
    }
    const from = i;
    while (placed[i]?.within[depth] === tab) i++;
    out.push(<div key={pageOf(tab)} id={pageOf(tab)} role={role} aria-labelledby={tabOf(tab)}>{folded(placed.slice(from, i), nodes.slice(from, i), role, depth + 1)}</div>);
  }
  return out;
}

/** Place is memoised: scrolling through thousands of panels draws only those that come near or go. */
const Place = memo(function Place({ p, rect, near, far, shared, toggle, turn, printed, grid, onMove }: {
  p: Placed; rect: Rect; near: boolean; far: boolean; shared: Shared; toggle: (key: string, open: boolean) => void; turn: (param: string, slug: string) => void; printed: boolean; grid: number; onMove?: (p: Placed, to: Spot) => void;
}): ReactNode {
  const { panel } = p;
  const style = { left: rect.left, top: rect.top, width: rect.width, height: rect.height };
  if (far) return <div className="dash-slot" style={style} data-panel-id={panel.id} data-panel-type={panel.type} data-panel-state="loading" />;
  return (
    <div className="dash-slot" style={style} data-arranging={onMove ? true : undefined}>
      {p.bar ? <Suspense><TabBar p={p} turn={turn} printed={printed} /></Suspense> : panel.type === 'row' ? <RowHead p={p} shared={shared} toggle={toggle} /> : <Slot placed={p} width={rect.width} height={rect.height} active={near} shared={shared} />}
      {onMove && p.key === String(panel.id) && !p.bar && <Suspense><Grips p={p} grid={grid} shared={shared} onMove={onMove} /></Suspense>}
    </div>
  );
});

const noData = { state: 'done' as const, frames: [], answers: [], queries: undefined, warnings: [], fetching: false, took: 0 };

function RowHead({ p, shared, toggle }: { p: Placed; shared: Shared; toggle: (key: string, open: boolean) => void }): ReactNode {
  const t = useT();
  const scope = { ...shared.scope, scoped: { ...shared.scope.scoped, ...p.scoped } };
  const title = label(p.panel.title, scope) || t(m.row);
  return (
    <div className="dash-row" data-panel-id={p.panel.id} data-panel-type="row" data-panel-state="data">
      <h2 className="ellipsis">
        <button type="button" aria-expanded={p.open} onClick={() => toggle(p.key, !p.open)}>
          <Icon name={p.open ? 'down' : 'right'} size={14} /><span className="ellipsis">{title}</span>
        </button>
      </h2>
      {!p.open && p.panel.panels.length > 0 && <span className="muted">{t(m.hidden, { n: p.panel.panels.length })}</span>}
      {shared.edit && <span style={{ marginLeft: 'auto' }}><PanelMenu panel={p.panel} data={noData} shared={shared} scope={scope} /></span>}
    </div>
  );
}
