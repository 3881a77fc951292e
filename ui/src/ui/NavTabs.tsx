import { Link, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { keepTime } from '../app/Frame';
import { type Message, useT } from '../i18n';

export interface NavTab {
  to: string;
  label: Message;
}

/** NavTabs are the pages of an area, as links. */
export function NavTabs({ tabs, label }: { tabs: NavTab[]; label: Message }): ReactNode {
  const t = useT();
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <nav aria-label={t(label)} style={{ display: 'flex', gap: 2, borderBottom: '1px solid var(--line)', marginBottom: 14, overflowX: 'auto' }}>
      {tabs.map((tab) => {
        const here = path.endsWith(tab.to) || path.includes(`${tab.to}/`);
        return (
          <Link key={tab.to} to={tab.to as never} search={keepTime as never} aria-current={here ? 'page' : undefined}
            style={{ padding: '6px 12px 8px', whiteSpace: 'nowrap', color: here ? 'var(--text)' : 'var(--muted)', fontWeight: here ? 600 : 400, boxShadow: here ? 'inset 0 -2px 0 var(--accent)' : undefined }}>
            {t(tab.label)}
          </Link>
        );
      })}
    </nav>
  );
}
