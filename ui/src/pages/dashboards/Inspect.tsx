import { Drawer, Tabs } from '@mantine/core';
import type { DataFrame } from '@grafana/data';
import { type ReactNode, useMemo, useRef } from 'react';

import { useT } from '../../i18n';
import type { Panel } from '../../model';
import { Empty, Notice } from '../../ui/parts';
import { useRows } from '../../ui/rows';
import type { PanelData } from './panelData';

const m = {
  title: { en: 'Inspect: {title}', zh: '检查：{title}' },
  query: { en: 'Query', zh: '查询' },
  data: { en: 'Data', zh: '数据' },
  json: { en: 'JSON', zh: 'JSON' },
  none: { en: 'Nothing has been asked', zh: '尚未发出查询' },
  noneWhy: { en: 'The panel has no query that runs here.', zh: '该面板没有可在此执行的查询。' },
  asked: { en: '{n} queries in {ms} ms; {series} series', zh: '{n} 个查询，用时 {ms} ms；{series} 条序列' },
  empty: { en: 'There is no data', zh: '没有数据' },
  emptyWhy: { en: 'No series matched in this time range.', zh: '该时间范围内没有匹配的序列。' },
  cut: { en: 'Cut after {n} characters. The whole answer is that of the request above.', zh: '已截断至 {n} 个字符，完整内容见上述请求的响应。' },
};

/** How much of an answer is shown as text. */
const mostText = 200_000;

const size = (data: unknown): number => {
  const r = (data as { result?: unknown } | null)?.result;
  return Array.isArray(r) ? r.length : Array.isArray(data) ? data.length : 0;
};

/** Inspect shows what a panel asked, what it got, and what it is. */
export function Inspect({ title, panel, data, close }: { title: string; panel: Panel; data: PanelData; close: () => void }): ReactNode {
  const t = useT();
  return (
    <Drawer opened onClose={close} position="right" size="xl" title={t(m.title, { title })}>
      <Tabs defaultValue="query">
        <Tabs.List>
          <Tabs.Tab value="query">{t(m.query)}</Tabs.Tab>
          <Tabs.Tab value="data">{t(m.data)}</Tabs.Tab>
          <Tabs.Tab value="json">{t(m.json)}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="query" pt="sm"><Queries data={data} /></Tabs.Panel>
        <Tabs.Panel value="data" pt="sm">{data.frames.length === 0 ? <Empty title={t(m.empty)}>{t(m.emptyWhy)}</Empty> : data.frames.slice(0, 20).map((f, i) => <FrameTable key={i} frame={f} />)}</Tabs.Panel>
        <Tabs.Panel value="json" pt="sm"><pre className="dash-code">{JSON.stringify(panel.raw, null, 2)}</pre></Tabs.Panel>
      </Tabs>
    </Drawer>
  );
}

function Queries({ data }: { data: PanelData }): ReactNode {
  const t = useT();
  if (data.answers.length === 0) return <Empty title={t(m.none)}>{data.error ?? t(m.noneWhy)}</Empty>;
  const series = data.answers.reduce((n, a) => n + size(a.raw.data), 0);
  return (
    <>
      <p>{t(m.asked, { n: data.answers.length, ms: Math.round(data.took), series })}</p>
      {data.warnings.map((w) => <Notice key={w} tone="warning">{w}</Notice>)}
      {data.answers.map(({ request: r, raw }) => <Query key={r.key} head={`${r.refId}: ${r.kind} ${r.start}–${r.end} / ${r.step} s`} expr={r.expr} data={raw.data} />)}
    </>
  );
}

function Query({ head, expr, data }: { head: string; expr: string; data: unknown }): ReactNode {
  const t = useT();
  const text = useMemo(() => JSON.stringify(data, null, 1).slice(0, mostText + 1), [data]);
  return (
    <section style={{ marginTop: 12 }}>
      <h3>{head}</h3>
      <pre className="dash-code">{expr}</pre>
      <details>
        <summary className="muted">{t(m.data)}</summary>
        <pre className="dash-code">{text.slice(0, mostText)}</pre>
        {text.length > mostText && <p className="muted">{t(m.cut, { n: mostText })}</p>}
      </details>
    </section>
  );
}

function FrameTable({ frame }: { frame: DataFrame }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const rows = useRows(box, frame.length, 26);
  const fields = frame.fields.slice(0, 50);
  const columns = `repeat(${fields.length}, minmax(140px, 1fr))`;
  return (
    <section style={{ marginBottom: 16 }}>
      <h3>{frame.name ?? frame.refId ?? ''} <span className="muted">{frame.length} × {frame.fields.length}</span></h3>
      <div ref={box} style={{ height: Math.min(360, 26 * (frame.length + 1) + 12), overflow: 'auto' }} tabIndex={0} role="table">
        <div role="row" style={{ display: 'grid', gridTemplateColumns: columns, position: 'sticky', top: 0, background: 'var(--surface)', zIndex: 1 }}>
          {fields.map((f, i) => <b key={i} role="columnheader" className="ellipsis" style={{ padding: 4 }} title={f.state?.displayName ?? f.name}>{f.state?.displayName ?? f.name}</b>)}
        </div>
        <div role="rowgroup" style={{ height: rows.total, position: 'relative' }}>
          {rows.seen.map((r) => (
            <div key={r.index} role="row" style={{ display: 'grid', gridTemplateColumns: columns, position: 'absolute', top: r.start, left: 0, right: 0, height: 26 }}>
              {fields.map((f, i) => <span key={i} role="cell" className="ellipsis mono" style={{ padding: 4 }}>{cellText(f.type, f.values[r.index])}</span>)}
            </div>
          ))}
        </div>
      </div>
    </section>
  );
}

function cellText(type: string, v: unknown): string {
  if (v === null || v === undefined) return '';
  if (type === 'time' && typeof v === 'number' && Math.abs(v) < 8.64e15) return new Date(v).toISOString();
  return typeof v === 'object' ? JSON.stringify(v) : String(v);
}
