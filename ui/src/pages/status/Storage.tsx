import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { blocks, type Counted, tsdb } from '../../api/server';
import { keepTime } from '../../app/Frame';
import { type Message, useLanguage, useT } from '../../i18n';
import { useTime } from '../../time/state';
import { Elsewhere } from '../../ui/Elsewhere';
import { clock, figure } from '../../ui/format';
import { Card, Empty, Failed, Loading, Page } from '../../ui/parts';
import { type Cut, top } from './cardinality';
import { Drill } from './Drill';
import { StatusTabs } from './StatusTabs';

const m = {
  elsewhere: { en: 'This is the storage of the server at {url}; nothing is stored here.', zh: '此处为 {url} 的存储；本机不存储样本。' },
  title: { en: 'Storage and cardinality', zh: '存储与基数' },
  sentence: { en: '{series} series are in memory; {name} has most of them, {n}.', zh: '内存中共 {series} 条序列，其中 {name} 最多，为 {n} 条。' },
  none: { en: 'No series is in memory.', zh: '内存中没有序列。' },
  series: { en: 'Series', zh: '序列' },
  pairs: { en: 'Pairs of labels', zh: '标签对' },
  chunks: { en: 'Chunks', zh: '数据块' },
  since: { en: 'In memory since', zh: '内存数据起始' },
  byMetric: { en: 'Series by metric', zh: '按指标统计序列' },
  byLabel: { en: 'Values by label', zh: '按标签统计取值数' },
  byMemory: { en: 'Memory by label', zh: '按标签统计内存' },
  byPair: { en: 'Series by pair', zh: '按标签对统计序列' },
  blocks: { en: 'Blocks on disk', zh: '磁盘数据块' },
  noBlocks: { en: 'No block yet', zh: '尚无数据块' },
  noBlocksHint: { en: 'The first one is written about three hours after the start.', zh: '首个数据块约在启动三小时后写入。' },
  from: { en: 'From', zh: '起始' },
  to: { en: 'To', zh: '结束' },
  samples: { en: 'Samples', zh: '样本' },
  empty: { en: 'There is nothing to count.', zh: '没有可统计的内容。' },
};

/** StoragePage shows what is stored, and where the series come from. */
export function StoragePage(): ReactNode {
  const t = useT();
  const s = useSearch({ strict: false }) as Cut;
  const { tick } = useTime();
  const { data, error, refetch } = useQuery({ queryKey: ['tsdb', tick], queryFn: ({ signal }) => tsdb(top, signal) });
  const first = data?.seriesCountByMetricName[0];
  const sentence = data && (first ? t(m.sentence, { series: data.headStats.numSeries.toLocaleString('en'), name: first.name, n: first.value.toLocaleString('en') }) : t(m.none));
  const drilled = Boolean(s.metric || s.pair || s.label);
  return (
    <Page title={t(m.title)} sentence={sentence}>
      <StatusTabs at="/status/storage" />
      <Elsewhere engine="metrics" text={m.elsewhere} />
      {error && <Failed error={error} retry={() => void refetch()} />}
      {drilled && <Drill cut={s} />}
      {!data ? !error && <Loading height={320} /> : (
        <div className="grid">
          <Head data={data.headStats} />
          <Top title={m.byMetric} list={data.seriesCountByMetricName} cut={(n) => ({ metric: n })} />
          <Top title={m.byPair} list={data.seriesCountByLabelValuePair} cut={(n) => ({ pair: n })} />
          <Top title={m.byLabel} list={data.labelValueCountByLabelName} cut={(n) => (n === '__name__' ? undefined : { label: n })} />
          <Top title={m.byMemory} list={data.memoryInBytesByLabelName} cut={(n) => (n === '__name__' ? undefined : { label: n })} bytes />
          <Blocks />
        </div>
      )}
    </Page>
  );
}

function Head({ data }: { data: { numSeries: number; numLabelPairs: number; chunkCount: number; minTime: number } }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { zone } = useTime();
  const figures: [Message, string, string][] = [[m.series, data.numSeries, ''], [m.pairs, data.numLabelPairs, ''], [m.chunks, data.chunkCount, '']].map(([label, n]) => {
    const f = figure(n as number);
    return [label as Message, f.number, f.unit];
  });
  return (
    <>
      {figures.map(([label, n, unit]) => (
        <Card key={label.en} columns={3}><div className="muted">{t(label)}</div><div className="figure">{n}<span className="unit">{unit}</span></div></Card>
      ))}
      <Card columns={3}><div className="muted">{t(m.since)}</div><div className="figure" style={{ fontSize: 18, lineHeight: '32px' }}>{data.numSeries > 0 ? clock(data.minTime, l, zone, true) : '–'}</div></Card>
    </>
  );
}

function Top({ title, list, cut, bytes }: { title: Message; list: Counted[]; cut: (name: string) => Cut | undefined; bytes?: boolean }): ReactNode {
  const t = useT();
  return <Card title={t(title)} columns={6} flush>{list.length === 0 ? <Empty title={t(m.empty)} /> : <Bars list={list} cut={cut} bytes={bytes} />}</Card>;
}

/** Bars lists what is counted, with a bar as long as its share of the largest, and a link to look into it. */
export function Bars({ list, cut, bytes }: { list: Counted[]; cut: (name: string) => Cut | undefined; bytes?: boolean }): ReactNode {
  const most = Math.max(1, ...list.map((x) => x.value));
  return (
    <table className="table" style={{ tableLayout: 'fixed' }}>
      <tbody>
        {list.map((x) => {
          const c = cut(x.name);
          const f = figure(x.value, bytes ? 'bytes' : '');
          return (
            <tr key={x.name}>
              <td style={{ position: 'relative', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }} className="mono" title={x.name}>
                <span aria-hidden style={{ position: 'absolute', inset: '3px auto 3px 0', width: `${(100 * x.value) / most}%`, background: 'var(--info-soft)', borderRadius: 3 }} />
                <span style={{ position: 'relative' }}>
                  {c ? <Link to={'/status/storage' as never} search={((old: Record<string, unknown>) => ({ ...keepTime(old), ...c })) as never} resetScroll>{x.name === '' ? '""' : x.name}</Link> : x.name}
                </span>
              </td>
              <td className="num" style={{ width: 84 }}>{f.number}<span className="unit">{f.unit}</span></td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Blocks(): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { zone } = useTime();
  const { data, error, refetch } = useQuery({ queryKey: ['blocks'], queryFn: ({ signal }) => blocks(signal), refetchInterval: 60_000 });
  return (
    <Card title={t(m.blocks)} columns={12} flush>
      {error && !data ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={80} /> : data.length === 0 ? <Empty title={t(m.noBlocks)}>{t(m.noBlocksHint)}</Empty> : (
        <table className="table as-cards">
          <thead><tr><th>ULID</th><th>{t(m.from)}</th><th>{t(m.to)}</th><th className="num">{t(m.series)}</th><th className="num">{t(m.samples)}</th></tr></thead>
          <tbody>
            {[...data].sort((a, b) => b.maxTime - a.maxTime).map((b) => (
              <tr key={b.ulid}>
                <td className="mono" data-name="ULID">{b.ulid}</td>
                <td data-name={t(m.from)}>{clock(b.minTime, l, zone, true)}</td>
                <td data-name={t(m.to)}>{clock(b.maxTime, l, zone, true)}</td>
                <td className="num" data-name={t(m.series)}>{(b.stats?.numSeries ?? 0).toLocaleString('en')}</td>
                <td className="num" data-name={t(m.samples)}>{(b.stats?.numSamples ?? 0).toLocaleString('en')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
