import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { alertmanagerStatus } from '../../api/server';
import { status } from '../../api/status';
import { useT } from '../../i18n';
import { Elsewhere } from '../../ui/Elsewhere';
import { Card, Empty, Failed, Loading, Page, StateMark } from '../../ui/parts';
import { StatusTabs } from './StatusTabs';

const m = {
  elsewhere: { en: 'This is the Alertmanager at {url} and its cluster.', zh: '此处为 {url} 的 Alertmanager 及其集群。' },
  title: { en: 'Cluster', zh: '集群' },
  alone: { en: 'This server tells people alone: it is in no cluster.', zh: '本服务器独立通知，未加入集群。' },
  together: { en: '{n} members share silences and who has been told; the state is {state}.', zh: '{n} 个成员共享静默与通知记录，状态为 {state}。' },
  none: { en: 'No cluster', zh: '未组成集群' },
  noneHint: { en: 'Two servers tell people once, and the one goes on when the other ends. Start each with the address of the other:', zh: '两台服务器只通知一次，任一停止时另一台继续工作。启动时互相指定地址：' },
  members: { en: 'Members', zh: '成员' },
  self: { en: 'this server', zh: '本服务器' },
  name: { en: 'Name', zh: '名称' },
  address: { en: 'Address', zh: '地址' },
  database: { en: 'Users, incidents and history are in: {what}.', zh: '用户、事件与历史记录存储于：{what}。' },
};

/** ClusterPage says with whom this server shares what it knows. */
export function ClusterPage(): ReactNode {
  const t = useT();
  const { data, error, refetch } = useQuery({ queryKey: ['alertmanager status'], queryFn: ({ signal }) => alertmanagerStatus(signal), refetchInterval: 5000 });
  const state = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal) });
  const peers = data?.cluster.peers ?? [];
  const off = data?.cluster.status === 'disabled';
  return (
    <Page title={t(m.title)} sentence={data && (off ? t(m.alone) : t(m.together, { n: peers.length, state: data.cluster.status }))}>
      <StatusTabs at="/status/cluster" />
      <Elsewhere engine="alerts" text={m.elsewhere} />
      {error && <Failed error={error} retry={() => void refetch()} />}
      {!data ? !error && <Loading height={120} /> : off ? (
        <Card><Empty title={t(m.none)}>{t(m.noneHint)}<code>--cluster.listen-address=0.0.0.0:9094 --cluster.peer=OTHER:9094</code></Empty></Card>
      ) : (
        <Card title={t(m.members)} actions={<StateMark tone={data.cluster.status === 'ready' ? 'good' : 'warning'}>{data.cluster.status}</StateMark>} flush>
          <table className="table">
            <thead><tr><th>{t(m.name)}</th><th>{t(m.address)}</th></tr></thead>
            <tbody>{peers.map((p) => <tr key={p.name}><td className="mono">{p.name} {p.name === data.cluster.name && <span className="muted">({t(m.self)})</span>}</td><td className="mono">{p.address}</td></tr>)}</tbody>
          </table>
        </Card>
      )}
      {state.data && <p className="muted">{t(m.database, { what: state.data.data.database })}</p>}
    </Page>
  );
}
