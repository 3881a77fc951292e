import { type ReactNode, useCallback, useMemo } from 'react';

import { useT } from '../../i18n';
import { fade } from '../color';
import type { BodyProps } from '../contract';
import { type Field, FieldType } from '../data';
import { colorOf, custom, nameOf, textOf } from '../fields';
import { bag, flag, num, text } from '../options';
import { Canvas } from '../plot/Canvas';
import { apart, linear, rangeOf, ticks } from '../plot/scale';
import { Tip, useTip } from '../plot/tip';
import { smallFont, tokens } from '../tokens';
import { em } from '../values/fit';
import { SmallLegend } from './SmallLegend';

const m = { none: { en: 'A chart of x and y needs two number fields in one frame.', zh: 'XY 图需要同一数据帧中有两个数值字段。' } };

/** The most points that are drawn. */
const mostPoints = 50_000;

interface Cloud { name: string; x: Field; y: Field; color: string; n: number }

const matched = (v: unknown): string => text(bag(v, 'matcher'), 'options') || text({ v }, 'v');

/** XYChart puts one number against another. */
export function XYChart(p: BodyProps): ReactNode {
  const t = useT();
  const c = tokens[p.mode];
  const o = p.panel.options;
  const tip = useTip();
  const clouds = useMemo(() => {
    const out: Cloud[] = [];
    const dims = bag(o, 'dims');
    const wanted = Array.isArray(o?.series) ? (o.series as unknown[]).slice(0, 50) : [];
    for (const frame of p.frames) {
      const named = (f: Field): string => nameOf(f, frame, p.frames);
      const find = (name: string): Field | undefined => (name === '' ? undefined : frame.fields.find((f) => named(f) === name || f.name === name));
      const numbers = frame.fields.filter((f) => f.type === FieldType.number || f.type === FieldType.time);
      const rules = wanted.length > 0 && o?.mapping === 'manual' ? wanted.map((s) => ({ x: find(matched((s as { x?: unknown })?.x)), y: find(matched((s as { y?: unknown })?.y)) })) : [];
      const x = rules[0]?.x ?? find(text(dims, 'x')) ?? numbers.find((f) => f.type === FieldType.number) ?? numbers[0];
      if (!x) continue;
      const ys = rules.length > 0 ? rules.flatMap((r) => (r.y ? [r.y] : [])) : numbers.filter((f) => f !== x && f.type === FieldType.number);
      for (const y of ys) out.push({ name: named(y), x, y, color: colorOf(y, p.mode), n: frame.length });
    }
    return out.slice(0, 50);
  }, [p.frames, p.mode, o]);
  const bounds = (pick: 'x' | 'y'): [number, number] => {
    let lo = Infinity;
    let hi = -Infinity;
    for (const k of clouds) for (const v of k[pick].values as unknown[]) if (typeof v === 'number' && Number.isFinite(v)) { lo = Math.min(lo, v); hi = Math.max(hi, v); }
    const f = clouds[0]?.[pick].config;
    return rangeOf(Number.isFinite(lo) ? lo : null, Number.isFinite(hi) ? hi : null, { min: f?.min ?? undefined, max: f?.max ?? undefined });
  };
  const [x0, x1] = useMemo(() => bounds('x'), [clouds]); // eslint-disable-line react-hooks/exhaustive-deps
  const [y0, y1] = useMemo(() => bounds('y'), [clouds]); // eslint-disable-line react-hooks/exhaustive-deps
  const legend = flag(bag(o, 'legend'), 'showLegend', true) && p.height > 110 ? 22 : 0;
  const h = p.height - legend;
  const first = clouds[0];
  const ys = ticks(y0, y1, h / 45);
  const xs = ticks(x0, x1, p.width / 100);
  const yTexts = first ? apart(ys, (v, d) => textOf(first.y, v, p.mode, d)) : [];
  const xTexts = first ? apart(xs, (v, d) => textOf(first.x, v, p.mode, d)) : [];
  const left = Math.max(20, ...yTexts.map((v) => em(v, 400) * 11)) + 10;
  const box = { x: left, y: 6, w: p.width - left - 10, h: h - 28 };
  const draw = useCallback((ctx: CanvasRenderingContext2D) => {
    const x = linear(x0, x1, box.x, box.x + box.w);
    const y = linear(y0, y1, box.y + box.h, box.y);
    ctx.font = smallFont;
    ctx.textBaseline = 'middle';
    ys.forEach((v, i) => { ctx.fillStyle = c.line; ctx.fillRect(box.x, Math.round(y(v)), box.w, 1); ctx.fillStyle = c.muted; ctx.textAlign = 'right'; ctx.fillText(yTexts[i]!, box.x - 6, y(v)); });
    xs.forEach((v, i) => { ctx.fillStyle = c.line; ctx.fillRect(Math.round(x(v)), box.y, 1, box.h); ctx.fillStyle = c.muted; ctx.textAlign = 'center'; ctx.fillText(xTexts[i]!, x(v), box.y + box.h + 13); });
    for (const k of clouds) {
      const cfg = custom(k.y);
      const size = num(bag(cfg, 'pointSize'), 'fixed') ?? num(cfg, 'pointSize') ?? 5;
      const lines = /lines/.test(text(cfg, 'show'));
      ctx.fillStyle = fade(k.color, 0.7);
      ctx.strokeStyle = k.color;
      ctx.beginPath();
      for (let i = 0; i < Math.min(k.n, mostPoints); i++) {
        const a = k.x.values[i] as unknown;
        const b = k.y.values[i] as unknown;
        if (typeof a !== 'number' || typeof b !== 'number') continue;
        if (lines) ctx.lineTo(x(a), y(b));
        else { ctx.moveTo(x(a) + size / 2, y(b)); ctx.arc(x(a), y(b), size / 2, 0, 2 * Math.PI); }
      }
      if (lines) ctx.stroke();
      else ctx.fill();
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [clouds, x0, x1, y0, y1, box.x, box.w, box.h, c]);
  if (!first) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  return (
    <>
      <Canvas width={p.width} height={h} draw={draw} label={p.panel.title ?? ''} onLeave={() => tip.set(undefined)}
        onMove={(px, py) => {
          const x = linear(x0, x1, box.x, box.x + box.w);
          const y = linear(y0, y1, box.y + box.h, box.y);
          let best: { k: Cloud; i: number; d: number } | undefined;
          for (const k of clouds) for (let i = 0; i < Math.min(k.n, mostPoints); i++) {
            const d = (x(k.x.values[i] as number) - px) ** 2 + (y(k.y.values[i] as number) - py) ** 2;
            if (d < 400 && (!best || d < best.d)) best = { k, i, d };
          }
          tip.set(best && { x: px, y: py, head: best.k.name, rows: [{ name: best.k.x.state?.displayName ?? best.k.x.name, text: textOf(best.k.x, best.k.x.values[best.i], p.mode) }, { name: best.k.name, text: textOf(best.k.y, best.k.y.values[best.i], p.mode), color: best.k.color, square: true }] });
        }}>
        <Tip store={tip} width={p.width} height={h} />
      </Canvas>
      {legend > 0 && <SmallLegend items={clouds} height={legend} />}
    </>
  );
}
