import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import { LinkTabs } from '../../ui/LinkTabs';

const m = {
  label: { en: 'Status of this server', zh: '服务器运行状态' },
  server: { en: 'Server', zh: '服务器' },
  configuration: { en: 'Configuration', zh: '配置' },
  storage: { en: 'Storage and cardinality', zh: '存储与基数' },
  cluster: { en: 'Cluster', zh: '集群' },
  metrics: { en: 'Own metrics', zh: '自身指标' },
};

/** StatusTabs leads among the pages about this server. */
export function StatusTabs({ at }: { at: string }): ReactNode {
  const t = useT();
  return (
    <LinkTabs label={t(m.label)} at={at} tabs={[
      { to: '/status', label: t(m.server) },
      { to: '/status/configuration', label: t(m.configuration) },
      { to: '/status/storage', label: t(m.storage) },
      { to: '/status/cluster', label: t(m.cluster) },
      { to: '/status/metrics', label: t(m.metrics) },
    ]} />
  );
}
