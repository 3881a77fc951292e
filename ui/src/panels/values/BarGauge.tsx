import { type ReactNode, useMemo } from 'react';

import { themes } from '../../grafana/theme';
import { fade, readable } from '../color';
import type { BodyProps } from '../contract';
import { type FieldDisplay, FieldType, formattedValueToString, getScaleCalculator } from '../data';
import { choice, flag } from '../options';
import { tokens } from '../tokens';
import { em } from './fit';
import { limits, portion, steps } from './limits';
import { linkOf, valuesOf } from './reduce';
import { Figure, figureEm } from './Stat';

/** BarGauge compares values by bars between common limits. */
export function BarGauge(p: BodyProps): ReactNode {
  const o = p.panel.options;
  const values = useMemo(() => valuesOf(p), [p]);
  const asked = choice(o, 'orientation', ['auto', 'horizontal', 'vertical'] as const, 'auto');
  const vertical = asked === 'vertical' || (asked === 'auto' && p.width / Math.max(1, p.height) > 2.4 && values.length * 48 <= p.width && values.length > 1);
  const placed = choice(o, 'namePlacement', ['auto', 'top', 'left', 'hidden'] as const, 'auto');
  const valueMode = choice(o, 'valueMode', ['color', 'text', 'hidden'] as const, 'color');
  const n = Math.max(1, values.length);
  const longest = Math.max(0, ...values.map((v) => em(v.display.title ?? '', 400))) * 12;
  const widest = Math.max(0, ...values.map((v) => figureEm(v.display)));
  if (vertical) {
    const gap = 8;
    const w = Math.max(28, (p.width - gap * (n - 1)) / n);
    const nameH = placed === 'hidden' ? 0 : 18;
    const size = Math.max(11, Math.min(22, w / Math.max(1, widest)));
    const valueH = valueMode === 'hidden' ? 0 : size * 1.25 + 2;
    const h = Math.max(10, p.height - nameH - valueH);
    return (
      <div className="bars" style={{ gap, overflowX: 'auto', height: p.height }}>
        {values.map((v, i) => (
          <Link key={i} v={v} style={{ width: w, flex: 'none', textAlign: 'center' }}>
            {valueMode !== 'hidden' && <div className="bar-value" style={{ height: valueH, color: ink(v, p, valueMode) }}><Figure value={v.display} size={size} /></div>}
            <Bar v={v} p={p} vertical length={h} thick={w} />
            {nameH > 0 && <div className="bar-name muted" style={{ fontSize: 12, lineHeight: `${nameH}px` }}>{v.display.title}</div>}
          </Link>
        ))}
      </div>
    );
  }
  const gap = n > 12 || p.height / n < 28 ? 3 : 6;
  const least = 14;
  const h = Math.max(least, (p.height - gap * (n - 1)) / n);
  const beside = placed === 'left' || (placed === 'auto' && h < 44);
  const nameW = placed === 'hidden' || !beside ? 0 : Math.min(p.width * 0.4, longest + 8);
  const nameH = placed === 'hidden' || beside ? 0 : 18;
  const size = Math.max(10, Math.min(22, (h - nameH) * 0.62));
  const valueW = valueMode === 'hidden' ? 0 : Math.min(p.width * 0.4, widest * size + 10);
  const thick = Math.min(h - nameH, 48);
  return (
    <div className="bars" style={{ flexDirection: 'column', gap, overflowY: 'auto', height: p.height }}>
      {values.map((v, i) => (
        <Link key={i} v={v} style={{ minHeight: h, flex: 'none' }}>
          {nameH > 0 && <div className="bar-name" style={{ fontSize: 12, lineHeight: `${nameH}px` }}>{v.display.title}</div>}
          <div style={{ display: 'flex', alignItems: 'center', height: h - nameH }}>
            {nameW > 0 && <div className="bar-name" style={{ width: nameW, flex: 'none', fontSize: 12, paddingRight: 8, boxSizing: 'border-box', textAlign: 'right', color: tokens[p.mode].muted }} title={v.display.title}>{v.display.title}</div>}
            <Bar v={v} p={p} length={Math.max(10, p.width - nameW - valueW)} thick={thick} />
            {valueW > 0 && <div className="bar-value" style={{ width: valueW, textAlign: 'right', color: ink(v, p, valueMode) }}><Figure value={v.display} size={size} /></div>}
          </div>
        </Link>
      ))}
    </div>
  );
}

function ink(v: FieldDisplay, p: BodyProps, mode: string): string {
  const c = tokens[p.mode];
  return mode === 'text' ? c.text : readable(v.display.color ?? c.text, c.surface, c.text);
}

function Link({ v, style, children }: { v: FieldDisplay; style: React.CSSProperties; children: ReactNode }): ReactNode {
  const link = linkOf(v);
  const title = `${v.display.title ?? ''} ${formattedValueToString(v.display)}`.trim();
  return link ? <a href={link.href} target={link.target} rel={link.rel} title={link.title || title} data-value={v.display.numeric} style={{ ...style, color: 'inherit' }}>{children}</a> : <div title={title} data-value={v.display.numeric} style={style}>{children}</div>;
}

function Bar({ v, p, vertical, length, thick }: { v: FieldDisplay; p: BodyProps; vertical?: boolean; length: number; thick: number }): ReactNode {
  const c = tokens[p.mode];
  const style = choice(p.panel.options, 'displayMode', ['gradient', 'lcd', 'basic'] as const, 'gradient');
  const unfilled = flag(p.panel.options, 'showUnfilled', true);
  const { min, max } = limits(v);
  const at = portion(v.display.numeric, min, max);
  const color = v.display.color ?? c.accent;
  const track = unfilled ? fade(c.line, 0.7) : 'transparent';
  const box = { width: vertical ? thick : length, height: vertical ? length : thick, flex: 'none' as const };
  if (style === 'lcd') {
    const n = Math.max(4, Math.floor(length / 11));
    const one = length / n;
    // Each cell has the colour that a value there would have.
    const calc = getScaleCalculator({ name: '', type: FieldType.number, config: { ...v.field, min, max }, values: [] }, themes[p.mode]);
    return (
      <svg {...box} style={{ display: 'block' }} aria-hidden="true">
        {Array.from({ length: n }, (_, i) => {
          const lit = (i + 0.5) / n <= at;
          const fill = calc(min + ((max - min) * (i + 0.5)) / n).color;
          return <rect key={i} rx={1.5} x={vertical ? 0 : i * one + 1} y={vertical ? length - (i + 1) * one + 1 : 0} width={vertical ? thick : one - 2} height={vertical ? one - 2 : thick} fill={lit ? fill : fade(fill, unfilled ? 0.14 : 0)} />;
        })}
      </svg>
    );
  }
  const filled = length * at;
  const gradient = style === 'gradient' && v.field.color?.mode === 'thresholds' ? scheme(v, p, vertical) : undefined;
  return (
    <div className="bar-track" style={{ ...box, background: track }}>
      <div className="bar-fill" style={{
        ...(vertical ? { left: 0, right: 0, bottom: 0, height: filled } : { left: 0, top: 0, bottom: 0, width: filled }),
        background: gradient ?? (style === 'gradient' ? `linear-gradient(${vertical ? 'to top' : 'to right'}, ${fade(color, 0.55)}, ${color})` : fade(color, 0.35)),
        ...(gradient ? { backgroundSize: vertical ? `100% ${length}px` : `${length}px 100%`, backgroundPosition: vertical ? 'bottom' : 'left', backgroundRepeat: 'no-repeat' } : {}),
        ...(style === 'basic' && filled > 1 ? { [vertical ? 'borderTop' : 'borderRight']: `2px solid ${color}` } : {}),
        boxSizing: 'border-box',
      }} />
    </div>
  );
}

function scheme(v: FieldDisplay, p: BodyProps, vertical?: boolean): string | undefined {
  const list = steps(v, p.mode);
  if (list.length === 0) return undefined;
  return `linear-gradient(${vertical ? 'to top' : 'to right'}, ${list.map((s, i) => `${s.color} ${i === 0 ? 0 : (s.from * 100).toFixed(1)}%`).join(', ')}, ${list.at(-1)!.color} 100%)`;
}
