import { type ReactNode, useState } from 'react';

import { useT } from '../../i18n';
import type { BodyProps } from '../contract';
import { num } from '../options';
import { Grid } from './Grid';

const m = { frame: { en: 'Show', zh: '显示' } };

/** Table shows one frame at a time, and offers the others. */
export function Table(p: BodyProps): ReactNode {
  const t = useT();
  const frames = p.frames.filter((f) => f.fields.length > 0);
  const [chosen, setChosen] = useState<number>();
  const at = Math.max(0, Math.min(frames.length - 1, chosen ?? num(p.panel.options, 'frameIndex') ?? 0));
  const frame = frames[at];
  if (!frame) return null;
  const more = frames.length > 1 ? 28 : 0;
  return (
    <>
      {more > 0 && (
        <div className="gt-tools">
          <label>{t(m.frame)} <select value={at} onChange={(e) => setChosen(Number(e.target.value))}>
            {frames.slice(0, 500).map((f, i) => <option key={i} value={i}>{f.name || f.fields.find((x) => x.state?.displayName && x.type === 'number')?.state?.displayName || f.refId || i + 1}</option>)}
          </select></label>
        </div>
      )}
      <Grid key={at} p={p} frame={frame} height={p.height - more} />
    </>
  );
}
