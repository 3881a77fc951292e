import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { keepTime } from '../app/Frame';

export interface LinkTab {
  to: string;
  label: string;
}

/** LinkTabs is the navigation among the pages of an area: links, so that each has an address. */
export function LinkTabs({ tabs, at, label }: { tabs: LinkTab[]; at: string; label: string }): ReactNode {
  return (
    <nav aria-label={label} style={{ display: 'flex', gap: 2, overflowX: 'auto', overflowY: 'hidden', borderBottom: '1px solid var(--line)', marginBottom: 12 }}>
      {tabs.map((tab) => {
        const here = tab.to === at;
        return (
          <Link key={tab.to} to={tab.to as never} search={keepTime as never} aria-current={here ? 'page' : undefined}
            style={{ padding: '6px 12px', whiteSpace: 'nowrap', color: here ? 'var(--text)' : 'var(--muted)', fontWeight: here ? 600 : 400, borderBottom: `2px solid ${here ? 'var(--accent)' : 'transparent'}`, marginBottom: -1 }}>
            {tab.label}
          </Link>
        );
      })}
    </nav>
  );
}
