import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useMe } from '../../api/me';
import { testReceiver } from '../../api/notifications';
import { type ReceiverState, status } from '../../api/status';
import { useLanguage, useT } from '../../i18n';
import { Ago, Card, Empty, Failed, Loading, Page, Span, StateMark } from '../../ui/parts';
import { MayNot, Refused } from '../../ui/Refused';
import { below } from './links';
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
  none: { en: 'There is no receiver', zh: '没有接收方' },
  add: { en: 'Add one:', zh: '添加一个：' },
};

export function Channels(): ReactNode {
  const t = useT();
  const { me, may } = useMe();
  const q = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal), refetchInterval: 5000 });
  const list = q.data?.alerts.receivers ?? [];
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={q.data && t(m.sentence, { n: list.length, p: list.filter((r) => r.last_proven && !r.last_error).length, b: list.filter((r) => r.last_error).length })} actions={may('change') ? undefined : <MayNot anonymous={me?.method === 'anonymous'} />}>
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!q.data ? !q.error && <Loading height={200} /> : <Card flush>{list.length === 0 ? <Empty title={t(m.none)}><span>{t(m.add)}</span><code>touchline notify add</code></Empty> : list.map((r) => <Receiver key={r.name} receiver={r} />)}</Card>}
      </Page>
    </>
  );
}

function Receiver({ receiver: r }: { receiver: ReceiverState }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { may } = useMe();
  const client = useQueryClient();
  const test = useMutation({ mutationFn: () => testReceiver(r.name, l), onSettled: () => client.invalidateQueries({ queryKey: ['status'] }) });
  const parts = (r.integrations ?? []).map((i) => (typeof i === 'string' ? { name: i } : i));
  return (
    <div style={{ padding: '10px 12px', borderBottom: '1px solid var(--line)' }}>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: '4px 12px', alignItems: 'baseline' }}>
        <b>{r.name}</b>{r.default && <span className="label">{t(m.usual)}</span>}
        <StateMark tone={r.last_error ? 'critical' : r.last_proven ? 'good' : parts.length === 0 ? 'quiet' : 'warning'}>{t(r.last_error ? m.failing : r.last_proven ? m.ok : parts.length === 0 ? m.nothing : m.never)}</StateMark>
        <span className="muted">{parts.map((p) => p.name).join(', ')}</span>
        {r.last_proven && <span className="muted">{t(m.proven)} <Ago at={r.last_proven} /></span>}
        <span style={{ marginLeft: 'auto', display: 'flex', gap: 12, alignItems: 'baseline' }}>
          <Link {...below(`/notifications?receiver=${encodeURIComponent(r.name)}`)}>{t(m.history)}</Link>
          {may('change') && parts.length > 0 && <Button size="compact-sm" variant="default" loading={test.isPending} onClick={() => test.mutate()}>{t(m.test)}</Button>}
        </span>
      </div>
      {r.last_error && <div style={{ color: 'var(--critical)', overflowWrap: 'anywhere' }}>{r.last_error}</div>}
      {test.data?.map((x) => (
        <div key={x.integration} role="status" style={{ overflowWrap: 'anywhere', marginTop: 4 }}>
          <StateMark tone={x.ok ? 'good' : 'critical'}>{x.integration} {t(x.ok ? m.taken : m.failed)} <Span ms={x.took_seconds * 1000} /></StateMark> <span className="muted">{x.said ?? x.error}</span>
        </div>
      ))}
      <Refused error={test.error} />
    </div>
  );
}
