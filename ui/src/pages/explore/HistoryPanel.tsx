import { ActionIcon, Drawer, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { useT } from '../../i18n';
import { Icon } from '../../ui/icons';
import { Ago, Empty } from '../../ui/parts';
import type { Asked } from './history';

const m = {
  title: { en: 'Asked in this browser', zh: '此浏览器的查询历史' },
  search: { en: 'Search', zh: '搜索' },
  none: { en: 'Nothing yet', zh: '暂无记录' },
  noneHow: { en: 'What is run here is kept in this browser alone: the last 200, and what is starred.', zh: '查询记录仅保存在此浏览器中：最近 200 条以及已加星标的。' },
  star: { en: 'Star', zh: '加星标' },
};

/** HistoryPanel lists what was asked; starred ones come first. */
export function HistoryPanel({ list, onClose, onUse, onStar }: { list: Asked[]; onClose: () => void; onUse: (expr: string) => void; onStar: (expr: string) => void }): ReactNode {
  const t = useT();
  const [text, setText] = useState('');
  const shown = list.filter((a) => a.expr.toLowerCase().includes(text.trim().toLowerCase())).sort((a, b) => Number(b.starred ?? false) - Number(a.starred ?? false) || b.at - a.at);
  return (
    <Drawer opened onClose={onClose} position="right" size={460} title={t(m.title)}>
      <TextInput aria-label={t(m.search)} placeholder={t(m.search)} value={text} onChange={(e) => setText(e.currentTarget.value)} mb="sm" data-autofocus />
      {shown.length === 0 ? <Empty title={t(m.none)}>{t(m.noneHow)}</Empty> : shown.map((a) => (
        <div key={a.expr} style={{ display: 'flex', gap: 8, alignItems: 'center', borderBottom: '1px solid var(--line)' }}>
          <ActionIcon variant="subtle" color={a.starred ? undefined : 'gray'} aria-label={`${t(m.star)}: ${a.expr.slice(0, 60)}`} aria-pressed={!!a.starred} onClick={() => onStar(a.expr)}><Icon name="star" size={14} /></ActionIcon>
          <button type="button" className="explore-metric" onClick={() => onUse(a.expr)}>
            <code style={{ overflowWrap: 'anywhere', display: '-webkit-box', WebkitLineClamp: 3, WebkitBoxOrient: 'vertical', overflow: 'hidden' }}>{a.expr}</code>
            <div className="muted" style={{ fontSize: 11 }}><Ago at={a.at} /></div>
          </button>
        </div>
      ))}
    </Drawer>
  );
}
