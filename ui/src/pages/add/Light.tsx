import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { selfMatchers } from '../../api/self';
import { targets, vector } from '../../api/server';
import { useT } from '../../i18n';
import { Ago, Failed, StateMark } from '../../ui/parts';
import type { Signal } from './guide';
import { RefusedWhy, useRefused } from './Refusals';
import { type Light as Seen, ownJobs, requestLight, scrapeLight } from './received';

const m = {
  received: { en: 'Received', zh: '接收状态' },
  waiting: { en: 'Waiting for the first one', zh: '等待首次数据' },
  waitingHint: { en: 'This light turns green by itself, within two seconds of the first one.', zh: '收到首次数据后两秒内自动变绿。' },
  good: { en: 'Received', zh: '已收到' },
  requests: { en: '{n} requests in the last minute', zh: '最近一分钟 {n} 次请求' },
  scraped: { en: '{n} targets are scraped', zh: '正在抓取 {n} 个目标' },
  stopped: { en: 'Nothing in the last minute, though it came before', zh: '最近一分钟没有数据，此前曾收到' },
  below: { en: 'Make one as said below.', zh: '请按下文创建。' },
  failing: { en: 'Found, and failing', zh: '已发现，但失败' },
  last: { en: 'last', zh: '最近' },
  more: { en: 'and {n} more', zh: '等 {n} 项' },
};

/** How often the light looks, in milliseconds. */
const pause = 1000;

async function look(signal: Signal, abort: AbortSignal): Promise<Seen> {
  if (signal.kind === 'scrape') {
    const [t, proof] = await Promise.all([targets(abort), signal.proof ? vector(signal.proof, abort) : []]);
    return scrapeLight(t.activeTargets, signal.job, proof);
  }
  const handlers = signal.handlers.map((h) => h.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const all = (await targets(abort)).activeTargets;
  const counter = `touchline_http_requests_total{${selfMatchers(all)},method="${signal.method ?? 'post'}",handler=~${JSON.stringify(handlers)}}`;
  const [now, before, jobs] = await Promise.all([
    vector(`sum by (handler, code) (${counter})`, abort),
    vector(`sum by (handler, code) (${counter} offset 1m)`, abort),
    signal.jobs ? vector(`max by (job) (timestamp(${signal.jobs}))`, abort) : [],
  ]);
  return requestLight(now, before, jobs, ownJobs(all));
}

/** Light turns good as soon as what a guide tells to send has come. */
export function Light({ id, signal }: { id: string; signal: Signal }): ReactNode {
  const t = useT();
  const { data, error, refetch } = useQuery({ queryKey: ['received', id], queryFn: ({ signal: abort }) => look(signal, abort), refetchInterval: pause, staleTime: 0, placeholderData: undefined });
  return (
    <section className="card" aria-label={t(m.received)} aria-live="polite" data-light={data?.state ?? 'loading'} style={{ marginBottom: 12 }}>
      <div className="card-body" style={{ minHeight: 44 }}>
        {error && !data ? <Failed error={error} retry={() => void refetch()} /> : data && <Shown seen={data} scrape={signal.kind === 'scrape'} />}
      </div>
    </section>
  );
}

function Shown({ seen, scrape }: { seen: Seen; scrape: boolean }): ReactNode {
  const t = useT();
  const refused = useRefused();
  switch (seen.state) {
    case 'waiting':
      return <><StateMark tone="quiet">{t(m.waiting)}</StateMark><div className="muted">{t(m.waitingHint)}</div></>;
    case 'good':
      return (
        <>
          <StateMark tone="good">{t(m.good)}</StateMark>
          <div>
            {scrape ? t(m.scraped, { n: seen.from.length }) : t(m.requests, { n: Math.round(seen.count ?? 0) })}
            {seen.at !== undefined && <span className="muted"> · {t(m.last)} <Ago at={seen.at} /></span>}
          </div>
          <Names all={seen.from} />
        </>
      );
    case 'stopped':
      return <><StateMark tone="warning">{t(m.stopped)}</StateMark><Names all={seen.from} /></>;
    case 'refused':
      return (
        <>
          <StateMark tone="critical">{refused(seen.code, seen.count)}</StateMark>
          <div><RefusedWhy code={seen.code} />{(seen.code === '401' || seen.code === '403') && ` ${t(m.below)}`}</div>
        </>
      );
    case 'failing':
      return <><StateMark tone="critical">{t(m.failing)}</StateMark><div style={{ overflowWrap: 'anywhere' }}><code>{seen.error}</code></div><Names all={seen.from} /></>;
  }
}

/** How many names are shown. */
const most = 8;

function Names({ all }: { all: string[] }): ReactNode {
  const t = useT();
  if (all.length === 0) return null;
  return (
    <span className="labels" style={{ marginTop: 4 }}>
      {all.slice(0, most).map((n) => <span key={n} className="label"><span className="ellipsis">{n}</span></span>)}
      {all.length > most && <span className="muted">{t(m.more, { n: all.length })}</span>}
    </span>
  );
}
