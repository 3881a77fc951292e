import { memo, type ReactNode, useState } from 'react';

import { type Mode, themes } from '../../grafana/theme';
import type { Range, Zone } from '../../time/range';
import type { Mark } from '../contract';
import { momentText } from '../plot/scale';
import { tokens } from '../tokens';

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Markers are the handles of annotations below the drawing; they say what happened. */
export const Markers = memo(function Markers({ marks, box, range, zone, mode }: { marks: Mark[]; box: Box; range: Range; zone: Zone; mode: Mode }): ReactNode {
  const [open, setOpen] = useState<string>();
  const seen = marks.filter((k) => k.time <= range.to && (k.timeEnd ?? k.time) >= range.from).slice(0, 200);
  const x = (at: number): number => box.left + (Math.max(0, Math.min(1, (at - range.from) / (range.to - range.from))) * box.width);
  return seen.map((k) => {
    const from = x(k.time);
    const wide = k.timeEnd === undefined ? 0 : x(k.timeEnd) - from;
    const title = k.title || k.text || (k.tags ?? []).join(', ');
    return (
      <span key={k.id}>
        <button type="button" aria-label={`${momentText(k.time, zone)} ${title}`} onMouseEnter={() => setOpen(k.id)} onMouseLeave={() => setOpen(undefined)} onFocus={() => setOpen(k.id)} onBlur={() => setOpen(undefined)}
          style={{ position: 'absolute', left: from - 3, top: box.top + box.height - 1, width: Math.max(7, wide + 6), height: 7, padding: 0, border: 0, borderTop: `3px solid ${themes[mode].visualization.getColorByName(k.color ?? tokens[mode].accent)}`, background: 'none', cursor: 'default' }} />
        {open === k.id && (
          <span className="panel-tip" style={{ bottom: 28, ...(from > box.left + box.width / 2 ? { right: Math.max(0, box.width + box.left - from) } : { left: from }), maxWidth: 320, whiteSpace: 'pre-line' }}>
            <span className="panel-tip-head" style={{ display: 'block' }}>{momentText(k.time, zone)}{k.timeEnd !== undefined && ` – ${momentText(k.timeEnd, zone)}`}</span>
            <b>{k.title}</b>{k.title && k.text ? '\n' : ''}{k.text?.slice(0, 1000)}
            {k.tags && k.tags.length > 0 && <span className="panel-tip-head" style={{ display: 'block' }}>{k.tags.slice(0, 12).join(' · ')}</span>}
          </span>
        )}
      </span>
    );
  });
});
