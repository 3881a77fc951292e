import type { ReactNode } from 'react';

import { NavTabs } from '../../ui/NavTabs';

const label = { en: 'Incidents', zh: '事件' };
const tabs = [
  { to: '/incidents', label: { en: 'Incidents', zh: '事件' } },
  { to: '/oncall', label: { en: 'On call', zh: '值班' } },
  { to: '/reports', label: { en: 'Reports', zh: '报告' } },
];

export function IncidentTabs(): ReactNode {
  return <NavTabs tabs={tabs} label={label} />;
}
