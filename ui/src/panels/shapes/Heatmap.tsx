import { type ReactNode, useCallback, useMemo } from 'react';

import { useT } from '../../i18n';
import { fade, ramp } from '../color';
import type { BodyProps } from '../contract';
import { formattedValueToString, getValueFormat } from '../data';
import { textOf } from '../fields';
import { bag, choice, flag, num, text } from '../options';
import { rangeAxis } from '../plot/axis';
import { Canvas } from '../plot/Canvas';
import { momentText, timeTicks } from '../plot/scale';
import { Tip, useTip } from '../plot/tip';
import { smallFont, tokens } from '../tokens';
import { em } from '../values/fit';
import { cellsOf, shade } from './buckets';

const m = {
  none: { en: 'There are no buckets in this data, or more than can be drawn.', zh: '数据中没有桶，或数量超出可绘制范围。' },
  count: { en: 'Count', zh: '数量' },
  label: { en: '{title}: heatmap of {rows} buckets', zh: '{title}：{rows} 个桶的热力图' },
};

/** Heatmap shows how many were where, over time. */
export function Heatmap(p: BodyProps): ReactNode {
  const t = useT();
  const c = tokens[p.mode];
  const o = p.panel.options;
  const cells = useMemo(() => cellsOf(p.frames, o), [p.frames, o]);
  const tip = useTip();
  const color = bag(o, 'color');
  const y = bag(o, 'yAxis');
  const colors = useMemo(() => (choice(color, 'mode', ['scheme', 'opacity'] as const, 'scheme') === 'opacity'
    ? Array.from({ length: 64 }, (_, i) => fade(text(color, 'fill', c.accent).startsWith('#') ? text(color, 'fill') : c.accent, i / 63))
    : ramp(text(color, 'scheme', 'Oranges'), num(color, 'steps') ?? 64, p.mode, flag(color, 'reverse'))), [color, c.accent, p.mode]);
  const atMost = num(bag(o, 'filterValues'), 'le') ?? 1e-9;
  const { lo, hi } = useMemo(() => {
    let a = Infinity;
    let b = -Infinity;
    for (const v of cells?.counts ?? []) if (v > atMost) { a = Math.min(a, v); b = Math.max(b, v); }
    return { lo: num(color, 'min') ?? (Number.isFinite(a) ? Math.min(a, 0) : 0), hi: num(color, 'max') ?? (Number.isFinite(b) ? b : 1) };
  }, [cells, color, atMost]);
  const exponent = color.scale === 'linear' ? 1 : color.mode === 'opacity' || color.scale === 'exponential' ? Math.max(0.05, Math.min(5, num(color, 'exponent') ?? 0.5)) : 1;
  const unit = text(y, 'unit') || undefined;
  const names = useMemo(() => cells?.rows.map((r) => (r.high !== undefined && Number.isFinite(r.high) && unit ? formattedValueToString(getValueFormat(unit)(r.high, num(y, 'decimals'))) : r.high === Infinity ? '+Inf' : r.name)) ?? [], [cells, unit, y]);
  const legend = flag(bag(o, 'legend'), 'show', true) && p.height > 120 ? 22 : 0;
  const left = y.axisPlacement === 'hidden' ? 4 : Math.min(p.width * 0.3, Math.max(20, ...names.map((n) => em(n, 400) * 11)) + 8);
  const box = { x: left, y: 6, w: p.width - left - 8, h: p.height - legend - 28 };
  const reverse = flag(y, 'reverse');
  const { from, to } = p.range;
  const x = useCallback((at: number) => box.x + ((at - from) / (to - from)) * box.w, [box.x, box.w, from, to]);
  const draw = useCallback((ctx: CanvasRenderingContext2D) => {
    if (!cells || box.h < 10) return;
    const n = cells.rows.length;
    const rowH = box.h / n;
    const gap = Math.max(0, Math.min(4, num(o, 'cellGap') ?? 1));
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.x, box.y, box.w, box.h);
    ctx.clip();
    cells.times.forEach((time, i) => {
      const x1 = x(time);
      const x0 = x(time - cells.step);
      if (x1 < box.x || x0 > box.x + box.w) return;
      const g = x1 - x0 > 4 && rowH > 4 ? gap : 0;
      for (let r = 0; r < n; r++) {
        const v = cells.counts[i * n + r]!;
        if (!(v > atMost)) continue;
        ctx.fillStyle = colors[Math.round(shade(v, lo, hi, exponent) * (colors.length - 1))]!;
        const top = box.y + (reverse ? r : n - 1 - r) * rowH;
        ctx.fillRect(x0 + g / 2, top + g / 2, Math.max(0.7, x1 - x0 - g), Math.max(0.7, rowH - g));
      }
    });
    ctx.restore();
    ctx.font = smallFont;
    ctx.fillStyle = c.muted;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'right';
    if (y.axisPlacement !== 'hidden') {
      const every = Math.max(1, Math.ceil(16 / rowH));
      names.forEach((name, r) => { if (r % every === 0) ctx.fillText(name, box.x - 6, box.y + (reverse ? r + 0.5 : n - r - 0.5) * rowH, left - 6); });
    }
    ctx.textAlign = 'center';
    for (const k of timeTicks(from, to, Math.max(2, box.w / 90), p.zone)) ctx.fillText(k.text, Math.min(x(k.at), box.x + box.w - 8), box.y + box.h + 13);
  }, [cells, box.x, box.y, box.w, box.h, c.muted, colors, lo, hi, exponent, atMost, names, reverse, left, x, from, to, p.zone, o, y.axisPlacement]);
  if (!cells) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  const count = (v: number): string => (cells.field ? textOf(cells.field, v, p.mode) : String(v));
  return (
    <>
      <Canvas width={p.width} height={p.height - legend} draw={draw} label={t(m.label, { title: p.panel.title ?? '', rows: cells.rows.length })}
        axis={rangeAxis(p.range, box)} sync={p.sync} onZoom={p.onZoom}
        onLeave={() => tip.set(undefined)}
        onMove={(px, py) => {
          const at = from + ((px - box.x) / box.w) * (to - from);
          const i = cells.times.findIndex((v) => v >= at);
          const up = Math.floor(((py - box.y) / box.h) * cells.rows.length);
          const r = reverse ? up : cells.rows.length - 1 - up;
          const v = cells.counts[i * cells.rows.length + r];
          if (i < 0 || px < box.x || r < 0 || r >= cells.rows.length || v === undefined || Number.isNaN(v) || cells.times[i]! - at > cells.step) return tip.set(undefined);
          const before = names[r - 1];
          tip.set({ x: px, y: py, head: momentText(cells.times[i]!, p.zone), rows: [{ name: cells.rows[r]!.high !== undefined ? `${before ?? 0} – ${names[r]}` : names[r]!, text: count(v), color: colors[Math.round(shade(v, lo, hi, exponent) * (colors.length - 1))], square: true }] });
        }}>
        <Tip store={tip} width={p.width} height={p.height} />
      </Canvas>
      {legend > 0 && (
        <div className="legend" style={{ display: 'flex', alignItems: 'center', gap: 8, height: legend, paddingLeft: left, overflow: 'hidden' }} aria-label={t(m.count)}>
          <span className="muted">{count(lo)}</span>
          <span style={{ width: Math.min(200, p.width / 3), height: 8, borderRadius: 2, background: `linear-gradient(to right, ${colors.filter((_, i) => i % Math.ceil(colors.length / 16) === 0).join(', ')})` }} />
          <span className="muted">{count(hi)}</span>
        </div>
      )}
    </>
  );
}
