import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { instantWithStats, parseQuery } from '../../api/explore';
import { query as askInstant } from '../../api/prometheus';
import type { Metadata } from '../../api/prometheus';
import { useT } from '../../i18n';
import { digits, span } from '../../ui/format';
import { Icon } from '../../ui/icons';
import { Card, Empty, errorText, Failed, Loading, StateMark } from '../../ui/parts';
import { hintsOf, type Hint, staticHints } from './hints';
import { notRun, type Result } from './results';
import { type Ast, countQuery, treeOf, type TreeNode, valueType, write } from './tree';

const m = {
  none: { en: 'Nothing to explain yet', zh: '暂无可解释的内容' },
  noneHow: { en: 'Write an expression above and press Enter.', zh: '在上方输入表达式并按 Enter。' },
  tree: { en: 'Query {ref}: what each part gives', zh: '查询 {ref}：各部分的结果' },
  cost: { en: 'What it costs', zh: '查询开销' },
  series: { en: '{n} series', zh: '{n} 条序列' },
  samples: { en: '{n} samples read', zh: '读取 {n} 个样本' },
  scalar: { en: 'a number', zh: '标量' },
  open: { en: 'Show {n} parts', zh: '展开 {n} 个部分' },
  look: { en: 'Count', zh: '计数' },
  total: { en: 'Time in all', zh: '总耗时' },
  queue: { en: 'Waiting', zh: '排队' },
  prepare: { en: 'Selecting series', zh: '选择序列' },
  evaluate: { en: 'Evaluating', zh: '求值' },
  touched: { en: 'Series touched', zh: '涉及序列' },
  read: { en: 'Samples read', zh: '读取样本' },
  peak: { en: 'Samples in memory at once', zh: '内存中样本峰值' },
  at: { en: 'At the end of the time range, for one evaluation.', zh: '针对时间范围末尾的一次求值。' },
  nothing: { en: 'nothing', zh: '无数据' },
};

/** What is counted without being asked for: a part deeper in the tree, or beyond so many, waits for a click. */
const autoDepth = 6;

/** ExplainView takes each expression apart and counts what its parts give. */
export function ExplainView({ results, at, datasource, meta }: { results: Result[]; at: number; datasource?: string; meta: (name: string) => Metadata | undefined }): ReactNode {
  const t = useT();
  if (results.length === 0) return <Card><Empty title={t(m.none)}>{t(m.noneHow)}</Empty></Card>;
  return <>{results.map((r) => <Explained key={r.ref} result={r} at={at} datasource={datasource} meta={meta} />)}</>;
}

function Explained({ result, at, datasource, meta }: { result: Result; at: number; datasource?: string; meta: (name: string) => Metadata | undefined }): ReactNode {
  const t = useT();
  const parsed = useQuery({ queryKey: ['explore', 'parse', result.expr], queryFn: ({ signal }) => parseQuery(result.expr, signal), staleTime: Infinity, placeholderData: undefined });
  const stats = result.answer?.stats;
  const time = (s: number | undefined): ReactNode => {
    if (s === undefined) return '–';
    const f = span(s * 1000);
    return <>{f.number}<span className="unit">{f.unit}</span></>;
  };
  return (
    <div className="grid" style={{ alignItems: 'start' }}>
      <Card columns={9} title={t(m.tree, { ref: result.ref })}>
        {parsed.error ? <Failed what={t(notRun)} error={parsed.error} retry={() => void parsed.refetch()} /> : !parsed.data ? <Loading height={160} /> : (
          <div data-panel-type="explain" data-panel-state="data">
            <Hints list={staticHints(parsed.data, meta)} />
            <Node node={treeOf(parsed.data)} at={at} datasource={datasource} />
          </div>
        )}
      </Card>
      <Card columns={3} flush title={t(m.cost)}>
        {result.error ? <div className="card-body muted">{errorText(result.error)}</div> : !stats ? <div className="card-body"><Loading height={120} /></div> : (
          <>
            <table className="table">
              <tbody>
                {([
                  [m.total, time(stats.timings.execTotalTime)], [m.queue, time(stats.timings.execQueueTime)], [m.prepare, time(stats.timings.queryPreparationTime)], [m.evaluate, time(stats.timings.innerEvalTime)],
                  ...(stats.samples?.seriesTouched === undefined ? [] : [[m.touched, digits(stats.samples.seriesTouched)] as const]),
                  [m.read, stats.samples ? digits(stats.samples.totalQueryableSamples) : '–'], [m.peak, stats.samples ? digits(stats.samples.peakSamples) : '–'],
                ] as const).map(([name, v]) => <tr key={name.en}><td>{t(name)}</td><td className="num"><b>{v}</b></td></tr>)}
              </tbody>
            </table>
            <div className="card-body muted">{t(m.at)}</div>
          </>
        )}
      </Card>
    </div>
  );
}

function Hints({ list }: { list: Hint[] }): ReactNode {
  const t = useT();
  return <>{list.map((h) => <div key={h.message.en + JSON.stringify(h.fill)} style={{ margin: '2px 0' }}><StateMark tone={h.tone}><span style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>{t(h.message, h.fill)}</span></StateMark></div>)}</>;
}

export interface Counted {
  series: number;
  samples: number | undefined;
}

async function countOf(e: Ast, at: number, datasource: string | undefined, signal: AbortSignal): Promise<Counted | undefined> {
  const q = countQuery(e);
  if (q === undefined) return undefined;
  const a = await instantWithStats({ query: q, time: at, datasource, signal });
  return { series: a.data.resultType === 'vector' ? Number(a.data.result[0]?.value?.[1] ?? 0) : 0, samples: a.stats?.samples?.totalQueryableSamples };
}

function Node({ node, at, datasource }: { node: TreeNode; at: number; datasource?: string }): ReactNode {
  const t = useT();
  const [open, setOpen] = useState(node.depth < autoDepth);
  const [wanted, setWanted] = useState(node.depth < autoDepth);
  const countable = countQuery(node.ast) !== undefined;
  const key = write(node.ast);
  const count = useQuery({ queryKey: ['explore', 'count', datasource, key, at], queryFn: ({ signal }) => countOf(node.ast, at, datasource, signal), enabled: wanted && countable, placeholderData: undefined, staleTime: 60_000 });
  // Why there is nothing, or too much, is looked into only where that is so.
  const hints = useQuery({
    queryKey: ['explore', 'hints', datasource, key, at, count.data?.series],
    queryFn: ({ signal }) => hintsOf(node.ast, count.data!.series, async (q) => {
      const a = await askInstant({ query: q, time: at, datasource, signal, limit: 100 });
      return a.data.resultType === 'vector' ? a.data.result.map((s) => ({ labels: s.metric, value: Number(s.value?.[1] ?? 0) })) : [];
    }),
    enabled: count.data !== undefined, placeholderData: undefined, staleTime: 60_000,
  });
  return (
    <div className="explore-node" role="group" aria-label={node.head}>
      <div className="explore-node-line">
        {node.children.length > 0 && (
          <button type="button" className="explore-link" aria-expanded={open} aria-label={t(m.open, { n: node.children.length })} onClick={() => setOpen(!open)}><Icon name={open ? 'down' : 'right'} size={12} /></button>
        )}
        <code title={node.text}>{node.head}</code>
        <span className="muted" style={{ marginLeft: 'auto', whiteSpace: 'nowrap' }}>
          {!countable ? (valueType(node.ast) === 'scalar' ? t(m.scalar) : '') : !wanted ? <button type="button" className="explore-link" onClick={() => setWanted(true)}>{t(m.look)}</button> :
            count.error ? <span title={errorText(count.error)}>{errorText(count.error).slice(0, 120)}</span> : !count.data ? '…' : (
              <>
                {count.data.series === 0 ? <StateMark tone="warning">{t(m.nothing)}</StateMark> : <b style={{ color: 'var(--text)' }}>{t(m.series, { n: digits(count.data.series) })}</b>}
                {count.data.samples !== undefined && <> · {t(m.samples, { n: digits(count.data.samples) })}</>}
              </>
            )}
        </span>
      </div>
      {hints.data && <Hints list={hints.data} />}
      {open && node.children.map((c) => <Node key={c.id} node={c} at={at} datasource={datasource} />)}
    </div>
  );
}
