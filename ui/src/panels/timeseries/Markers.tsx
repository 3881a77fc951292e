import { type KeyboardEvent, memo, type ReactNode, useRef, useState } from 'react';

import { type Mode, themes } from '../../grafana/theme';
import { useT } from '../../i18n';
import type { Range, Zone } from '../../time/range';
import type { Mark } from '../contract';
import { momentText } from '../plot/scale';
import { tokens } from '../tokens';
import { marksRoom } from './options';

const m = { marks: { en: 'What happened: arrow keys', zh: '发生的事件：方向键' } };

/** How high a mark is, in pixels. */
const thick = 3;

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** steppedTo is the mark that a key leads to. */
export function steppedTo(key: string, at: number, n: number): number | undefined {
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return Math.min(n - 1, at + 1);
    case 'ArrowLeft':
    case 'ArrowUp':
      return Math.max(0, at - 1);
    case 'Home':
      return 0;
    case 'End':
      return n - 1;
    default:
      return undefined;
  }
}

/** Markers are the handles of annotations between the drawing and its times; they say what happened. All are one stop of the Tab key. */
export const Markers = memo(function Markers({ marks, box, range, zone, mode }: { marks: Mark[]; box: Box; range: Range; zone: Zone; mode: Mode }): ReactNode {
  const t = useT();
  const host = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<string>();
  const [stop, setStop] = useState<string>();
  const seen = marks.filter((k) => k.time <= range.to && (k.timeEnd ?? k.time) >= range.from).slice(0, 200);
  if (seen.length === 0) return null;
  const at = Math.max(0, seen.findIndex((k) => k.id === stop));
  const onKey = (e: KeyboardEvent): void => {
    const to = steppedTo(e.key, at, seen.length);
    if (to === undefined) return;
    e.preventDefault();
    host.current?.querySelectorAll('button')[to]?.focus();
  };
  const x = (at: number): number => box.left + (Math.max(0, Math.min(1, (at - range.from) / (range.to - range.from))) * box.width);
  return (
    <div ref={host} role="toolbar" aria-label={t(m.marks)} onKeyDown={onKey}>
      {seen.map((k, i) => {
        const from = x(k.time);
        const wide = k.timeEnd === undefined ? 0 : x(k.timeEnd) - from;
        const title = k.title || k.text || (k.tags ?? []).join(', ');
        return (
          <span key={k.id}>
            <button type="button" aria-label={`${momentText(k.time, zone)} ${title}`} tabIndex={i === at ? 0 : -1} onMouseEnter={() => setOpen(k.id)} onMouseLeave={() => setOpen(undefined)} onFocus={() => { setStop(k.id); setOpen(k.id); }} onBlur={() => setOpen(undefined)}
              style={{ position: 'absolute', left: from - 3, top: box.top + box.height + marksRoom - thick - 1, width: Math.max(7, wide + 6), height: 7, padding: 0, border: 0, borderTop: `${thick}px solid ${themes[mode].visualization.getColorByName(k.color ?? tokens[mode].accent)}`, background: 'none', cursor: 'default' }} />
            {open === k.id && (
              <span className="panel-tip" style={{ bottom: 28, ...(from > box.left + box.width / 2 ? { right: Math.max(0, box.width + box.left - from) } : { left: from }), maxWidth: 320, whiteSpace: 'pre-line' }}>
                <span className="panel-tip-head" style={{ display: 'block' }}>{momentText(k.time, zone)}{k.timeEnd !== undefined && ` – ${momentText(k.timeEnd, zone)}`}</span>
                <b>{k.title}</b>{k.title && k.text ? '\n' : ''}{k.text?.slice(0, 1000)}
                {k.tags && k.tags.length > 0 && <span className="panel-tip-head" style={{ display: 'block' }}>{k.tags.slice(0, 12).join(' · ')}</span>}
              </span>
            )}
          </span>
        );
      })}
    </div>
  );
});
