import { Button, Select } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { receivers } from '../../api/alertmanager';
import { notifications } from '../../api/notifications';
import { useT } from '../../i18n';
import { useTime } from '../../time/state';
import { below, useAddress } from '../../ui/address';
import { Elsewhere } from '../../ui/Elsewhere';
import { Ago, Card, Empty, Failed, Loading, Page, Span, StateMark } from '../../ui/parts';
import { Hops } from './Hops';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Notifications', zh: '通知记录' },
  sentence: { en: '{n} attempts shown in this time range, {f} of them failed.', zh: '此时间范围内显示 {n} 次通知，其中失败 {f} 次。' },
  elsewhere: { en: 'The Alertmanager at {url} tells people of alerts, and does not say when it did. Here is what this server told: the steps of escalations.', zh: '告警由 {url} 的 Alertmanager 通知，其接口不提供通知记录。此处显示本服务器发送的通知：升级步骤。' },
  receiver: { en: 'Receiver', zh: '接收方' },
  any: { en: 'Any receiver', zh: '所有接收方' },
  failed: { en: 'Failed only', zh: '仅失败' },
  incident: { en: 'Incident #{id}', zh: '事件 #{id}' },
  state: { en: 'Answer', zh: '结果' },
  taken: { en: 'taken', zh: '已接收' },
  refused: { en: 'failed', zh: '失败' },
  when: { en: 'When', zh: '时间' },
  what: { en: 'What', zh: '内容' },
  fr: { en: '{f} firing, {r} resolved', zh: '触发 {f}，恢复 {r}' },
  took: { en: 'Took', zh: '耗时' },
  none: { en: 'Nobody was told anything in this time range', zh: '此时间范围内没有通知' },
  why: { en: 'Look at a longer range, or test a channel.', zh: '请放大时间范围，或测试通知渠道。' },
  channels: { en: 'Channels', zh: '通知渠道' },
  more: { en: 'Show older ones', zh: '显示更早的' },
};

export function Notifications(): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const { range, raw } = useTime();
  const known = useQuery({ queryKey: ['receivers'], queryFn: ({ signal }) => receivers(signal), staleTime: 30_000 });
  const failed = value('failed') === '1';
  const filter = { receiver: value('receiver') || undefined, failed: failed || undefined, incident: Number(value('incident')) || undefined };
  const q = useInfiniteQuery({
    queryKey: ['notifications', filter, raw.from, raw.to, Math.floor(range.from / 10_000)],
    queryFn: ({ pageParam, signal }) => notifications({ ...filter, from: new Date(range.from).toISOString(), to: raw.to === 'now' ? undefined : new Date(range.to).toISOString(), cursor: pageParam || undefined, limit: 100 }, signal),
    initialPageParam: '', getNextPageParam: (last) => last.next_cursor, refetchInterval: 5000, placeholderData: (old) => old,
  });
  const list = q.data?.pages.flatMap((p) => p.notifications ?? []) ?? [];
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={q.data && t(m.sentence, { n: `${list.length}${q.hasNextPage ? '+' : ''}`, f: list.filter((n) => n.error).length })}>
        <Elsewhere engine="alerts" text={m.elsewhere} />
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12 }}>
          <Select aria-label={t(m.receiver)} w={200} searchable value={value('receiver')} onChange={(v) => change({ receiver: v ?? '' })} data={[{ value: '', label: t(m.any) }, ...new Set([...(known.data ?? []).map((r) => r.name), value('receiver')].filter(Boolean))]} />
          <Button variant={failed ? 'light' : 'default'} aria-pressed={failed} onClick={() => change({ failed: failed ? '' : '1' })}>{t(m.failed)}</Button>
          {filter.incident && <Button variant="light" onClick={() => change({ incident: '' })}>{t(m.incident, { id: filter.incident })} ×</Button>}
        </div>
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!q.data ? !q.error && <Loading height={300} /> : (
          <Card flush>
            {list.length === 0 ? <Empty title={t(m.none)} action={<Link {...below('/channels')}>{t(m.channels)}</Link>}><span>{t(m.why)}</span></Empty> : (
              <div className="table-scroll"><table className="table as-cards">
                <thead><tr><th>{t(m.state)}</th><th>{t(m.when)}</th><th>{t(m.receiver)}</th><th>{t(m.what)}</th><th className="num">{t(m.took)}</th></tr></thead>
                <tbody>
                  {list.map((n) => (
                    <tr key={n.id}>
                      <td data-name={t(m.state)}><StateMark tone={n.error ? 'critical' : 'good'}>{t(n.error ? m.refused : m.taken)}</StateMark></td>
                      <td data-name={t(m.when)} style={{ whiteSpace: 'nowrap' }}><Ago at={n.at} /></td>
                      <td data-name={t(m.receiver)} style={{ whiteSpace: 'nowrap' }}><span>{n.receiver}<span className="muted">/{n.integration}</span></span></td>
                      <td data-name={t(m.what)} style={{ overflowWrap: 'anywhere' }}>
                        <div>
                          <span className="mono">{n.group}</span> <span className="muted">{t(m.fr, { f: n.firing, r: n.resolved })}</span> {n.incident ? <Link {...below(`/incidents/${n.incident}`)}>#{n.incident}</Link> : null}
                          {n.way && <div><Hops way={n.way} /></div>}
                          {n.error && <div style={{ color: 'var(--critical)' }}>{n.error}</div>}
                        </div>
                      </td>
                      <td data-name={t(m.took)} className="num"><Span ms={n.took_seconds * 1000} /></td>
                    </tr>
                  ))}
                </tbody>
              </table></div>
            )}
            {q.hasNextPage && <div style={{ padding: 10, textAlign: 'center' }}><Button variant="default" loading={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>{t(m.more)}</Button></div>}
          </Card>
        )}
      </Page>
    </>
  );
}
