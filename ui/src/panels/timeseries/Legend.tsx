import { memo, type MouseEvent, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import type { Mode } from '../../grafana/theme';
import { useT } from '../../i18n';
import { useRows } from '../../ui/rows';
import type { Field } from '../data';
import { useCalcName } from '../useCalcName';
import { calcText, calcValue, type Sort, sorted } from './legendModel';

const m = {
  name: { en: 'Name', zh: '名称' },
  legend: { en: 'Legend', zh: '图例' },
  more: { en: '{n} more below', zh: '下方还有 {n} 项' },
  hint: { en: 'Click: show this alone. Ctrl+click: show or hide it', zh: '单击：只显示该项；Ctrl+单击：显示或隐藏该项' },
};

export interface LegendItem {
  name: string;
  field: Field;
  color: string;
}

export interface LegendProps {
  items: LegendItem[];
  colorOf: (item: LegendItem) => string;
  mode: Mode;
  table: boolean;
  side: 'bottom' | 'right';
  calcs: string[];
  sort?: Sort;
  shown?: ReadonlySet<string>;
  square?: boolean;
  onPick: (name: string, add: boolean) => void;
  width: number;
  height: number;
}

/** Legend names the series. It draws the lines that are seen, however many there are. */
export const Legend = memo(function Legend(p: LegendProps): ReactNode {
  const t = useT();
  const calcName = useCalcName();
  const scroller = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<Sort | undefined>(p.sort);
  const sortBy = p.sort?.by;
  const sortDesc = p.sort?.desc;
  useEffect(() => setSort(sortBy === undefined ? undefined : { by: sortBy, desc: sortDesc ?? false }), [sortBy, sortDesc]);
  const items = useSorted(p.items, sort);
  const rows = p.table || p.side === 'right' || items.length > 200;
  const lines = useRows(scroller, rows ? items.length : 0, 20, 6);
  const pick = (e: MouseEvent, name: string): void => p.onPick(name, e.ctrlKey || e.metaKey || e.shiftKey);
  const calcWidth = Math.max(56, Math.min(92, (p.width * 0.6) / Math.max(1, p.calcs.length)));
  const item = (i: LegendItem): ReactNode => (
    <button type="button" className="legend-item" title={`${i.name}\n${t(m.hint)}`} aria-pressed={p.shown ? p.shown.has(i.name) : true} onClick={(e) => pick(e, i.name)}>
      <span className="panel-swatch" data-square={p.square ? true : undefined} style={{ background: p.colorOf(i) }} />
      <span className="ellipsis">{i.name}</span>
      {!p.table && p.calcs.map((c) => <span key={c} className="calc">{calcName(c)} <b>{calcText(i.field, c, p.mode)}</b></span>)}
    </button>
  );
  const [more, setMore] = useState(0);
  const count = (): void => {
    const box = scroller.current;
    const list = rows ? undefined : box?.firstElementChild?.children;
    if (!box || !list) return setMore(0);
    const end = box.getBoundingClientRect().bottom;
    setMore([...list].filter((e) => e.getBoundingClientRect().top > end - 6).length);
  };
  useLayoutEffect(count, [rows, items, p.width, p.height, p.calcs]);
  if (!rows) {
    return <div style={{ position: 'relative' }}><div className="legend" ref={scroller} onScroll={count} style={{ width: p.width, height: p.height }} role="group" aria-label={t(m.legend)}><div className="legend-list">{items.map((i) => <span key={i.name} style={{ maxWidth: '100%', display: 'flex' }}>{item(i)}</span>)}</div></div>{more > 0 && <span className="legend-rest" title={t(m.more, { n: more })}>+{more}</span>}</div>;
  }
  const head = (by: string, text: string, width?: number): ReactNode => (
    <button key={by} type="button" aria-pressed={sort?.by === by} style={width ? { width, flex: 'none' } : { flex: 1, minWidth: 0 }} onClick={() => setSort(sort?.by === by ? (sort.desc ? { by, desc: false } : undefined) : { by, desc: true })}>
      {text}{sort?.by === by ? (sort.desc ? ' ↓' : ' ↑') : ''}
    </button>
  );
  return (
    <div className="legend" ref={scroller} style={{ width: p.width, height: p.height }} role="group" aria-label={t(m.legend)}>
      {p.table && <div className="legend-head">{head('name', t(m.name))}{p.calcs.map((c) => head(c, calcName(c), calcWidth))}</div>}
      <div style={{ height: lines.total, position: 'relative' }}>
        {lines.seen.map((v) => {
          const i = items[v.index]!;
          return (
            <div key={v.index} className="legend-line" style={{ position: 'absolute', top: 0, left: 0, width: '100%', transform: `translateY(${v.start}px)`, ...(p.table ? {} : { borderBottom: 0 }) }}>
              <div className="legend-name">{item(i)}</div>
              {p.table && p.calcs.map((c) => <div key={c} className="legend-num" style={{ width: calcWidth }}>{calcText(i.field, c, p.mode)}</div>)}
            </div>
          );
        })}
      </div>
    </div>
  );
});

const chunk = 300;

/** useSorted sorts at once where there is little; else the calculations are made in idle time first. */
function useSorted(items: LegendItem[], sort: Sort | undefined): LegendItem[] {
  const light = items.length <= chunk || !sort || sort.by === 'name';
  const now = useMemo(() => (light ? sorted(items, sort) : items), [items, sort, light]);
  const [later, setLater] = useState<{ of: LegendItem[]; by: Sort; items: LegendItem[] }>();
  useEffect(() => {
    if (light || !sort) return;
    let at = 0;
    let handle: number;
    const idle = window.requestIdleCallback ?? ((f: IdleRequestCallback) => window.setTimeout(() => f({ didTimeout: true, timeRemaining: () => 8 }), 16));
    const cancel = window.cancelIdleCallback ?? window.clearTimeout;
    const work: IdleRequestCallback = (deadline) => {
      do {
        const end = Math.min(items.length, at + 50);
        for (; at < end; at++) calcValue(items[at]!.field, sort.by);
      } while (at < items.length && deadline.timeRemaining() > 2);
      if (at < items.length) handle = idle(work);
      else setLater({ of: items, by: sort, items: sorted(items, sort) });
    };
    handle = idle(work);
    return () => cancel(handle);
  }, [items, sort, light]);
  return light || later?.of !== items || later.by !== sort ? now : later.items;
}
