import { type ReactNode, useMemo, useRef, useState } from 'react';

import { useT } from '../../i18n';
import { useRows } from '../../ui/rows';
import { calculate, type Calculations, type Line } from './frames';

const m = {
  series: { en: 'Series ({n})', zh: '序列（{n}）' },
  last: { en: 'last', zh: '最新' },
  max: { en: 'max', zh: '最大' },
  mean: { en: 'mean', zh: '平均' },
  hint: { en: 'Click shows one alone, Ctrl+click takes it in or out', zh: '单击单独显示，Ctrl+单击切换显示' },
};

/** Legend lists all series with their figures; only the rows in sight exist. */
export function Legend({ lines, keys, colors, hidden, prefix, onToggle, format }: {
  lines: Line[]; keys: string[]; colors: string[]; hidden: ReadonlySet<string>; prefix: boolean; onToggle: (key: string, one: boolean) => void; format: (v: number) => string;
}): ReactNode {
  const t = useT();
  const scroll = useRef<HTMLDivElement>(null);
  const [by, setBy] = useState<keyof Calculations | ''>('');
  const figures = useMemo(() => lines.map((l) => calculate(l.values)), [lines]);
  const order = useMemo(() => {
    const out = lines.map((_, i) => i);
    return by === '' ? out : out.sort((a, b) => (figures[b]![by] ?? -Infinity) - (figures[a]![by] ?? -Infinity));
  }, [lines, figures, by]);
  const rows = useRows(scroll, order.length, 26);
  return (
    <div className="explore-legend" ref={scroll} tabIndex={0} role="group" aria-label={t(m.series, { n: lines.length })}>
      <div className="explore-legend-row explore-legend-head">
        <button type="button" style={{ textAlign: 'left' }} title={t(m.hint)} onClick={() => setBy('')}>{t(m.series, { n: lines.length })}</button>
        {(['last', 'max', 'mean'] as const).map((c) => <button key={c} type="button" aria-pressed={by === c} onClick={() => setBy(by === c ? '' : c)}>{t(m[c])}{by === c ? ' ↓' : ''}</button>)}
      </div>
      <div style={{ height: rows.total, position: 'relative' }}>
        {rows.seen.map((row) => {
          const i = order[row.index]!;
          const line = lines[i]!;
          const f = figures[i]!;
          return (
            <button key={keys[i]} type="button" className="explore-legend-row" aria-pressed={!hidden.has(keys[i]!)} title={line.name}
              style={{ position: 'absolute', top: 0, left: 0, transform: `translateY(${row.start}px)` }} onClick={(e) => onToggle(keys[i]!, e.ctrlKey || e.metaKey)}>
              <span className="ellipsis"><span className="swatch" style={{ background: colors[i] }} />{prefix && <b>{line.ref} </b>}{line.name}</span>
              {(['last', 'max', 'mean'] as const).map((c) => <span key={c}>{f[c] === undefined ? '–' : format(f[c])}</span>)}
            </button>
          );
        })}
      </div>
    </div>
  );
}
