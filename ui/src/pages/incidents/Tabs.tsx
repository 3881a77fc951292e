import { useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import { LinkTabs } from '../../ui/LinkTabs';

const label = { en: 'Incidents', zh: '事件' };
const tabs = [
  { to: '/incidents', label: { en: 'Incidents', zh: '事件' } },
  { to: '/escalations', label: { en: 'Escalations', zh: '升级' } },
  { to: '/oncall', label: { en: 'On call', zh: '值班' } },
  { to: '/reports', label: { en: 'Reports', zh: '报告' } },
];

export function IncidentTabs(): ReactNode {
  const t = useT();
  const path = useRouterState({ select: (s) => s.location.pathname });
  return <LinkTabs label={t(label)} tabs={tabs.map((tab) => ({ to: tab.to, label: t(tab.label) }))} at={tabs.find((tab) => path.endsWith(tab.to) || path.includes(`${tab.to}/`))?.to ?? ''} />;
}
