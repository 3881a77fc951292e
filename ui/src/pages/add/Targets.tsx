import { Button, SegmentedControl, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Fragment, type ReactNode, useState } from 'react';

import type { Target } from '../../api/prometheus';
import { targets as readTargets } from '../../api/server';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { Ago, Card, Empty, Failed, LabelList, Loading, Page, Span, StateMark } from '../../ui/parts';
import type { Tone } from '../../ui/tone';
import { Sections } from './Sections';
import { TargetDetail } from './TargetDetail';
import { dropped, droppedCount, type Health, type Pool, pools, targetKey } from './targetList';

const m = {
  title: { en: 'Targets', zh: '抓取目标' },
  allUp: { en: '{n} targets in {pools} pools, all up.', zh: '{pools} 个抓取池，{n} 个目标全部正常。' },
  someDown: { en: '{down} of {n} targets cannot be scraped.', zh: '{n} 个目标中有 {down} 个无法抓取。' },
  unknown: { en: '{up} of {n} targets are up, {unknown} not scraped yet.', zh: '{n} 个目标中 {up} 个正常，{unknown} 个尚未抓取。' },
  none: { en: 'No target is scraped', zh: '没有抓取目标' },
  noneHint: { en: 'Add a job to prometheus.yml.', zh: '请在 prometheus.yml 中添加作业。' },
  addApp: { en: 'Add your own application', zh: '接入自有应用' },
  noFit: { en: 'No target fits the filter', zh: '没有符合筛选条件的目标' },
  clear: { en: 'Clear the filter', zh: '清除筛选' },
  filter: { en: 'Filter by label, address or error', zh: '按标签、地址或错误筛选' },
  active: { en: 'Scraped', zh: '已抓取' },
  notTaken: { en: 'Discovered, not taken', zh: '已发现但未采用' },
  any: { en: 'All', zh: '全部' },
  up: { en: 'Up', zh: '正常' },
  down: { en: 'Down', zh: '异常' },
  notYet: { en: 'Not yet', zh: '尚未抓取' },
  pool: { en: 'Pool', zh: '抓取池' },
  allPools: { en: 'All pools', zh: '全部抓取池' },
  state: { en: 'State', zh: '状态' },
  address: { en: 'Address', zh: '地址' },
  labels: { en: 'Labels', zh: '标签' },
  last: { en: 'Last scrape', zh: '最近抓取' },
  took: { en: 'Took', zh: '耗时' },
  every: { en: 'Every', zh: '间隔' },
  details: { en: 'Details', zh: '详情' },
  hide: { en: 'Hide details', zh: '收起详情' },
  rest: { en: 'Show {n} more', zh: '再显示 {n} 个' },
  noneDropped: { en: 'Everything that was discovered is scraped', zh: '已发现的目标均在抓取' },
  noneDroppedHint: { en: 'A target that relabelling drops would be listed here, with the rule that did it.', zh: '被重新标记规则丢弃的目标会在此列出，并显示对应规则。' },
  kept: { en: '{shown} of {n} are kept for showing (keep_dropped_targets).', zh: '共 {n} 个，保留展示 {shown} 个（keep_dropped_targets）。' },
};

/** How many rows of a pool are shown at first, and more at each press. */
const rows = 100;

export const healthTone: Record<Health, Tone> = { up: 'good', down: 'critical', unknown: 'quiet' };

interface Search {
  text?: string;
  health?: string;
  pool?: string;
  show?: string;
  open?: string;
}

/** TargetsPage lists what is scraped, by pool, and what was discovered and left. */
export function TargetsPage(): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const s = useSearch({ strict: false }) as Search;
  const { data, error, refetch } = useQuery({ queryKey: ['targets'], queryFn: ({ signal }) => readTargets(signal), refetchInterval: 2000 });
  const set = (by: Search): void => void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, ...by }) } as never);
  const health = s.health === 'up' || s.health === 'down' || s.health === 'unknown' ? s.health : undefined;
  const all = data?.activeTargets ?? [];
  const down = all.filter((x) => x.health === 'down').length;
  const up = all.filter((x) => x.health === 'up').length;
  const names = [...new Set([...all.map((x) => x.scrapePool), ...Object.keys(data?.droppedTargetCounts ?? {})])].sort();
  const sentence = !data ? undefined : down > 0 ? t(m.someDown, { down, n: all.length }) : up < all.length ? t(m.unknown, { up, n: all.length, unknown: all.length - up }) : all.length === 0 ? t(m.none) : t(m.allUp, { n: all.length, pools: new Set(all.map((x) => x.scrapePool)).size });
  const notTaken = s.show === 'dropped';
  return (
    <Page title={t(m.title)} sentence={sentence}>
      <Sections at="/targets" />
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12 }}>
        <SegmentedControl value={notTaken ? 'dropped' : 'active'} onChange={(v) => set({ show: v === 'dropped' ? v : undefined, open: undefined })}
          data={[{ value: 'active', label: t(m.active) }, { value: 'dropped', label: `${t(m.notTaken)} ${data ? droppedCount(data) : ''}` }]} />
        <TextInput aria-label={t(m.filter)} placeholder={t(m.filter)} value={s.text ?? ''} maxLength={200} onChange={(e) => set({ text: e.currentTarget.value || undefined })} style={{ flex: '1 1 200px', maxWidth: 360 }} />
        <Select aria-label={t(m.pool)} clearable placeholder={t(m.allPools)} value={s.pool ?? null} data={names} searchable onChange={(v) => set({ pool: v ?? undefined })} />
        {!notTaken && (
          <SegmentedControl aria-label={t(m.state)} value={health ?? ''} onChange={(v) => set({ health: v || undefined })}
            data={[{ value: '', label: t(m.any) }, { value: 'up', label: t(m.up) }, { value: 'down', label: t(m.down) }, { value: 'unknown', label: t(m.notYet) }]} />
        )}
      </div>
      {error && <Failed error={error} retry={() => void refetch()} />}
      {!data ? !error && <Loading height={240} /> : notTaken ? <Dropped {...{ data, s, set }} /> : all.length === 0 ? (
        <Empty title={t(m.none)} action={<Link to={'/add/$what' as never} params={{ what: 'app' } as never} search={keepTime as never}>{t(m.addApp)}</Link>}>{t(m.noneHint)}</Empty>
      ) : (
        <Active list={pools(all, { text: s.text, health, pool: s.pool })} s={s} set={set} />
      )}
    </Page>
  );
}

type Set = (by: Search) => void;

function Active({ list, s, set }: { list: Pool[]; s: Search; set: Set }): ReactNode {
  const t = useT();
  if (list.length === 0) return <Empty title={t(m.noFit)} action={<Button variant="default" onClick={() => set({ text: undefined, health: undefined, pool: undefined })}>{t(m.clear)}</Button>} />;
  return <div style={{ display: 'grid', gap: 12, gridTemplateColumns: 'minmax(0, 1fr)' }}>{list.map((p) => <PoolCard key={p.name} pool={p} s={s} set={set} />)}</div>;
}

function PoolCard({ pool, s, set }: { pool: Pool; s: Search; set: Set }): ReactNode {
  const t = useT();
  const [shown, setShown] = useState(rows);
  return (
    <Card flush title={pool.name} actions={pool.down > 0 ? <StateMark tone="critical">{pool.down}/{pool.targets.length} {t(m.down)}</StateMark> : <StateMark tone={pool.up === pool.targets.length ? 'good' : 'quiet'}>{pool.up}/{pool.targets.length} {t(m.up)}</StateMark>}>
      <div className="table-scroll">
        <table className="table as-cards">
          <thead><tr><th>{t(m.state)}</th><th>{t(m.address)}</th><th>{t(m.labels)}</th><th className="num">{t(m.last)}</th><th className="num">{t(m.took)}</th><th className="num">{t(m.every)}</th><th /></tr></thead>
          <tbody>{pool.targets.slice(0, shown).map((x) => <Row key={targetKey(x)} x={x} s={s} set={set} />)}</tbody>
        </table>
      </div>
      {pool.targets.length > shown && <Button variant="subtle" m={8} onClick={() => setShown(shown + rows)}>{t(m.rest, { n: Math.min(rows, pool.targets.length - shown) })}</Button>}
    </Card>
  );
}

function Row({ x, s, set }: { x: Target; s: Search; set: Set }): ReactNode {
  const t = useT();
  const key = targetKey(x);
  const open = s.open === key;
  const seen = Date.parse(x.lastScrape);
  return (
    <Fragment>
      <tr>
        <td data-name={t(m.state)}><StateMark tone={healthTone[x.health]}>{t(x.health === 'up' ? m.up : x.health === 'down' ? m.down : m.notYet)}</StateMark></td>
        <td data-name={t(m.address)} style={{ overflowWrap: 'anywhere', minWidth: 160 }}>
          <div style={{ minWidth: 0 }}>
            <span className="mono">{x.scrapeUrl}</span>
            {x.lastError && <div style={{ color: 'var(--critical)' }}>{x.lastError}</div>}
          </div>
        </td>
        <td data-name={t(m.labels)}><LabelList labels={x.labels} onPick={(n, v) => set({ text: `${n}=${v}` })} /></td>
        <td data-name={t(m.last)} className="num">{seen > 0 ? <Ago at={seen} /> : '–'}</td>
        <td data-name={t(m.took)} className="num"><Span ms={x.lastScrapeDuration * 1000} /></td>
        <td data-name={t(m.every)} className="num">{x.scrapeInterval}</td>
        <td className="num"><Button variant="subtle" size="compact-xs" aria-expanded={open} onClick={() => set({ open: open ? undefined : key })}>{t(open ? m.hide : m.details)}</Button></td>
      </tr>
      {open && <tr><td colSpan={7}><TargetDetail pool={x.scrapePool} discovered={x.discoveredLabels} /></td></tr>}
    </Fragment>
  );
}

function Dropped({ data, s, set }: { data: Parameters<typeof dropped>[0]; s: Search; set: Set }): ReactNode {
  const t = useT();
  const [shown, setShown] = useState(rows);
  const list = dropped(data, s);
  const n = droppedCount(data);
  if (n === 0) return <Empty title={t(m.noneDropped)}>{t(m.noneDroppedHint)}</Empty>;
  if (list.length === 0) return <Empty title={t(m.noFit)} action={<Button variant="default" onClick={() => set({ text: undefined, pool: undefined })}>{t(m.clear)}</Button>} />;
  return (
    <Card flush title={t(m.notTaken)}>
      {data.droppedTargets.length < n && <p className="muted" style={{ padding: '0 12px' }}>{t(m.kept, { shown: data.droppedTargets.length, n })}</p>}
      <table className="table as-cards">
        <thead><tr><th>{t(m.pool)}</th><th>{t(m.labels)}</th><th /></tr></thead>
        <tbody>
          {list.slice(0, shown).map((d) => {
            const key = targetKey({ scrapePool: d.scrapePool, scrapeUrl: '', labels: d.discoveredLabels });
            const open = s.open === key;
            return (
              <Fragment key={key}>
                <tr>
                  <td data-name={t(m.pool)}>{d.scrapePool}</td>
                  <td data-name={t(m.labels)}><LabelList labels={d.discoveredLabels} /></td>
                  <td className="num"><Button variant="subtle" size="compact-xs" aria-expanded={open} onClick={() => set({ open: open ? undefined : key })}>{t(open ? m.hide : m.details)}</Button></td>
                </tr>
                {open && <tr><td colSpan={3}><TargetDetail pool={d.scrapePool} discovered={d.discoveredLabels} /></td></tr>}
              </Fragment>
            );
          })}
        </tbody>
      </table>
      {list.length > shown && <Button variant="subtle" m={8} onClick={() => setShown(shown + rows)}>{t(m.rest, { n: Math.min(rows, list.length - shown) })}</Button>}
    </Card>
  );
}
