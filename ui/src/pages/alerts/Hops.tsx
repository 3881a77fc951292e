import type { ReactNode } from 'react';

import { hops, type Station, type Way } from '../../api/notifications';
import { type Message, useT } from '../../i18n';
import { Span } from '../../ui/parts';

const names: Record<Station, Message> = {
  sample: { en: 'sample', zh: '样本' }, received: { en: 'received', zh: '接收' }, decided: { en: 'decided', zh: '判定' }, queued: { en: 'queued', zh: '入队' },
  dispatched: { en: 'dispatched', zh: '分发' }, sent: { en: 'sent', zh: '发送' }, answered: { en: 'answered', zh: '响应' },
};

const all = { en: 'in all', zh: '总计' };

/** Hops are the moments that an alert passed on its way, each with the time since the one before. */
export function Hops({ way }: { way: Way }): ReactNode {
  const t = useT();
  const w = hops(way);
  if (!w) return null;
  return (
    <span style={{ display: 'inline-flex', flexWrap: 'wrap', gap: '0 6px' }}>
      {w.first && <span className="muted">{t(names[w.first])}</span>}
      {w.hops.map((h) => (
        <span key={h.to} style={{ whiteSpace: 'nowrap' }}>
          <span className="muted">→ {t(names[h.to])}</span> <span>+<Span ms={Math.max(0, h.ms)} /></span>
        </span>
      ))}
      <b style={{ whiteSpace: 'nowrap', fontWeight: 600 }}>= <Span ms={Math.max(0, w.total)} /> {t(all)}</b>
    </span>
  );
}
