import { type ReactNode, Suspense, useState } from 'react';

import { lazyPage } from '../../app/PageLoad';
import { useT } from '../../i18n';
import { label, type Panel, type Scope } from '../../model';
import { Icon } from '../../ui/icons';
import type { PanelData } from './panelData';
import type { Shared } from './Slot';

const OpenMenu = lazyPage<Props>(() => import('./OpenMenu'), 'OpenMenu');

export const menuName = { en: 'Menu of {title}', zh: '{title} 的菜单' };

export interface Props {
  panel: Panel;
  data: PanelData;
  shared: Shared;
  scope: Scope;
}

/** inspected tells whether an address has this panel inspected. */
export const inspected = (asked: unknown, panel: Panel): boolean => asked !== undefined && asked !== null && String(asked) === String(panel.id);

/** PanelMenu is what can be done with one panel. Until it is first opened it is a button only: a dashboard may have thousands. */
export function PanelMenu(p: Props): ReactNode {
  const t = useT();
  // An address may have it inspected from the beginning.
  const [wanted, setWanted] = useState(() => inspected(new URLSearchParams(window.location.search).get('inspect'), p.panel));
  const title = label(p.panel.title, p.scope) || `${p.panel.type} ${p.panel.id}`;
  const button = (
    <button type="button" className="dash-more" aria-haspopup="menu" aria-expanded={false} aria-label={t(menuName, { title })} onPointerEnter={() => void OpenMenu.preload()} onClick={() => setWanted(true)}><Icon name="more" size={16} /></button>
  );
  return wanted ? <Suspense fallback={button}><OpenMenu {...p} /></Suspense> : button;
}
