import type { ReactNode } from 'react';

import { fade } from '../color';
import { stepAxis } from '../plot/axis';
import { useHairline } from '../plot/Hairline';
import { apart, linear, rangeOf, ticks } from '../plot/scale';
import { Tip, useTip } from '../plot/tip';
import { em } from '../values/fit';

export interface BarSeries {
  name: string;
  color: string;
  values: (number | null)[];
  text: (v: number, decimals?: number) => string;
  colors?: (string | undefined)[];
  fill: number;
}

export interface BarsProps {
  width: number;
  height: number;
  mode: 'dark' | 'light';
  categories: string[];
  series: BarSeries[];
  stacking: 'none' | 'normal' | 'percent';
  horizontal?: boolean;
  showValue?: boolean;
  /** How much of its room a group takes, from 0 to 1. */
  groupWidth?: number;
  barWidth?: number;
  min?: number;
  max?: number;
  label: string;
  /** The moments of the categories, where they are such; the crosshair is then shared. */
  times?: number[];
  sync?: string;
}

/** Bars draws bars for categories: beside each other, or stacked. */
export function Bars(p: BarsProps): ReactNode {
  const tip = useTip();
  const { series, categories } = p;
  const n = categories.length;
  const totals = categories.map((_, i) => series.reduce((a, s) => a + Math.abs(s.values[i] ?? 0), 0));
  const value = (s: BarSeries, i: number): number => {
    const v = s.values[i] ?? 0;
    return p.stacking === 'percent' ? (totals[i] ? v / totals[i]! : 0) : v;
  };
  let lo = 0;
  let hi = 0;
  for (let i = 0; i < n; i++) {
    let up = 0;
    let down = 0;
    for (const s of series) {
      const v = value(s, i);
      if (p.stacking === 'none') {
        up = Math.max(up, v);
        down = Math.min(down, v);
      } else if (v >= 0) up += v;
      else down += v;
    }
    lo = Math.min(lo, down);
    hi = Math.max(hi, up);
  }
  const [a, b] = rangeOf(lo, hi, { min: p.min, max: p.stacking === 'percent' ? 1 : p.max, zero: true });
  const format = (v: number, d?: number): string => (p.stacking === 'percent' ? `${Math.round(v * 100)}%` : (series[0]?.text(v, d) ?? String(v)));
  const steps = ticks(a, b, (p.horizontal ? p.width / 90 : p.height / 45));
  const stepTexts = apart(steps, format);
  const names = Math.max(0, ...categories.map((x) => em(x, 400))) * 11;
  const left = p.horizontal ? Math.min(p.width * 0.35, names + 10) : Math.max(...stepTexts.map((x) => em(x, 400) * 11), 10) + 10;
  const room = (p.width - left - 8) / Math.max(1, n);
  const slanted = !p.horizontal && names > room - 6;
  const bottom = p.horizontal ? 20 : slanted ? Math.min(p.height * 0.3, Math.max(24, names * 0.6 + 12)) : 20;
  const box = { x: left, y: 6, w: Math.max(10, p.width - left - 8), h: Math.max(10, p.height - bottom - 6) };
  const pos = p.horizontal ? linear(a, b, box.x, box.x + box.w) : linear(a, b, box.y + box.h, box.y);
  const one = (p.horizontal ? box.h : box.w) / Math.max(1, n);
  const group = one * (p.groupWidth ?? 0.72);
  const bar = p.stacking === 'none' ? group / Math.max(1, series.length) : group;
  const hairline = useHairline(p.sync, p.times && !p.horizontal ? stepAxis(p.times, box) : undefined);
  const every = Math.max(1, Math.ceil((p.horizontal ? 14 : slanted ? 14 : 0) / one));
  const rects: ReactNode[] = [];
  for (let i = 0; i < n; i++) {
    let up = 0;
    let down = 0;
    series.forEach((s, k) => {
      const raw = s.values[i];
      if (raw === null || raw === undefined || !Number.isFinite(raw)) return;
      const v = value(s, i);
      const from = p.stacking === 'none' ? 0 : v >= 0 ? up : down;
      if (v >= 0) up += v;
      else down += v;
      const p0 = pos(Math.max(a, Math.min(b, from)));
      const p1 = pos(Math.max(a, Math.min(b, from + v)));
      const start = (p.horizontal ? box.y : box.x) + i * one + (one - group) / 2 + (p.stacking === 'none' ? k * bar : 0);
      const thick = Math.max(1, bar * (p.barWidth ?? 0.94));
      const color = s.colors?.[i] ?? s.color;
      const r = p.horizontal ? { x: Math.min(p0, p1), y: start, width: Math.abs(p1 - p0), height: thick } : { x: start, y: Math.min(p0, p1), width: thick, height: Math.abs(p1 - p0) };
      rects.push(
        <g key={`${i} ${k}`} data-value={raw}>
          <rect {...r} fill={fade(color, s.fill)} rx={Math.min(2, thick / 4)} />
          {p.showValue && thick > 10 && (p.horizontal
            ? <text className="axis-text" x={Math.min(p1 + 4, box.x + box.w)} y={start + thick / 2 + 4} textAnchor={p1 > box.x + box.w - 40 ? 'end' : 'start'}>{s.text(raw)}</text>
            : em(s.text(raw), 400) * 11 < thick + 14 && <text className="axis-text" x={start + thick / 2} y={Math.max(10, Math.min(p0, p1) - 3)} textAnchor="middle">{s.text(raw)}</text>)}
        </g>,
      );
    });
  }
  return (
    <div className="plot" style={{ width: p.width, height: p.height }} onPointerLeave={() => { hairline.left(); tip.set(undefined); }}
      onPointerMove={(e) => {
        const r = e.currentTarget.getBoundingClientRect();
        const px = e.clientX - r.left;
        const py = e.clientY - r.top;
        hairline.moved(px);
        const i = Math.floor(p.horizontal ? (py - box.y) / one : (px - box.x) / one);
        if (i < 0 || i >= n) return tip.set(undefined);
        const rows = series.flatMap((s) => (typeof s.values[i] === 'number' ? [{ name: s.name, text: s.text(s.values[i]!), color: s.colors?.[i] ?? s.color, square: true }] : []));
        tip.set({ x: px, y: py, head: categories[i], rows: rows.slice(0, 20), rest: Math.max(0, rows.length - 20) });
      }}>
      <svg width={p.width} height={p.height} role="img" aria-label={p.label} style={{ display: 'block' }}>
        {steps.map((s, i) => (p.horizontal ? (
          <g key={i}><line className="grid-line" x1={pos(s)} x2={pos(s)} y1={box.y} y2={box.y + box.h} /><text className="axis-text" x={pos(s)} y={box.y + box.h + 14} textAnchor="middle">{stepTexts[i]}</text></g>
        ) : (
          <g key={i}><line className="grid-line" x1={box.x} x2={box.x + box.w} y1={pos(s)} y2={pos(s)} /><text className="axis-text" x={box.x - 6} y={pos(s) + 4} textAnchor="end">{stepTexts[i]}</text></g>
        )))}
        {rects}
        {categories.map((name, i) => {
          if (i % every !== 0) return null;
          const mid = (p.horizontal ? box.y : box.x) + (i + 0.5) * one;
          const most = Math.max(3, Math.floor((p.horizontal ? left : slanted ? bottom * 1.6 : Math.max(room, 30)) / 6.2));
          const text = name.length > most ? `${name.slice(0, most - 1)}…` : name;
          return p.horizontal ? <text key={i} className="axis-text" x={box.x - 6} y={mid + 4} textAnchor="end">{text}</text>
            : <text key={i} className="axis-text" x={mid} y={box.y + box.h + 14} textAnchor={slanted ? 'end' : 'middle'} transform={slanted ? `rotate(-35 ${mid} ${box.y + box.h + 10})` : undefined}>{text}</text>;
        })}
      </svg>
      {hairline.line}
      <Tip store={tip} width={p.width} height={p.height} />
    </div>
  );
}
