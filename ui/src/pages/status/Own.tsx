import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { passing } from '../../api/passing';
import { queryRange } from '../../api/prometheus';
import { selfMatchers } from '../../api/self';
import { targets, vector } from '../../api/server';
import { seriesColors } from '../../app/theme';
import { prefix } from '../../app/base';
import { useLanguage, useT } from '../../i18n';
import { useTime } from '../../time/state';
import { Chart } from '../../ui/Chart';
import { Elsewhere } from '../../ui/Elsewhere';
import { figure } from '../../ui/format';
import { Card, Empty, Failed, Loading, Notice, Page } from '../../ui/parts';
import { align, type OwnChart, ownCharts, stepFor, windowFor } from './ownCharts';
import { StatusTabs } from './StatusTabs';

const m = {
  elsewhere: { en: 'These are there when the server at {url} scrapes /metrics of this one.', zh: '仅当 {url} 抓取本服务器的 /metrics 时才有数据。' },
  title: { en: 'Own metrics', zh: '自身指标' },
  sentence: { en: '{rate} samples a second are taken, with {memory} of memory.', zh: '每秒写入 {rate} 个样本，占用内存 {memory}。' },
  none: { en: 'Nothing in this range', zh: '此时间范围内没有数据' },
  noneHint: { en: 'It is measured as long as the source touchline is on (--sources.disable).', zh: '启用内置来源 touchline 时才会采集（--sources.disable）。' },
  all: { en: 'All of them, as text', zh: '全部指标（文本）' },
};

/** OwnPage draws what this process does. */
export function OwnPage(): ReactNode {
  const t = useT();
  const found = useQuery({ queryKey: ['own matchers'], queryFn: async ({ signal }) => selfMatchers((await targets(signal)).activeTargets), staleTime: 60_000 });
  const self = found.data;
  const now = useQuery({
    queryKey: ['own now', self],
    enabled: self !== undefined,
    queryFn: async ({ signal }) => Promise.all([vector(`sum(rate(prometheus_tsdb_head_samples_appended_total{${self}}[1m]))`, signal), vector(`process_resident_memory_bytes{${self}}`, signal)]),
    refetchInterval: 5000,
  });
  const rate = now.data?.[0][0]?.value;
  const memory = now.data?.[1][0]?.value;
  const text = (v: number, unit: OwnChart['unit']): string => {
    const f = figure(v, unit);
    return `${f.number}${f.unit && ` ${f.unit}`}`;
  };
  return (
    <Page title={t(m.title)} sentence={rate !== undefined && memory !== undefined ? t(m.sentence, { rate: text(rate, ''), memory: text(memory, 'bytes') }) : undefined} actions={<a href={`${prefix}/metrics`}>{t(m.all)}</a>}>
      <StatusTabs at="/status/metrics" />
      <Elsewhere engine="metrics" text={m.elsewhere} />
      {found.error && !self ? <Failed error={found.error} retry={() => void found.refetch()} /> : !self ? <Loading height={320} /> : <div className="grid">{ownCharts.map((c) => <Drawn key={c.title.en} chart={c} self={self} />)}</div>}
    </Page>
  );
}

function Drawn({ chart, self }: { chart: OwnChart; self: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const time = useTime();
  const step = stepFor(time.range.from, time.range.to);
  const start = Math.floor(time.range.from / 1000 / step) * step;
  const end = Math.floor(time.range.to / 1000 / step) * step;
  const { data, error, refetch } = useQuery({
    ...passing,
    queryKey: ['own', chart.title.en, self, l, start, end, step, time.tick],
    queryFn: async ({ signal }) => {
      const answers = await Promise.all(chart.queries.map((q) => queryRange({ query: q.query.replaceAll('$self', () => self).replaceAll('$w', windowFor(step)), start, end, step, signal })));
      const found = answers.flatMap((a, i) => (a.data.resultType === 'matrix' ? a.data.result.map((s) => ({ name: chart.queries[i]!.by ? (s.metric[chart.queries[i]!.by!] ?? '') : t(chart.queries[i]!.name), points: s.values ?? [] })) : []));
      const { times, values } = align(found.map((f) => f.points), start, end, step);
      return {
        times,
        series: found.map((f, i) => ({ name: f.name, values: values[i]!, color: seriesColors[i % seriesColors.length]! })),
        range: time.range,
        warnings: [...new Set(answers.flatMap((a) => a.warnings))],
      };
    },
  });
  const empty = data && data.series.every((s) => s.values.every((v) => v === null));
  return (
    <Card title={t(chart.title)} columns={6}>
      {error && !data ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={168} /> : empty ? <div style={{ height: 168 }}><Empty title={t(m.none)}>{t(m.noneHint)}</Empty></div> : (
        <>
          {data.warnings.map((w) => <Notice key={w} tone="warning">{w}</Notice>)}
          <Chart label={t(chart.title)} times={data.times} series={data.series} range={data.range} zone={time.zone} height={150} min={0} sync="own" onZoom={time.zoom}
            format={(v) => { const f = figure(v, chart.unit); return `${f.number}${f.unit && ` ${f.unit}`}`; }} />
          <div className="muted" style={{ display: 'flex', flexWrap: 'wrap', gap: '2px 12px', fontSize: 12, minHeight: 18 }}>
            {data.series.map((s) => <span key={s.name}><span className="swatch" style={{ background: s.color }} />{s.name}</span>)}
          </div>
        </>
      )}
    </Card>
  );
}
