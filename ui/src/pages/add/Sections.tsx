import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import { LinkTabs } from '../../ui/LinkTabs';

const m = {
  label: { en: 'What is watched', zh: '监控对象' },
  watched: { en: 'Watched', zh: '监控对象' },
  targets: { en: 'Targets', zh: '抓取目标' },
  add: { en: 'Add data', zh: '接入数据' },
};

/** Sections leads among the pages about what is watched. */
export function Sections({ at }: { at: string }): ReactNode {
  const t = useT();
  return <LinkTabs label={t(m.label)} at={at} tabs={[{ to: '/watched', label: t(m.watched) }, { to: '/targets', label: t(m.targets) }, { to: '/add', label: t(m.add) }]} />;
}
