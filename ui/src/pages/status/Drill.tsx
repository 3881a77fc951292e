import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { prom } from '../../api/prometheus';
import { type Counted, vector } from '../../api/server';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { Card, Empty, Failed, Loading } from '../../ui/parts';
import { type Cut, deeper, selector, splitQuery, valuesQuery } from './cardinality';
import { Bars } from './Storage';

const m = {
  all: { en: 'All series', zh: '全部序列' },
  series: { en: '{n} series', zh: '{n} 条序列' },
  by: { en: 'Series by {label}', zh: '按 {label} 统计序列' },
  labels: { en: 'Values by label', zh: '按标签统计取值数' },
  none: { en: 'No series now', zh: '当前没有序列' },
  noneHint: { en: 'What was counted has ended since; the counts of storage keep it until the next block is written.', zh: '统计对象已结束；写入下一个数据块前，存储统计仍会包含它。' },
};

/** How many labels of a cut are counted, one query each. */
const mostLabels = 30;

async function count(expression: string, signal: AbortSignal): Promise<number> {
  return (await vector(expression, signal))[0]?.value ?? 0;
}

/** Drill looks into a part of the series. */
export function Drill({ cut }: { cut: Cut }): ReactNode {
  const t = useT();
  const sel = selector(cut)!;
  const split = splitQuery(cut);
  const total = useQuery({ queryKey: ['cardinality total', sel], queryFn: ({ signal }) => count(`count(${sel})`, signal), placeholderData: undefined });
  const rows = useQuery({
    queryKey: ['cardinality', split?.query],
    enabled: !!split,
    placeholderData: undefined,
    queryFn: async ({ signal }): Promise<Counted[]> => (await vector(split!.query, signal)).map((s) => ({ name: s.labels[split!.by] ?? '', value: s.value })).sort((a, b) => b.value - a.value),
  });
  const labels = useQuery({
    queryKey: ['cardinality labels', sel],
    enabled: !cut.label,
    placeholderData: undefined,
    queryFn: async ({ signal }): Promise<Counted[]> => {
      const names = (await prom<string[]>('/labels', { params: { 'match[]': sel }, signal })).filter((n) => n !== '__name__').slice(0, mostLabels);
      const values = await Promise.all(names.map((n) => count(valuesQuery(cut, n), signal)));
      return names.map((name, i) => ({ name, value: values[i]! })).sort((a, b) => b.value - a.value);
    },
  });
  const body = (q: typeof rows, next: (name: string) => Cut | undefined): ReactNode =>
    q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : !q.data ? <Loading height={120} /> : q.data.length === 0 ? <Empty title={t(m.none)}>{t(m.noneHint)}</Empty> : <Bars list={q.data} cut={next} />;
  const crumbs: [string, Cut][] = [];
  if (cut.metric) crumbs.push([cut.metric, { metric: cut.metric }]);
  if (cut.pair) crumbs.push([cut.pair, { metric: cut.metric, pair: cut.pair }]);
  if (cut.label) crumbs.push([cut.label, cut]);
  return (
    <div style={{ marginBottom: 16 }}>
      <p style={{ margin: '0 0 8px', overflowWrap: 'anywhere' }}>
        <Link to={'/status/storage' as never} search={keepTime as never}>{t(m.all)}</Link>
        {crumbs.map(([name, c], i) => (
          <span key={name}> › {i === crumbs.length - 1 ? <code>{name}</code> : <Link to={'/status/storage' as never} search={((old: Record<string, unknown>) => ({ ...keepTime(old), ...c })) as never}><code>{name}</code></Link>}</span>
        ))}
        {total.data !== undefined && <span className="muted"> · {t(m.series, { n: total.data.toLocaleString('en') })}</span>}
      </p>
      {total.error && <Failed error={total.error} retry={() => void total.refetch()} />}
      <div className="grid">
        {split && <Card title={t(m.by, { label: split.by === '__name__' ? 'metric' : split.by })} columns={cut.label ? 12 : 6} flush>{body(rows, (n) => deeper(cut, split.by, n))}</Card>}
        {!cut.label && <Card title={t(m.labels)} columns={split ? 6 : 12} flush>{body(labels, (n) => ({ ...cut, label: n }))}</Card>}
      </div>
    </div>
  );
}
