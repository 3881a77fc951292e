import './explore.css';

import { Button, SegmentedControl, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { datasources, metadata } from '../../api/explore';
import { scrapeInterval, status } from '../../api/status';
import { useT } from '../../i18n';
import { refreshNow, useTime } from '../../time/state';
import { CopyButton } from '../../ui/CopyButton';
import { digits } from '../../ui/format';
import { Icon } from '../../ui/icons';
import { Card, Loading, Page } from '../../ui/parts';
import { type ExploreQuery, emptyQuery, letter, mostQueries, readQueries, readView, type Search, type View, writeQueries } from './address';
import { Browser, useMetricNames } from './Browser';
import { expand, rateInterval } from './defaults';
import { ExplainView } from './ExplainView';
import { GraphView, type GraphOptions } from './GraphView';
import { add, load, save, star } from './history';
import { HistoryPanel } from './HistoryPanel';
import { QueryRow } from './QueryRow';
import { useResults, windowOf } from './results';
import { TableView } from './TableView';
import { durationOf } from './tree';

const AlertForm = lazy(() => import('./AlertForm').then((a) => ({ default: a.AlertForm })));
const AddPanel = lazy(() => import('./AddPanel').then((a) => ({ default: a.AddPanel })));

const m = {
  title: { en: 'Explore', zh: '探索' },
  nothing: { en: '{n} metrics have samples in this time range. Ask one.', zh: '该时间范围内有 {n} 个指标，请选择查询。' },
  nothingYet: { en: 'Ask a metric.', zh: '查询指标。' },
  asking: { en: 'Asking.', zh: '正在查询。' },
  answered: { en: '{series} series in {ms} ms, {samples} samples read.', zh: '返回 {series} 条序列，耗时 {ms} 毫秒，读取 {samples} 个样本。' },
  failed: { en: '{failed} of {n} queries failed.', zh: '{n} 个查询中有 {failed} 个失败。' },
  run: { en: 'Run', zh: '执行' },
  addQuery: { en: 'Add query', zh: '添加查询' },
  browse: { en: 'Metrics', zh: '指标' },
  history: { en: 'History', zh: '历史' },
  share: { en: 'Copy link', zh: '复制链接' },
  view: { en: 'View', zh: '视图' },
  graph: { en: 'Graph', zh: '图表' },
  table: { en: 'Table', zh: '表格' },
  explain: { en: 'Explain', zh: '解释' },
  source: { en: 'Data source', zh: '数据源' },
};

/** Explore asks metrics: several queries, seen as a graph, a table, or taken apart. */
export function Explore(): ReactNode {
  const t = useT();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const time = useTime();
  const change = useCallback((by: (old: Search) => Search, replace = false) => void navigate({ to: '.', search: by, replace } as never), [navigate]);
  const set = (by: Search, replace = false): void => change((old) => ({ ...old, ...by }), replace);
  const queries = readQueries(search);
  const view = readView(search);
  const one = (name: string): string => (typeof search[name] === 'string' ? (search[name] as string) : '');
  const datasource = one('ds') || undefined;
  const browse = search.browse !== undefined;

  // What is typed is not asked before it is run.
  const [drafts, setDrafts] = useState<string[]>(() => queries.map((q) => q.expr));
  const ran = useRef(JSON.stringify(queries.map((q) => q.expr)));
  const now = JSON.stringify(queries.map((q) => q.expr));
  useEffect(() => {
    // The address changed by itself, such as by going back.
    if (now !== ran.current) {
      ran.current = now;
      setDrafts(JSON.parse(now) as string[]);
    }
  }, [now]);
  const [list, setList] = useState(load);
  const [side, setSide] = useState(false);
  const put = (to: ExploreQuery[]): void => {
    ran.current = JSON.stringify(to.map((q) => q.expr));
    setDrafts(to.map((q) => q.expr));
    change((old) => writeQueries(old, to));
  };
  /** With what is typed in its place. */
  const typed = (): ExploreQuery[] => queries.map((q, i) => ({ ...q, expr: drafts[i] ?? q.expr }));
  const run = (also: Search = {}): void => {
    const to = typed();
    setList((old) => {
      const next = to.reduce((l, q) => add(l, q.expr, Date.now()), old);
      save(next);
      return next;
    });
    ran.current = JSON.stringify(to.map((q) => q.expr));
    refreshNow();
    change((old) => ({ ...writeQueries(old, to), ...also }));
  };

  const server = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal), staleTime: 5000 });
  const scrape = scrapeInterval(server.data?.watched);
  const about = useQuery({ queryKey: ['explore', 'metadata', datasource], queryFn: ({ signal }) => metadata(datasource, signal), staleTime: 60_000 });
  const meta = useCallback((name: string) => about.data?.[name]?.[0], [about.data]);
  // A server without that surface has the one source that is built in.
  const sources = useQuery({ queryKey: ['datasources'], queryFn: ({ signal }) => datasources(signal), retry: false, staleTime: 60_000 });
  const proms = (sources.data ?? []).filter((s) => s.type === 'prometheus');

  const results = useResults(queries, view, time.range, scrape, datasource);
  const step = windowOf(time.range, '').step;
  const fill = useCallback((text: string) => expand(text, { step, scrape, range: (time.range.to - time.range.from) / 1000 }), [step, scrape, time.range.from, time.range.to]);
  const use = (expr: string, legend = ''): void => {
    const to = typed();
    const free = to.findIndex((q) => q.expr.trim() === '');
    if (free >= 0) to[free] = { ...to[free]!, expr, legend };
    else if (to.length < mostQueries) to.push({ ...emptyQuery(expr), legend });
    put(to);
  };
  const options: GraphOptions = { stack: search.stack !== undefined, log: search.log !== undefined, points: search.points !== undefined, exemplars: search.exemplars !== undefined };
  const alertAt = queries.findIndex((_, i) => letter(i) === one('alert'));
  const [panelFor, setPanelFor] = useState<number>();
  const sentence = useSentence(results, useMetricNames(time.range, datasource, results.length === 0).data?.length ?? 0);

  return (
    <Page title={t(m.title)} sentence={sentence} actions={
      <>
        {proms.length > 1 && <Select aria-label={t(m.source)} w={170} allowDeselect={false} value={datasource ?? proms.find((s) => s.default)?.uid ?? 'touchline'} data={proms.map((s) => ({ value: s.uid, label: s.name }))} onChange={(v) => set({ ds: v === null || v === 'touchline' ? undefined : v })} />}
        <Button variant="default" aria-pressed={browse} onClick={() => set({ browse: browse ? undefined : '1' })} leftSection={<Icon name="search" size={14} />}>{t(m.browse)}</Button>
        <Button variant="default" onClick={() => setSide(true)} leftSection={<Icon name="clock" size={14} />}>{t(m.history)}</Button>
        <CopyButton label={t(m.share)} text={() => window.location.href} />
      </>}>
      <div className="explore" data-browse={browse || undefined} data-view={view}>
        {browse && <Browser range={time.range} datasource={datasource} rate={durationOf(rateInterval(Math.max(step, scrape) * 1000, scrape * 1000))} meta={meta} metric={one('metric')} onMetric={(name) => set({ metric: name || undefined })} onUse={use} />}
        <div className="explore-main">
          <Card flush>
            {queries.map((q, i) => (
              <QueryRow key={i} letter={letter(i)} index={i} count={queries.length} query={q} draft={drafts[i] ?? q.expr} datasource={datasource} expand={fill}
                onDraft={(text) => setDrafts((old) => queries.map((x, j) => (j === i ? text : (old[j] ?? x.expr))))}
                onRun={() => run()}
                onChange={(by) => put(typed().map((x, j) => (j === i ? { ...x, ...by } : x)))}
                onDuplicate={() => { const to = typed(); if (to.length < mostQueries) { to.splice(i + 1, 0, { ...to[i]! }); put(to); } }}
                onMove={(by) => { const to = typed(); const [x] = to.splice(i, 1); to.splice(i + by, 0, x!); put(to); }}
                onRemove={() => { const to = typed().filter((_, j) => j !== i); put(to.length > 0 ? to : [emptyQuery()]); }}
                onExplain={() => run({ view: 'explain' })}
                onAlert={() => run({ alert: letter(i) })}
                onDashboard={() => { run(); setPanelFor(i); }} />
            ))}
            <div className="explore-bar">
              <Button onClick={() => run()} leftSection={<Icon name="play" size={12} />}>{t(m.run)}</Button>
              <Button variant="default" disabled={queries.length >= mostQueries} onClick={() => put([...typed(), emptyQuery()])} leftSection={<Icon name="add" size={12} />}>{t(m.addQuery)}</Button>
              <SegmentedControl className="push" aria-label={t(m.view)} value={view} onChange={(v) => set({ view: (v as View) === 'graph' ? undefined : v })}
                data={[{ value: 'graph', label: t(m.graph) }, { value: 'table', label: t(m.table) }, { value: 'explain', label: t(m.explain) }]} />
            </div>
          </Card>
          {alertAt >= 0 && queries[alertAt]!.expr.trim() !== '' && (
            <Suspense fallback={<Loading height={300} />}>
              <AlertForm key={one('alert') + fill(queries[alertAt]!.expr)} expr={fill(queries[alertAt]!.expr)} time={time} datasource={datasource} serverURL={(server.data?.console_url ?? window.location.origin).replace(/\/ui\/?$/, '')} onClose={() => set({ alert: undefined })} />
            </Suspense>
          )}
          {view === 'graph' && <GraphView results={results} time={time} datasource={datasource} options={options} onOption={(name, on) => set({ [name]: on ? '1' : undefined }, true)} />}
          {view === 'table' && <TableView results={results} sort={one('sort')} find={one('find')} onSort={(by) => set({ sort: by || undefined }, true)} onFind={(text) => set({ find: text || undefined }, true)} onPick={(_ref, _name, value) => set({ find: value }, true)} />}
          {view === 'explain' && <ExplainView results={results} at={time.range.to / 1000} datasource={datasource} meta={meta} />}
        </div>
      </div>
      {side && <HistoryPanel list={list} onClose={() => setSide(false)} onUse={(expr) => { setSide(false); use(expr); }} onStar={(expr) => setList((old) => { const next = star(old, expr); save(next); return next; })} />}
      {panelFor !== undefined && queries[panelFor] && (
        <Suspense><AddPanel queries={[{ ref: 'A', expr: drafts[panelFor] ?? queries[panelFor].expr, legend: queries[panelFor].legend }]} datasource={datasource} onClose={() => setPanelFor(undefined)} /></Suspense>
      )}
    </Page>
  );
}

function useSentence(results: ReturnType<typeof useResults>, metrics: number): ReactNode {
  const t = useT();
  return useMemo(() => {
    if (results.length === 0) return metrics > 0 ? t(m.nothing, { n: digits(metrics) }) : t(m.nothingYet);
    const failed = results.filter((r) => r.error).length;
    if (failed > 0) return t(m.failed, { failed, n: results.length });
    if (results.some((r) => !r.answer)) return t(m.asking);
    let series = 0;
    let seconds = 0;
    let samples = 0;
    for (const { answer } of results) {
      const data = answer!.data;
      series += data.resultType === 'matrix' || data.resultType === 'vector' ? data.result.length : 1;
      seconds += answer!.stats?.timings.execTotalTime ?? 0;
      samples += answer!.stats?.samples?.totalQueryableSamples ?? 0;
    }
    return t(m.answered, { series: digits(series), ms: digits(Number((seconds * 1000).toPrecision(3))), samples: digits(samples) });
  }, [results, metrics, t]);
}
