import { type ReactNode, useMemo } from 'react';

import { useT } from '../../i18n';
import { inkOn, mix, readable } from '../color';
import type { BodyProps } from '../contract';
import { type DisplayValue, type FieldDisplay, formattedValueToString } from '../data';
import { bag, choice, flag, num } from '../options';
import { tokens } from '../tokens';
import { cells, em, fit } from './fit';
import { linkOf, mostValues, valuesOf } from './reduce';
import { Spark } from './Spark';

/** The smallest size of a value, in pixels. */
const least = 12;

const m = { more: { en: 'The first {n} values are shown.', zh: '仅显示前 {n} 个值。' } };

/** Figure is a value with its unit beside it, lighter. */
export function Figure({ value, size, wrap }: { value: DisplayValue; size: number; wrap?: boolean }): ReactNode {
  return (
    <span className="figure-value" data-wrap={wrap || undefined} style={{ fontSize: size }}>
      {value.prefix && <small className="before">{value.prefix.trim()}</small>}
      {value.text}
      {value.suffix && <small>{value.suffix.trim()}</small>}
    </span>
  );
}

/** figureEm is how wide a figure is, in units of its size. */
export function figureEm(v: DisplayValue): number {
  return em(v.text) + 0.6 * (em((v.suffix ?? '').trim(), 400) + em((v.prefix ?? '').trim(), 400)) + (v.suffix ? 0.14 : 0) + (v.prefix ? 0.14 : 0);
}

/** Stat shows values large, with what they were. */
export function Stat(p: BodyProps): ReactNode {
  const t = useT();
  const o = p.panel.options;
  const graph = choice(o, 'graphMode', ['area', 'none', 'line'] as const, 'area') !== 'none';
  const change = flag(o, 'showPercentChange');
  const values = useMemo(() => valuesOf(p, { sparkline: graph, percentChange: change }), [p, graph, change]);
  const { columns, rows } = cells(values.length, p.width, p.height, choice(o, 'orientation', ['auto', 'horizontal', 'vertical'] as const, 'auto'));
  const gap = 4;
  const note = values.length >= mostValues ? 16 : 0;
  const w = (p.width - gap * (columns - 1)) / columns;
  // One row of values has what room there is; of several that do not fit, the others are scrolled to.
  const h = rows === 1 ? p.height - note : Math.max(44, (p.height - note - gap * (rows - 1)) / rows);
  const mode = choice(o, 'textMode', ['auto', 'value', 'value_and_name', 'name', 'none'] as const, 'auto');
  const named = mode === 'value_and_name' || (mode === 'auto' && values.length > 1);
  const sizes = bag(o, 'text');
  const low = h < 44;
  const inner = { w: w - 16, h: h - (low ? 0 : 8) };
  const widest = Math.max(0.5, ...values.map((v) => (mode === 'name' ? em(v.display.title ?? '') : figureEm(v.display))));
  // Beside its name a value has half of the room, which a long one needs all of.
  const wide = flag(o, 'wideLayout', true) && named && inner.w > inner.h * 4 && widest * least < inner.w * 0.55;
  const nameSize = num(sizes, 'titleSize') ?? Math.max(11, Math.min(16, h * 0.16));
  const room = { w: wide ? inner.w * 0.55 : inner.w, h: (inner.h - (named && !wide ? nameSize * 1.3 : 0)) * (graph && values.some((v) => v.sparkline) ? 0.62 : 0.8) };
  // One size for all, so that they can be compared.
  const size = Math.floor(num(sizes, 'valueSize') ?? Math.max(least, Math.min(56, room.h, (room.w / widest) * 0.88)));
  // What is legible and still too wide goes over lines: half a number is a wrong one.
  const wrap = widest * size > room.w;
  return (
    <div style={{ height: p.height, overflow: note > 0 ? 'auto' : 'hidden' }} tabIndex={note > 0 ? 0 : undefined}>
      {note > 0 && <div className="panel-note">{t(m.more, { n: mostValues })}</div>}
      <div className="figures" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gridAutoRows: `${Math.floor(h)}px`, gap }}>
        {values.map((v, i) => <Cell key={i} v={v} p={p} w={w} h={h} size={size} wrap={wrap} nameSize={nameSize} named={named} wide={wide} mode={mode} graph={graph} />)}
      </div>
    </div>
  );
}

function Cell({ v, p, w, h, size, wrap, nameSize, named, wide, mode, graph }: { v: FieldDisplay; p: BodyProps; w: number; h: number; size: number; wrap: boolean; nameSize: number; named: boolean; wide: boolean; mode: string; graph: boolean }): ReactNode {
  const c = tokens[p.mode];
  const o = p.panel.options;
  const colorMode = choice(o, 'colorMode', ['value', 'background', 'background_solid', 'none'] as const, 'value');
  const color = v.display.color ?? c.text;
  const filled = colorMode === 'background' || colorMode === 'background_solid';
  const ink = filled ? inkOn(color) : colorMode === 'none' ? c.text : readable(color, c.surface, c.text);
  const justify = choice(o, 'justifyMode', ['auto', 'center'] as const, 'auto');
  const centered = justify === 'center' || (!named && !(graph && v.sparkline) && p.panel.options?.justifyMode === 'auto');
  const link = linkOf(v);
  const Tag = link ? 'a' : 'div';
  const title = v.display.title ?? '';
  const pc = v.display.percentChange;
  const body = (
    <>
      {graph && v.sparkline && (
        <div className="figure-spark"><Spark values={v.sparkline.y.values as number[]} width={Math.floor(w)} height={Math.floor(h * 0.34)} color={filled ? ink : colorMode === 'none' ? c.muted : color} min={v.field.min ?? undefined} max={v.field.max ?? undefined} /></div>
      )}
      <div className="figure-text" style={{ color: ink, padding: h < 44 ? '0 8px' : '4px 8px', textAlign: centered ? 'center' : 'left', ...(wide ? { flexDirection: 'row', alignItems: 'center', justifyContent: 'space-between' } : { justifyContent: graph && v.sparkline ? 'flex-start' : 'center' }) }}>
        {named && mode !== 'none' && <span className="figure-name" title={title} style={{ fontSize: nameSize, color: filled ? ink : c.muted }}>{title}</span>}
        {mode === 'name' ? <span className="figure-value" data-wrap={wrap || undefined} style={{ fontSize: fit(title, w - 16, h - 8, 40) }}>{title}</span> : mode !== 'none' && <Figure value={v.display} size={size} wrap={wrap} />}
        {pc !== undefined && Number.isFinite(pc) && <span className="figure-change">{pc >= 0 ? '↑' : '↓'} {Math.abs(pc * 100).toPrecision(3)}%</span>}
      </div>
    </>
  );
  return (
    <Tag className="figure-cell" {...(link ? { href: link.href, target: link.target, rel: link.rel } : {})} title={link?.title || `${title} ${formattedValueToString(v.display)}`.trim()} data-value={v.display.numeric}
      style={filled ? { background: colorMode === 'background' ? `linear-gradient(120deg, ${color}, ${mix(color, c.text, 0.12)})` : color } : undefined}>
      {body}
    </Tag>
  );
}
