import type { ReactNode } from 'react';

import type { Way } from '../../api/notifications';
import { type Message, useT } from '../../i18n';
import { Span } from '../../ui/parts';
import { moment } from '../incidents/clocks';

const names: [keyof Way, Message][] = [
  ['sample', { en: 'sample', zh: '样本' }], ['received', { en: 'received', zh: '接收' }], ['decided', { en: 'decided', zh: '判定' }], ['queued', { en: 'queued', zh: '入队' }],
  ['dispatched', { en: 'dispatched', zh: '分发' }], ['sent', { en: 'sent', zh: '发送' }], ['answered', { en: 'answered', zh: '响应' }],
];

const all = { en: 'in all', zh: '总计' };

/** Hops are the moments that an alert passed on its way, each with the time since the one before. */
export function Hops({ way }: { way: Way }): ReactNode {
  const t = useT();
  const at = names.map(([key, name]) => ({ name, at: way[key] ? moment(way[key]!) : undefined })).filter((h): h is { name: Message; at: number } => h.at !== undefined);
  if (at.length === 0) return null;
  return (
    <span style={{ display: 'inline-flex', flexWrap: 'wrap', gap: '0 6px' }}>
      {at.map((h, n) => (
        <span key={h.name.en} style={{ whiteSpace: 'nowrap' }}>
          {n > 0 && <span className="muted">→ </span>}
          <span className="muted">{t(h.name)}</span>{n > 0 && <> <span>+<Span ms={Math.max(0, h.at - at[n - 1]!.at)} /></span></>}
        </span>
      ))}
      <b style={{ whiteSpace: 'nowrap', fontWeight: 600 }}>= <Span ms={Math.max(0, at.at(-1)!.at - at[0]!.at)} /> {t(all)}</b>
    </span>
  );
}
