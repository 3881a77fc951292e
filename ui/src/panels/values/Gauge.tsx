import { arc } from 'd3-shape';
import { type ReactNode, useMemo } from 'react';

import { readable } from '../color';
import type { BodyProps } from '../contract';
import { type FieldDisplay, formattedValueToString, getValueFormat } from '../data';
import { choice, flag } from '../options';
import { tokens } from '../tokens';
import { cells } from './fit';
import { limits, portion, steps } from './limits';
import { linkOf, valuesOf } from './reduce';
import { figureEm } from './Stat';

const open = Math.PI * 0.72;

/** Gauge shows how far values are between their limits. */
export function Gauge(p: BodyProps): ReactNode {
  const o = p.panel.options;
  const values = useMemo(() => valuesOf(p), [p]);
  const { columns, rows } = cells(values.length, p.width, p.height, choice(o, 'orientation', ['auto', 'horizontal', 'vertical'] as const, 'auto'), 1.25);
  const w = Math.max(72, p.width / columns);
  const h = Math.max(64, p.height / rows);
  const scrolls = rows * Math.floor(h) > p.height || columns * Math.floor(w) > p.width;
  return (
    <div style={{ height: p.height, overflow: scrolls ? 'auto' : 'hidden' }} tabIndex={scrolls ? 0 : undefined}>
      <div className="figures" style={{ gridTemplateColumns: `repeat(${columns}, minmax(${Math.floor(w)}px, 1fr))`, gridAutoRows: `${Math.floor(h)}px` }}>
        {values.map((v, i) => <Dial key={i} v={v} p={p} w={Math.floor(w)} h={Math.floor(h)} named={values.length > 1 || v.display.title !== undefined && p.panel.title !== v.display.title && values.length > 1} />)}
      </div>
    </div>
  );
}

function Dial({ v, p, w, h, named }: { v: FieldDisplay; p: BodyProps; w: number; h: number; named: boolean }): ReactNode {
  const c = tokens[p.mode];
  const name = named ? Math.min(18, h * 0.16) : 0;
  const r = Math.max(10, Math.min(w / 2 - 6, (h - name - 6) / 1.68));
  const thick = Math.max(5, r * 0.17);
  const cx = w / 2;
  const cy = r + 3 + Math.max(0, (h - name - r * 1.68) / 2 - 3);
  const markers = flag(p.panel.options, 'showThresholdMarkers', true);
  const labels = flag(p.panel.options, 'showThresholdLabels');
  const { min, max } = limits(v);
  const at = portion(v.display.numeric, min, max);
  const angle = (x: number): number => -open + 2 * open * x;
  const make = (inner: number, outer: number, from: number, to: number, round = 0): string => arc().cornerRadius(round)({ innerRadius: inner, outerRadius: outer, startAngle: angle(from), endAngle: angle(to) }) ?? '';
  const outer = markers ? r - Math.max(3, thick * 0.28) - 1.5 : r;
  const inner = outer - thick;
  const marks = steps(v, p.mode);
  const color = v.display.color ?? c.accent;
  const size = Math.min(40, (inner * 1.62) / Math.max(1, figureEm(v.display)), inner * 0.62);
  const link = linkOf(v);
  const title = v.display.title ?? '';
  const words = `${title} ${formattedValueToString(v.display)}`.trim();
  const svg = (
    <svg width={w} height={h} role="img" aria-label={words} style={{ display: 'block' }}>
      <g transform={`translate(${cx} ${cy})`}>
        <path d={make(inner, outer, 0, 1, 2)} fill={c.line} />
        {Number.isFinite(v.display.numeric) && at > 0 && <path d={make(inner, outer, 0, at, 2)} fill={color} />}
        {markers && marks.map((s, i) => <path key={i} d={make(r - Math.max(3, thick * 0.28), r, s.from, s.to)} fill={s.color} />)}
        {labels && marks.filter((s) => s.from > 0).map((s, i) => (
          <text key={i} className="axis-text" textAnchor="middle" x={Math.sin(angle(s.from)) * (inner - 10)} y={-Math.cos(angle(s.from)) * (inner - 10) + 4}>{formattedValueToString(getValueFormat(v.field.unit ?? 'none')(s.value, v.field.decimals))}</text>
        ))}
        <text textAnchor="middle" y={size * 0.35} fill={readable(color, c.surface, c.text)} fontSize={size} fontWeight={600}>
          {v.display.prefix && <tspan fontSize={size * 0.6} fontWeight={400}>{v.display.prefix}</tspan>}
          {v.display.text}
          {v.display.suffix && <tspan fontSize={size * 0.6} fontWeight={400} dx={size * 0.1}>{v.display.suffix.trim()}</tspan>}
        </text>
      </g>
      {named && <text x={cx} y={Math.min(h - 4, cy + r * 0.68 + name)} textAnchor="middle" fontSize={Math.max(11, name * 0.75)} fill={c.muted}>{title.length > w / 6 ? `${title.slice(0, Math.floor(w / 6) - 1)}…` : title}</text>}
    </svg>
  );
  return link ? <a className="figure-cell" href={link.href} target={link.target} rel={link.rel} title={link.title || words} data-value={v.display.numeric}>{svg}</a> : <div className="figure-cell" title={words} data-value={v.display.numeric}>{svg}</div>;
}
