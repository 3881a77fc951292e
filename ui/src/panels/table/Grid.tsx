import { type ReactNode, useMemo, useRef, useState } from 'react';

import { useT } from '../../i18n';
import { useRows } from '../../ui/rows';
import type { BodyProps } from '../contract';
import type { DataFrame } from '../data';
import { fieldReducers } from '../data';
import { textOf } from '../fields';
import { bag, choice, flag, texts } from '../options';
import { useCalcName } from '../useCalcName';
import { em } from '../values/fit';
import { Cell } from './Cell';
import { type Column, columnsOf, footerOf, mostColumns, type Order, rowsOf, widths } from './columns';

const m = {
  filter: { en: 'Filter rows', zh: '筛选行' },
  rows: { en: '{n} of {all} rows', zh: '{n} / {all} 行' },
  table: { en: 'Table', zh: '表格' },
  page: { en: 'Page {n} of {all}', zh: '第 {n} / {all} 页' },
  before: { en: 'Previous page', zh: '上一页' },
  after: { en: 'Next page', zh: '下一页' },
  columns: { en: 'The first {n} columns are shown', zh: '仅显示前 {n} 列' },
};

const rowHeights = { sm: 26, md: 34, lg: 46 };

/** Grid is a sorted, filtered table that draws the rows that are seen. */
export function Grid({ p, frame, height }: { p: BodyProps; frame: DataFrame; height: number }): ReactNode {
  const t = useT();
  const calcName = useCalcName();
  const o = p.panel.options;
  const columns = useMemo(() => columnsOf(frame, p.frames), [frame, p.frames]);
  const rowHeight = rowHeights[choice(o, 'cellHeight', ['sm', 'md', 'lg'] as const, 'sm')];
  const oldFooter = bag(o, 'footer');
  const first = useMemo<Order[]>(() => (Array.isArray(o?.sortBy) ? o.sortBy : []).slice(0, 4).flatMap((s: unknown) => {
    const by = s as { displayName?: unknown; desc?: unknown } | null;
    return typeof by?.displayName === 'string' ? [{ column: by.displayName, desc: by.desc === true }] : [];
  }), [o]);
  const [order, setOrder] = useState<Order[]>();
  const [filter, setFilter] = useState('');
  const [page, setPage] = useState(0);
  const inForce = order ?? first;
  const textAt = (c: Column, row: number): string => textOf(c.field, c.field.values[row], p.mode);
  const rows = useMemo(() => rowsOf(columns, frame.length, inForce, filter, textAt), [columns, frame.length, inForce, filter, p.mode]); // eslint-disable-line react-hooks/exhaustive-deps
  const need = useMemo(() => columns.map((c) => {
    let most = em(c.name, 500) + 1.6;
    // A look at some rows tells how wide a column must be.
    for (let i = 0; i < Math.min(frame.length, 60); i++) if (c.kind !== 'sparkline' && c.kind !== 'json-view') most = Math.max(most, em(textAt(c, i).slice(0, 80), 400));
    return most * 12 + 22 + (c.kind === 'gauge' ? 90 : c.kind === 'sparkline' ? 110 : 0);
  }), [columns, frame, p.mode]); // eslint-disable-line react-hooks/exhaustive-deps
  const searching = flag(o, 'showFilter') || columns.some((c) => c.filterable) || frame.length > 20;
  const paged = flag(o, 'enablePagination') || flag(oldFooter, 'enablePagination');
  const toolsH = (searching && height > 140) || paged ? 28 : 0;
  const gridH = height - toolsH;
  const header = flag(o, 'showHeader', true);
  const reducers = flag(oldFooter, 'show') ? texts(oldFooter, 'reducer') : [];
  const only = texts(oldFooter, 'fields');
  const foot = columns.map((c) => footerOf(c, rows, c.footer.length > 0 ? c.footer : reducers.length > 0 && (only.length === 0 || only.includes(c.name)) ? reducers : []));
  const footH = foot.some((f) => f.length > 0) ? 28 : 0;
  const perPage = paged ? Math.max(1, Math.floor((gridH - (header ? 28 : 0) - footH) / rowHeight)) : rows.length;
  const pages = Math.max(1, Math.ceil(rows.length / Math.max(1, perPage)));
  const at = Math.min(page, pages - 1);
  const seen = paged ? rows.slice(at * perPage, (at + 1) * perPage) : rows;
  const scrolls = seen.length * rowHeight + (header ? 28 : 0) + footH > gridH;
  const w = useMemo(() => widths(columns, need, p.width - (scrolls ? 14 : 0)), [columns, need, p.width, scrolls]);
  const total = w.reduce((a, b) => a + b, 0);
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useRows(scroller, seen.length, rowHeight, 8);
  const sort = (name: string): void => {
    const now = inForce[0]?.column === name ? inForce[0] : undefined;
    setOrder(now === undefined ? [{ column: name, desc: false }] : now.desc ? [] : [{ column: name, desc: true }]);
  };
  return (
    <>
      {toolsH > 0 && (
        <div className="gt-tools">
          {searching && <input className="gt-filter" type="search" value={filter} onChange={(e) => { setFilter(e.target.value); setPage(0); }} placeholder={t(m.filter)} aria-label={t(m.filter)} />}
          <span>{t(m.rows, { n: rows.length, all: frame.length })}</span>
          {frame.fields.length > mostColumns && <span>{t(m.columns, { n: mostColumns })}</span>}
          {paged && pages > 1 && (
            <span style={{ marginLeft: 'auto', display: 'flex', gap: 6, alignItems: 'center' }}>
              <button type="button" className="panel-button" aria-label={t(m.before)} disabled={at === 0} onClick={() => setPage(at - 1)}>‹</button>
              {t(m.page, { n: at + 1, all: pages })}
              <button type="button" className="panel-button" aria-label={t(m.after)} disabled={at >= pages - 1} onClick={() => setPage(at + 1)}>›</button>
            </span>
          )}
        </div>
      )}
      <div ref={scroller} className="grid-table" style={{ height: gridH }} role="table" aria-label={p.panel.title || t(m.table)} aria-rowcount={rows.length + 1} aria-colcount={columns.length} tabIndex={0}>
        {header && (
          <div className="gt-head" role="row" style={{ width: total }}>
            {columns.map((c, i) => {
              const s = inForce.find((x) => x.column === c.name);
              return (
                <div key={i} className="gt-th" role="columnheader" aria-sort={s ? (s.desc ? 'descending' : 'ascending') : 'none'} style={{ width: w[i] }}>
                  <button type="button" className="gt-sort" style={{ textAlign: c.align, height: 27 }} onClick={() => sort(c.name)} title={c.field.config.description || c.name}>{c.name}{s ? (s.desc ? ' ↓' : ' ↑') : ''}</button>
                </div>
              );
            })}
          </div>
        )}
        <div role="rowgroup" style={{ height: lines.total, position: 'relative', width: total }}>
          {lines.seen.map((v) => {
            const row = seen[v.index]!;
            const whole = columns.find((c) => c.applyToRow);
            return (
              <div key={v.index} className="gt-row" role="row" aria-rowindex={v.index + 2} style={{ height: rowHeight, width: total, transform: `translateY(${v.start}px)` }}>
                {columns.map((c, i) => <Cell key={i} c={c} row={row} width={w[i]!} height={rowHeight} p={p} tint={whole} />)}
              </div>
            );
          })}
        </div>
        {footH > 0 && (
          <div className="gt-foot" role="row" style={{ width: total, height: footH, lineHeight: `${footH}px` }}>
            {columns.map((c, i) => (
              <div key={i} role="cell" className="gt-cell" style={{ width: w[i], textAlign: c.align }} title={foot[i]!.map((f) => calcName(f.id)).join(', ')}>
                {foot[i]!.map((f) => <span key={f.id}><span className="unit">{calcName(f.id)} </span>{f.value === null || f.value === undefined ? '–' : fieldReducers.get(f.id).preservesUnits ? textOf(c.field, f.value, p.mode) : String(f.value)} </span>)}
              </div>
            ))}
          </div>
        )}
      </div>
    </>
  );
}
