import { ActionIcon, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue, useMemo, useRef, useState } from 'react';

import { labelNames, metricNames } from '../../api/explore';
import { type Metadata, query } from '../../api/prometheus';
import { rank } from '../../app/search';
import { useT } from '../../i18n';
import type { Range } from '../../time/range';
import { Icon } from '../../ui/icons';
import { Card, Empty, Failed, Loading } from '../../ui/parts';
import { useRows } from '../../ui/rows';
import { defaultQuery, familyOf, kindOf } from './defaults';
import { type Matcher, selectorText } from './tree';

const m = {
  title: { en: 'Metrics ({n})', zh: '指标（{n}）' },
  search: { en: 'Search names and help', zh: '搜索名称和说明' },
  none: { en: 'No metric in this time range', zh: '此时间范围内没有指标' },
  noneHow: { en: 'Widen the time range, or look under Status whether targets are up.', zh: '请扩大时间范围，或在“状态”中查看目标是否正常。' },
  noMatch: { en: 'No metric fits "{text}"', zh: '没有与“{text}”匹配的指标' },
  back: { en: 'Back to all metrics', zh: '返回全部指标' },
  use: { en: 'Query it', zh: '查询' },
  noHelp: { en: 'Its target says nothing about it.', zh: '目标未提供说明。' },
  series: { en: '{n} series', zh: '{n} 条序列' },
  values: { en: '{n} values', zh: '{n} 个值' },
  more: { en: 'and {n} more', zh: '另有 {n} 个' },
  labels: { en: 'Labels: pick values to narrow it', zh: '标签：选择值以缩小范围' },
  noSeries: { en: 'It has no series in this time range.', zh: '此时间范围内没有序列。' },
  noLabels: { en: 'It has no labels.', zh: '没有标签。' },
};

interface Props {
  range: Range;
  datasource?: string;
  rate: string;
  meta: (name: string) => Metadata | undefined;
  /** The metric that is looked at; the address has it. */
  metric: string;
  onMetric: (name: string) => void;
  onUse: (expr: string, legend: string) => void;
}

const seconds = (r: Range): { start: number; end: number } => ({ start: Math.floor(r.from / 60_000) * 60, end: Math.ceil(r.to / 60_000) * 60 });

/** useMetricNames is which metrics have samples in a time range. */
export function useMetricNames(range: Range, datasource: string | undefined, enabled = true) {
  const span = seconds(range);
  return useQuery({ enabled, queryKey: ['explore', 'names', datasource, span.start, span.end], queryFn: ({ signal }) => metricNames({ ...span, datasource, signal }), staleTime: 30_000 });
}

/** Browser finds a metric and makes a query of it. */
export function Browser(p: Props): ReactNode {
  return p.metric === '' ? <List {...p} /> : <Metric key={p.metric} {...p} />;
}

function List({ range, datasource, meta, onMetric }: Props): ReactNode {
  const t = useT();
  const [text, setText] = useState('');
  const asked = useDeferredValue(text);
  const scroll = useRef<HTMLDivElement>(null);
  const names = useMetricNames(range, datasource);
  const found = useMemo(() => {
    const all = names.data ?? [];
    const q = asked.trim().toLowerCase();
    if (q === '') return all;
    return all
      .map((n): [number, string] => [rank(n, q) || (familyOf(n, meta).meta?.help.toLowerCase().includes(q) ? 5 : 0), n])
      .filter(([r]) => r > 0)
      .sort((a, b) => b[0] - a[0] || (a[1] < b[1] ? -1 : 1))
      .map(([, n]) => n);
  }, [names.data, asked, meta]);
  const rows = useRows(scroll, found.length, 44, 8);
  return (
    <Card flush title={t(m.title, { n: found.length })}>
      <div style={{ padding: 8 }}><TextInput aria-label={t(m.search)} placeholder={t(m.search)} leftSection={<Icon name="search" size={14} />} value={text} onChange={(e) => setText(e.currentTarget.value)} /></div>
      {names.error && !names.data ? <div style={{ padding: 8 }}><Failed error={names.error} retry={() => void names.refetch()} /></div> : !names.data ? <div style={{ padding: 8 }}><Loading height={300} /></div> : (
        found.length === 0 ? <Empty title={asked ? t(m.noMatch, { text: asked }) : t(m.none)}>{!asked && t(m.noneHow)}</Empty> : (
          <div ref={scroll} style={{ maxHeight: 'min(62vh, 640px)', overflow: 'auto' }} tabIndex={0} role="group" aria-label={t(m.title, { n: found.length })}>
            <div style={{ height: rows.total, position: 'relative' }}>
              {rows.seen.map((row) => {
                const name = found[row.index]!;
                const { meta: about } = familyOf(name, meta);
                return (
                  <button key={name} type="button" className="explore-metric" title={about?.help || name} onClick={() => onMetric(name)} style={{ position: 'absolute', top: 0, left: 0, height: 44, transform: `translateY(${row.start}px)` }}>
                    <div className="ellipsis mono">{name}</div>
                    <div className="muted ellipsis" style={{ fontSize: 11 }}>{kindOf(name, about)}{about?.unit ? ` · ${about.unit}` : ''}{about?.help ? ` · ${about.help}` : ''}</div>
                  </button>
                );
              })}
            </div>
          </div>
        )
      )}
    </Card>
  );
}

function Metric({ range, datasource, rate, meta, metric, onMetric, onUse }: Props): ReactNode {
  const t = useT();
  const [picked, setPicked] = useState<Record<string, string[]>>({});
  const [open, setOpen] = useState('');
  const span = seconds(range);
  const bare = selectorText([{ name: '__name__', type: '=', value: metric }]);
  const labels = useQuery({ queryKey: ['explore', 'labels', datasource, metric, span.start, span.end], queryFn: ({ signal }) => labelNames({ match: bare, ...span, datasource, signal }), staleTime: 30_000, placeholderData: undefined });
  const at = span.end;
  const total = useQuery({
    queryKey: ['explore', 'size', datasource, metric, at], staleTime: 30_000, placeholderData: undefined,
    queryFn: async ({ signal }) => {
      const ask = async (q: string): Promise<number> => {
        const a = await query({ query: q, time: at, datasource, signal });
        return a.data.resultType === 'vector' ? Number(a.data.result[0]?.value?.[1] ?? 0) : 0;
      };
      // Only a native histogram has a count of its own.
      const [series, native] = await Promise.all([ask(`count(${bare})`), ask(`count(histogram_count(${bare}))`).catch(() => 0)]);
      return { series, native: native > 0 };
    },
  });
  const { meta: about } = familyOf(metric, meta);
  const kind = kindOf(metric, about, total.data?.native ?? false);
  const matchers = Object.entries(picked).filter(([, v]) => v.length > 0).map(([name, v]): Matcher => v.length === 1 ? { name, type: '=', value: v[0]! } : { name, type: '=~', value: v.map((x) => x.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|') });
  const made = defaultQuery(metric, kind, matchers, rate);
  const shown = (labels.data ?? []).filter((l) => l !== '__name__');
  return (
    <Card flush title={<span className="mono">{metric}</span>} actions={<ActionIcon variant="default" size="sm" aria-label={t(m.back)} title={t(m.back)} onClick={() => onMetric('')}><Icon name="close" size={12} /></ActionIcon>}>
      <div className="card-body">
        <div><b>{kind}</b>{about?.unit ? ` · ${about.unit}` : ''}{total.data && ` · ${t(m.series, { n: total.data.series })}`}</div>
        <div className="muted" style={{ margin: '4px 0 8px' }}>{about?.help || t(m.noHelp)}</div>
        <code style={{ overflowWrap: 'anywhere' }}>{made.expr}</code>
        <div style={{ marginTop: 8 }}><button type="button" className="explore-link" style={{ fontWeight: 600, padding: 0 }} onClick={() => onUse(made.expr, made.legend)}>{t(m.use)} →</button></div>
      </div>
      <div className="muted" style={{ padding: '6px 12px', borderTop: '1px solid var(--line)', fontSize: 11 }}>{t(m.labels)}</div>
      {labels.error ? <div style={{ padding: 8 }}><Failed error={labels.error} retry={() => void labels.refetch()} /></div> : !labels.data ? <div style={{ padding: 8 }}><Loading height={120} /></div> : shown.length === 0 ? <Empty title={t(total.data?.series === 0 ? m.noSeries : m.noLabels)} /> : (
        <div style={{ maxHeight: 'min(46vh, 480px)', overflow: 'auto' }}>
          {shown.map((name) => (
            <div key={name}>
              <button type="button" className="explore-metric mono" aria-expanded={open === name} onClick={() => setOpen(open === name ? '' : name)}>
                {name}{picked[name]?.length ? <b style={{ color: 'var(--accent)' }}> = {picked[name].join(', ')}</b> : null}
              </button>
              {open === name && <Values metric={bare} label={name} at={at} datasource={datasource} picked={picked[name] ?? []} onToggle={(v) => setPicked((old) => {
                const now = old[name] ?? [];
                return { ...old, [name]: now.includes(v) ? now.filter((x) => x !== v) : [...now, v] };
              })} />}
            </div>
          ))}
        </div>
      )}
    </Card>
  );
}

const mostValues = 100;

function Values({ metric, label, at, datasource, picked, onToggle }: { metric: string; label: string; at: number; datasource?: string; picked: string[]; onToggle: (v: string) => void }): ReactNode {
  const t = useT();
  const name = /^[a-zA-Z_]\w*$/.test(label) ? label : JSON.stringify(label);
  const values = useQuery({
    queryKey: ['explore', 'values', datasource, metric, label, at], staleTime: 30_000, placeholderData: undefined,
    queryFn: async ({ signal }) => {
      const a = await query({ query: `sort_desc(count by (${name}) (${metric}))`, time: at, datasource, signal });
      return a.data.resultType === 'vector' ? a.data.result.map((s) => ({ value: s.metric[label] ?? '', n: Number(s.value?.[1] ?? 0) })) : [];
    },
  });
  if (values.error) return <div style={{ padding: 8 }}><Failed error={values.error} retry={() => void values.refetch()} /></div>;
  if (!values.data) return <div style={{ padding: '4px 12px' }}><Loading height={40} /></div>;
  return (
    <div style={{ padding: '2px 12px 6px 20px' }}>
      <div className="muted" style={{ fontSize: 11 }}>{t(m.values, { n: values.data.length })}</div>
      {values.data.slice(0, mostValues).map((v) => (
        <label key={v.value} style={{ display: 'flex', gap: 6, alignItems: 'center', padding: '1px 0', cursor: 'pointer' }}>
          <input type="checkbox" checked={picked.includes(v.value)} onChange={() => onToggle(v.value)} />
          <span className="ellipsis mono">{v.value === '' ? '""' : v.value}</span>
          <span className="muted" style={{ marginLeft: 'auto' }}>{v.n}</span>
        </label>
      ))}
      {values.data.length > mostValues && <div className="muted">{t(m.more, { n: values.data.length - mostValues })}</div>}
    </div>
  );
}
