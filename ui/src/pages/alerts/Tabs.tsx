import { useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import { LinkTabs } from '../../ui/LinkTabs';

const label = { en: 'Alerting', zh: '告警' };
const tabs = [
  { to: '/alerts', label: { en: 'Alerts', zh: '告警' } },
  { to: '/rules', label: { en: 'Rules', zh: '规则' } },
  { to: '/silences', label: { en: 'Silences', zh: '静默' } },
  { to: '/maintenance', label: { en: 'Maintenance', zh: '维护窗口' } },
  { to: '/notifications', label: { en: 'Notifications', zh: '通知记录' } },
  { to: '/channels', label: { en: 'Channels', zh: '通知渠道' } },
  { to: '/backtest', label: { en: 'Backtest', zh: '回测' } },
  { to: '/shadow', label: { en: 'Shadow', zh: '影子运行' } },
];

export function AlertTabs(): ReactNode {
  const t = useT();
  const path = useRouterState({ select: (s) => s.location.pathname });
  return <LinkTabs label={t(label)} tabs={tabs.map((tab) => ({ to: tab.to, label: t(tab.label) }))} at={tabs.find((tab) => path.endsWith(tab.to) || path.includes(`${tab.to}/`))?.to ?? ''} />;
}
