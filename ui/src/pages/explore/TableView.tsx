import { Button, TextInput } from '@mantine/core';
import { type ReactNode, useMemo, useRef } from 'react';

import { useT } from '../../i18n';
import { CopyButton } from '../../ui/CopyButton';
import { download } from '../../ui/files';
import { Card, Empty, Failed, Loading, Notice } from '../../ui/parts';
import { useRows } from '../../ui/rows';
import { columnsOf, seriesName, sortRows, tableCSV } from './frames';
import { notRun, type Result, tableOf } from './results';

const m = {
  title: { en: 'Table ({n} rows)', zh: '表格（{n} 行）' },
  filter: { en: 'Filter rows', zh: '筛选行' },
  query: { en: 'Query', zh: '查询' },
  name: { en: 'Metric', zh: '指标' },
  value: { en: 'Value', zh: '值' },
  none: { en: 'No result at this moment', zh: '此时刻没有结果' },
  why: { en: 'The table shows the end of the time range. Explain shows which part of the expression has nothing.', zh: '表格显示时间范围末尾的值。“解释”可显示表达式中哪一部分没有数据。' },
  ask: { en: 'Nothing is asked yet', zh: '尚未查询' },
  askHow: { en: 'Write an expression above and press Enter, or pick a metric from the browser.', zh: '在上方输入表达式并按 Enter，或从指标浏览器中选择指标。' },
  noMatch: { en: 'No row has "{text}"', zh: '没有包含“{text}”的行' },
};

/** Beyond so many columns nobody reads, and the browser is slow. */
const mostColumns = 40;

/** TableView shows instant results; sort and filter are in the address. */
export function TableView({ results, sort, find, onSort, onFind, onPick }: {
  results: Result[]; sort: string; find: string; onSort: (by: string) => void; onFind: (text: string) => void; onPick: (ref: string, name: string, value: string) => void;
}): ReactNode {
  const t = useT();
  const scroll = useRef<HTMLDivElement>(null);
  const answers = results.map((r) => r.answer);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const rows = useMemo(() => results.flatMap(tableOf), [...answers, results.length]);
  const columns = useMemo(() => columnsOf(rows).slice(0, mostColumns), [rows]);
  const shown = useMemo(() => {
    const q = find.trim().toLowerCase();
    const kept = q === '' ? rows : rows.filter((r) => r.value.toLowerCase().includes(q) || seriesName(r.labels).toLowerCase().includes(q));
    return sort === '' ? kept : sortRows(kept, sort);
  }, [rows, find, sort]);
  const lines = useRows(scroll, shown.length, 28, 12);
  const several = results.length > 1;
  const grid = `${several ? '64px ' : ''}${columns.map((c) => (c === '__name__' ? 'minmax(180px, 2fr)' : 'minmax(110px, 1fr)')).join(' ')} minmax(120px, 1fr)`;
  const width = (several ? 64 : 0) + columns.length * 118 + 190;
  const pending = results.some((r) => r.pending && !r.answer);
  const head = (key: string, label: string, num = false): ReactNode => (
    <div role="columnheader" key={key} className={num ? 'num' : undefined} aria-sort={sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : 'none'}>
      <button type="button" onClick={() => onSort(sort === `-${key}` ? key : sort === key ? '' : `-${key}`)}>{label}{sort === key ? ' ↑' : sort === `-${key}` ? ' ↓' : ''}</button>
    </div>
  );
  const warnings = [...new Set(results.flatMap((r) => r.answer?.warnings ?? []))];
  return (
    <>
      {results.filter((r) => r.error).map((r) => <Failed key={r.ref} what={t(notRun)} error={new Error(`${r.ref}: ${r.error instanceof Error ? r.error.message : String(r.error)}`)} retry={r.retry} />)}
      {warnings.length > 0 && <Notice tone="warning">{warnings.slice(0, 5).map((w) => <div key={w}>{w}</div>)}</Notice>}
      <Card flush title={t(m.title, { n: shown.length })} actions={
        <>
          <TextInput size="xs" aria-label={t(m.filter)} placeholder={t(m.filter)} value={find} onChange={(e) => onFind(e.currentTarget.value)} />
          <CopyButton text={() => shown.map((r) => `${seriesName(r.labels)} ${r.value}`).join('\n')} />
          <Button variant="default" size="compact-xs" disabled={rows.length === 0} onClick={() => download('explore.csv', tableCSV(shown), 'text/csv')}>CSV</Button>
        </>}>
        <div data-panel-type="table" data-panel-state={pending ? 'loading' : rows.length > 0 ? 'data' : 'empty'} aria-busy={pending}>
          {pending && rows.length === 0 ? <div className="card-body"><Loading height={240} /></div> : rows.length === 0 ? (
            results.length === 0 ? <Empty title={t(m.ask)}>{t(m.askHow)}</Empty> : results.every((r) => r.error) ? null : <Empty title={t(m.none)}>{t(m.why)}</Empty>
          ) : shown.length === 0 ? <Empty title={t(m.noMatch, { text: find })} /> : (
            <div className="explore-grid" ref={scroll} role="table" aria-rowcount={shown.length + 1} tabIndex={0} aria-label={t(m.title, { n: shown.length })}>
              <div role="row" className="head" style={{ gridTemplateColumns: grid, minWidth: width }}>
                {several && head('query', t(m.query))}
                {columns.map((c) => head(c, c === '__name__' ? t(m.name) : c))}
                {head('value', t(m.value), true)}
              </div>
              <div role="rowgroup" style={{ height: lines.total, position: 'relative', minWidth: width }}>
                {lines.seen.map((item) => {
                  const r = shown[item.index]!;
                  return (
                    <div role="row" key={item.index} aria-rowindex={item.index + 2} style={{ gridTemplateColumns: grid, position: 'absolute', top: 0, left: 0, width: '100%', transform: `translateY(${item.start}px)` }}>
                      {several && <div role="cell"><b>{r.ref}</b></div>}
                      {columns.map((c) => (
                        <div role="cell" key={c} title={r.labels[c]}>
                          {c === '__name__' || !r.labels[c] ? r.labels[c] : <button type="button" className="explore-link" style={{ color: 'inherit', padding: 0 }} onClick={() => onPick(r.ref, c, r.labels[c]!)}>{r.labels[c]}</button>}
                        </div>
                      ))}
                      <div role="cell" className="num"><b>{r.value}</b></div>
                    </div>
                  );
                })}
              </div>
            </div>
          )}
        </div>
      </Card>
    </>
  );
}
