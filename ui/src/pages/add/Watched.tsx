import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { type Sample, targets as readTargets, vector } from '../../api/server';
import { status, type Watched } from '../../api/status';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { figure } from '../../ui/format';
import { Elsewhere, useBackend } from '../../ui/Elsewhere';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading, Page, Span, StateMark } from '../../ui/parts';
import { isLate, ownJobs } from './received';
import { Refusals, useRefusals } from './Refusals';
import { Sections } from './Sections';
import { droppedCount } from './targetList';
import { lastScrapes, seriesByJob } from './lastSeen';

const m = {
  title: { en: 'Watched', zh: '监控对象' },
  right: { en: '{n} things are watched and answer; {series} series come from them.', zh: '{n} 项监控对象全部正常，共 {series} 条序列。' },
  wrong: { en: '{down} of {n} things that are watched do not answer.', zh: '{n} 项监控对象中有 {down} 项没有响应。' },
  nothing: { en: 'Nothing is watched.', zh: '没有监控任何对象。' },
  add: { en: 'Add data', zh: '接入数据' },
  elsewhere: { en: 'The server at {url} scrapes and stores. What is watched is decided by its prometheus.yml; nothing on this machine is watched by this process.', zh: '由 {url} 抓取并存储。监控对象由该服务器的 prometheus.yml 决定；本进程不监控本机。' },
  elsewhereScraped: { en: 'Scraped by {url}', zh: '由 {url} 抓取' },
  elsewhereNone: { en: 'It names no job', zh: '该服务器未列出任何作业' },
  elsewhereNoneHint: { en: 'It has no series called up: add a job to its prometheus.yml.', zh: '没有名为 up 的序列：请在其 prometheus.yml 中添加作业。' },
  scraped: { en: 'Scraped by this server', zh: '由本服务器抓取' },
  what: { en: 'What', zh: '对象' },
  state: { en: 'State', zh: '状态' },
  every: { en: 'Every', zh: '间隔' },
  last: { en: 'Last sample', zh: '最近样本' },
  series: { en: 'Series', zh: '序列' },
  up: { en: 'Up', zh: '正常' },
  down: { en: 'Down', zh: '异常' },
  of: { en: '{down} of {n} down', zh: '{n} 个中 {down} 个异常' },
  builtin: { en: 'built in', zh: '内置' },
  noneYet: { en: 'This server scrapes nothing', zh: '本服务器没有抓取任何目标' },
  noneHint: { en: 'The built-in sources are off (--sources.enabled), and prometheus.yml names no target.', zh: '内置采集已关闭（--sources.enabled），且 prometheus.yml 未配置目标。' },
  sent: { en: 'Sent to this server', zh: '发送到本服务器' },
  unnamed: { en: 'Samples come to {to}, from senders that name no job', zh: '{to} 正在接收样本，但发送方未提供 job' },
  nobody: { en: 'Nobody sends samples', zh: '没有发送方' },
  nobodyHint: { en: 'Remote write and OpenTelemetry are taken at this address.', zh: '此地址接受远程写入与 OpenTelemetry 数据。' },
  addSender: { en: 'Add a sender', zh: '添加发送方' },
  notSeen: { en: 'Looked for, not seen', zh: '已查找但未发现' },
  allSeen: { en: 'Everything that was looked for is seen.', zh: '已查找的内容均已发现。' },
  why: { en: 'Why', zh: '原因' },
  remedy: { en: 'Remedy', zh: '处理方法' },
  found: { en: 'Discovered, not watched', zh: '已发现但未监控' },
  foundNone: { en: 'Whatever service discovery finds is scraped.', zh: '服务发现找到的目标均在抓取。' },
  foundSome: { en: 'Dropped by relabelling: {n}.', zh: '被重新标记规则丢弃：{n} 个。' },
  show: { en: 'Show them', zh: '查看' },
};

/** WatchedPage says what is watched, what is not, and how that is changed. */
export function WatchedPage(): ReactNode {
  const t = useT();
  const said = useSaid();
  const state = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal), refetchInterval: 2000 });
  const targets = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => readTargets(signal), refetchInterval: 2000 });
  const series = useQuery({ queryKey: ['watched series'], queryFn: ({ signal }) => vector('sum by (job, instance) (scrape_samples_post_metric_relabeling)', signal), refetchInterval: 5000 });
  const pushed = useQuery({ queryKey: ['pushed'], queryFn: ({ signal }) => vector('max by (job) (timestamp(up) or timestamp(target_info))', signal), refetchInterval: 2000 });
  // Samples that say by no series of their own who sends them.
  const arriving = useQuery({ queryKey: ['arriving'], queryFn: ({ signal }) => vector('sum by (handler) (increase(touchline_http_requests_total{method="post",handler=~"/api/v1/write|/v1/metrics|/api/v1/otlp/v1/metrics",code=~"2.."}[5m])) > 0', signal), refetchInterval: 5000 });
  const to = (arriving.data ?? []).map((s) => s.labels.handler).join(', ');
  const watched = state.data?.watched ?? [];
  const down = watched.filter((w) => !w.up).length;
  const total = (series.data ?? []).reduce((n, s) => n + s.value, 0);
  const fig = figure(total);
  const sentence = !state.data ? undefined : watched.length === 0 ? t(m.nothing) : down > 0 ? t(m.wrong, { down, n: watched.length }) : t(m.right, { n: watched.length, series: fig.number + fig.unit });
  const drops = targets.data ? droppedCount(targets.data) : undefined;
  const own = ownJobs(targets.data?.activeTargets ?? []);
  const senders = targets.data ? (pushed.data ?? []).filter((s) => s.labels.job !== undefined && !own.includes(s.labels.job)) : [];
  const notSeen = state.data?.not_seen ?? [];
  const metrics = useBackend('metrics');
  const refused = useRefusals(!metrics);
  return (
    <Page title={t(m.title)} sentence={sentence} actions={<Button renderRoot={(p) => <Link {...p} to={'/add' as never} search={keepTime as never} />} leftSection={<Icon name="add" size={14} />}>{t(m.add)}</Button>}>
      <Sections at="/watched" />
      <Elsewhere engine="metrics" text={m.elsewhere} />
      <div className="grid">
        <Card title={metrics ? t(m.elsewhereScraped, { url: metrics.url }) : t(m.scraped)} columns={12} flush>
          {state.error && !state.data ? <Failed error={state.error} retry={() => void state.refetch()} /> : !state.data ? <Loading height={140} /> : watched.length === 0 && metrics ? (
            <Empty title={t(m.elsewhereNone)}>{t(m.elsewhereNoneHint)}</Empty>
          ) : watched.length === 0 ? (
            <Empty title={t(m.noneYet)} action={<Link to={'/add/$what' as never} params={{ what: 'app' } as never} search={keepTime as never}>{t(m.add)}</Link>}>{t(m.noneHint)}</Empty>
          ) : (
            <ScrapedTable watched={watched} last={lastScrapes(targets.data?.activeTargets ?? [])} series={seriesByJob(series.data ?? [])} />
          )}
        </Card>
        {!metrics && <Card title={t(m.sent)} columns={6} flush={senders.length > 0 || refused.length > 0}>
          <Refusals list={refused} />
          {pushed.error && !pushed.data ? <Failed error={pushed.error} retry={() => void pushed.refetch()} /> : !pushed.data || !targets.data ? <Loading height={60} /> : senders.length > 0 ? <Senders list={senders} refused={refused.some((r) => r.door !== 'alerts')} /> : to !== '' ? <StateMark tone="good">{t(m.unnamed, { to })}</StateMark> : (
            <Empty title={t(m.nobody)} action={<Link to={'/add' as never} search={keepTime as never}>{t(m.addSender)}</Link>}>
              {t(m.nobodyHint)}
              {(state.data?.endpoints ?? []).map((e) => <div key={e.url}>{said(e.what)}<br /><code>{e.url}</code></div>)}
            </Empty>
          )}
        </Card>}
        <div style={{ gridColumn: 'span 6', display: 'grid', gap: 12, alignContent: 'start' }}>
          {!metrics && <Card title={t(m.notSeen)}>
            {!state.data ? <Loading height={60} /> : notSeen.length === 0 ? <StateMark tone="good">{t(m.allSeen)}</StateMark> : (
              <dl style={{ margin: 0, display: 'grid', gap: 10 }}>
                {notSeen.map((x) => (
                  <div key={`${x.what} ${x.reason}`} style={{ overflowWrap: 'anywhere' }}>
                    <dt style={{ fontWeight: 500 }}>{said(x.what)}</dt>
                    <dd className="muted" style={{ margin: 0 }}>{t(m.why)}: {said(x.reason)}</dd>
                    {x.remedy && <dd style={{ margin: 0 }}>{t(m.remedy)}: {said(x.remedy)}</dd>}
                  </div>
                ))}
              </dl>
            )}
          </Card>}
          <Card title={t(m.found)}>
            {targets.error && !targets.data ? <Failed error={targets.error} retry={() => void targets.refetch()} /> : drops === undefined ? <Loading height={20} /> : drops === 0 ? <span className="muted">{t(m.foundNone)}</span> : (
              <span>{t(m.foundSome, { n: drops })} <Link to={'/targets' as never} search={((old: Record<string, unknown>) => ({ ...keepTime(old), show: 'dropped' })) as never}>{t(m.show)}</Link></span>
            )}
          </Card>
        </div>
      </div>
    </Page>
  );
}

/** Last is when the newest sample came, in a colour where another should have come since. */
function Last({ at, late }: { at: number | undefined; late: boolean }): ReactNode {
  return late ? <StateMark tone="warning"><Ago at={at} /></StateMark> : <Ago at={at} />;
}

function ScrapedTable({ watched, last, series }: { watched: Watched[]; last: Map<string, number>; series: Map<string, number> }): ReactNode {
  const t = useT();
  const said = useSaid();
  return (
    <table className="table as-cards">
      <thead><tr><th>{t(m.state)}</th><th>{t(m.what)}</th><th className="num">{t(m.every)}</th><th className="num">{t(m.last)}</th><th className="num">{t(m.series)}</th></tr></thead>
      <tbody>
        {watched.map((w) => {
          const key = `${w.job} ${w.instance}`;
          const at = last.get(key) ?? last.get(w.job);
          const n = series.get(key) ?? series.get(w.job);
          const fig = n === undefined ? undefined : figure(n);
          return (
            <tr key={`${key} ${w.source}`}>
              <td data-name={t(m.state)}><StateMark tone={w.up ? 'good' : 'critical'}>{w.up ? t(m.up) : w.targets > 1 ? t(m.of, { down: w.down, n: w.targets }) : t(m.down)}</StateMark></td>
              <td data-name={t(m.what)}>
                <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
                  <Link to={'/targets' as never} search={((old: Record<string, unknown>) => ({ ...keepTime(old), text: `job=${w.job}` })) as never} style={{ fontWeight: 500 }}>{w.job}</Link> {w.instance} {w.source === 'in-process' && <span className="muted">{t(m.builtin)}</span>}
                  <div className="muted">{said(w.what)}</div>
                  {w.error && <div style={{ color: 'var(--critical)' }}>{w.error}</div>}
                </div>
              </td>
              <td data-name={t(m.every)} className="num">{w.interval_seconds > 0 ? <Span ms={w.interval_seconds * 1000} /> : '–'}</td>
              <td data-name={t(m.last)} className="num"><Last at={at} late={w.interval_seconds > 0 && isLate(at, Date.now(), w.interval_seconds * 1000)} /></td>
              <td data-name={t(m.series)} className="num">{fig ? <>{fig.number}<span className="unit">{fig.unit}</span></> : <span className="muted">–</span>}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What is older than this while something is turned away, in milliseconds, is likely what is turned away. */
const suspect = 20_000;

function Senders({ list, refused }: { list: Sample[]; refused: boolean }): ReactNode {
  const t = useT();
  const now = Date.now();
  return (
    <table className="table">
      <thead><tr><th>{t(m.what)}</th><th className="num">{t(m.last)}</th></tr></thead>
      <tbody>{[...list].sort((a, b) => b.value - a.value).slice(0, 100).map((s) => <tr key={s.labels.job}><td>{s.labels.job}</td><td className="num"><Last at={s.value * 1000} late={isLate(s.value * 1000, now) || (refused && now - s.value * 1000 > suspect)} /></td></tr>)}</tbody>
    </table>
  );
}
