import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useMe } from '../../api/me';
import { type Channel, channels, provenAt, testReceiver } from '../../api/notifications';
import { useLanguage, useT } from '../../i18n';
import { below } from '../../ui/address';
import { Elsewhere } from '../../ui/Elsewhere';
import { Ago, Card, Empty, Failed, Loading, Page, Span, StateMark } from '../../ui/parts';
import { MayNot, Refused } from '../../ui/Refused';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Channels', zh: '通知渠道' },
  sentence: { en: '{n} receivers: {p} proven, {b} whose last message failed.', zh: '共 {n} 个接收方：{p} 个已验证，{b} 个最近一次发送失败。' },
  proven: { en: 'last proven', zh: '最近验证' },
  never: { en: 'never proven', zh: '从未验证' },
  failing: { en: 'failing', zh: '发送失败' },
  ok: { en: 'proven', zh: '已验证' },
  nothing: { en: 'tells nobody', zh: '不通知任何人' },
  usual: { en: 'default', zh: '默认' },
  test: { en: 'Send a test', zh: '发送测试' },
  taken: { en: 'taken in', zh: '已接收，耗时' },
  failed: { en: 'failed after', zh: '失败，耗时' },
  history: { en: 'History', zh: '记录' },
  elsewhere: { en: 'The Alertmanager at {url} routes and tells alerts by its own receivers. Those here are told by escalations.', zh: '告警由 {url} 的 Alertmanager 按其接收方路由并通知。此处的接收方用于升级通知。' },
  none: { en: 'There is no receiver', zh: '没有接收方' },
  add: { en: 'Add one:', zh: '添加一个：' },
};

export function Channels(): ReactNode {
  const t = useT();
  const { me, may } = useMe();
  const q = useQuery({ queryKey: ['channels'], queryFn: ({ signal }) => channels(signal), refetchInterval: 5000 });
  const list = q.data ?? [];
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={q.data && t(m.sentence, { n: list.length, p: list.filter((r) => provenAt(r) && !r.failing?.length).length, b: list.filter((r) => r.failing?.length).length })} actions={may('change') ? undefined : <MayNot anonymous={me?.method === 'anonymous'} />}>
        <Elsewhere engine="alerts" text={m.elsewhere} />
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!q.data ? !q.error && <Loading height={200} /> : <Card flush>{list.length === 0 ? <Empty title={t(m.none)}><span>{t(m.add)}</span><code>touchline notify add</code></Empty> : list.map((r) => <Receiver key={r.name} receiver={r} />)}</Card>}
      </Page>
    </>
  );
}

function Receiver({ receiver: r }: { receiver: Channel }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { may } = useMe();
  const client = useQueryClient();
  const test = useMutation({ mutationFn: () => testReceiver(r.name, l), onSettled: () => client.invalidateQueries({ queryKey: ['channels'] }) });
  const parts = r.integrations ?? [];
  const failing = (r.failing?.length ?? 0) > 0;
  const proven = provenAt(r);
  return (
    <div style={{ padding: '10px 12px', borderBottom: '1px solid var(--line)' }}>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: '4px 12px', alignItems: 'baseline' }}>
        <b>{r.name}</b>{r.default && <span className="label">{t(m.usual)}</span>}
        <StateMark tone={failing ? 'critical' : proven ? 'good' : parts.length === 0 ? 'quiet' : 'warning'}>{t(failing ? m.failing : proven ? m.ok : parts.length === 0 ? m.nothing : m.never)}</StateMark>
        <span className="muted">{parts.join(', ')}</span>
        {proven && <span className="muted">{t(m.proven)} <Ago at={proven} /></span>}
        <span style={{ marginLeft: 'auto', display: 'flex', gap: 12, alignItems: 'baseline' }}>
          <Link {...below(`/notifications?receiver=${encodeURIComponent(r.name)}`)}>{t(m.history)}</Link>
          {may('change') && parts.length > 0 && <Button size="compact-sm" variant="default" loading={test.isPending} onClick={() => test.mutate()}>{t(m.test)}</Button>}
        </span>
      </div>
      {(r.failing ?? []).map((f) => <div key={f.integration} style={{ overflowWrap: 'anywhere' }}><span className="muted">{f.integration} <Ago at={f.at} /></span> <span style={{ color: 'var(--critical)' }}>{f.error}</span></div>)}
      {test.data?.map((x) => (
        <div key={x.integration} role="status" style={{ overflowWrap: 'anywhere', marginTop: 4 }}>
          <StateMark tone={x.ok ? 'good' : 'critical'}>{x.integration} {t(x.ok ? m.taken : m.failed)} <Span ms={x.took_seconds * 1000} /></StateMark> <span className="muted">{x.said ?? x.error}</span>
        </div>
      ))}
      <Refused error={test.error} />
    </div>
  );
}
