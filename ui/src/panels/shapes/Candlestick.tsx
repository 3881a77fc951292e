import { type ReactNode, useCallback, useMemo } from 'react';

import { useT } from '../../i18n';
import { themes } from '../../grafana/theme';
import type { BodyProps } from '../contract';
import { FieldType } from '../data';
import { nameOf, textOf } from '../fields';
import { bag, text } from '../options';
import { rangeAxis } from '../plot/axis';
import { Canvas } from '../plot/Canvas';
import { apart, linear, momentText, rangeOf, ticks, timeTicks } from '../plot/scale';
import { Tip, useTip } from '../plot/tip';
import { smallFont, tokens } from '../tokens';
import { em } from '../values/fit';

const m = { none: { en: 'A candlestick needs fields for open, high, low and close.', zh: '蜡烛图需要 open、high、low、close 字段。' } };
const roles = ['open', 'high', 'low', 'close'] as const;

/** Candlestick draws what opened, rose, fell and closed. */
export function Candlestick(p: BodyProps): ReactNode {
  const t = useT();
  const c = tokens[p.mode];
  const o = p.panel.options;
  const tip = useTip();
  const { from, to } = p.range;
  const found = useMemo(() => {
    const wanted = bag(o, 'fields');
    const all = p.frames.flatMap((frame) => frame.fields.map((field) => ({ field, frame, name: nameOf(field, frame, p.frames) })));
    const time = all.find((x) => x.field.type === FieldType.time);
    const of = roles.map((r) => all.find((x) => x.name === text(wanted, r)) ?? all.find((x) => x.field.type === FieldType.number && x.name.toLowerCase() === r) ?? all.find((x) => x.field.type === FieldType.number && new RegExp(`^${r[0]}$|${r}`, 'i').test(x.name)));
    return time && of.every((x) => x) ? { times: time.field.values as number[], fields: of.map((x) => x!.field) } : undefined;
  }, [p.frames, o]);
  const colors = bag(o, 'colors');
  const up = themes[p.mode].visualization.getColorByName(text(colors, 'up', 'green'));
  const down = themes[p.mode].visualization.getColorByName(text(colors, 'down', 'red'));
  const seen = useMemo(() => found?.times.flatMap((at, i) => {
    const v = found.fields.map((f) => f.values[i] as number);
    return at >= from && at <= to && v.every((x) => typeof x === 'number') ? [{ at, v }] : [];
  }) ?? [], [found, from, to]);
  const [lo, hi] = rangeOf(seen.reduce((a, s) => Math.min(a, s.v[2]!), Infinity), seen.reduce((a, s) => Math.max(a, s.v[1]!), -Infinity), {});
  const steps = seen.length > 0 ? ticks(lo, hi, p.height / 45) : [];
  const texts = found ? apart(steps, (v, d) => textOf(found.fields[3]!, v, p.mode, d)) : [];
  const left = Math.max(20, ...texts.map((x) => em(x, 400) * 11)) + 10;
  const box = { x: left, y: 6, w: p.width - left - 8, h: p.height - 28 };
  const draw = useCallback((ctx: CanvasRenderingContext2D) => {
    const x = linear(from, to, box.x, box.x + box.w);
    const y = linear(lo, hi, box.y + box.h, box.y);
    ctx.font = smallFont;
    ctx.textBaseline = 'middle';
    steps.forEach((s, i) => {
      ctx.fillStyle = c.line;
      ctx.fillRect(box.x, Math.round(y(s)), box.w, 1);
      ctx.fillStyle = c.muted;
      ctx.textAlign = 'right';
      ctx.fillText(texts[i]!, box.x - 6, y(s));
    });
    ctx.textAlign = 'center';
    for (const k of timeTicks(from, to, Math.max(2, box.w / 90), p.zone)) ctx.fillText(k.text, Math.min(x(k.at), box.x + box.w - 8), box.y + box.h + 13);
    const width = Math.max(1, Math.min(18, (box.w / Math.max(1, seen.length)) * 0.65));
    for (const { at, v } of seen) {
      const color = v[3]! >= v[0]! ? up : down;
      ctx.fillStyle = color;
      ctx.fillRect(x(at) - 0.5, y(v[1]!), 1, Math.max(1, y(v[2]!) - y(v[1]!)));
      const top = y(Math.max(v[0]!, v[3]!));
      ctx.fillRect(x(at) - width / 2, top, width, Math.max(1, Math.abs(y(v[0]!) - y(v[3]!))));
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [seen, from, to, lo, hi, box.x, box.w, box.h, c, up, down, p.zone]);
  if (!found) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  return (
    <Canvas width={p.width} height={p.height} draw={draw} label={p.panel.title ?? ''} onLeave={() => tip.set(undefined)}
      axis={rangeAxis(p.range, box)} sync={p.sync} onZoom={p.onZoom}
      onMove={(px, py) => {
        const at = from + ((px - box.x) / box.w) * (to - from);
        let best = seen[0];
        for (const s of seen) if (best && Math.abs(s.at - at) < Math.abs(best.at - at)) best = s;
        if (!best || px < box.x) return tip.set(undefined);
        tip.set({ x: px, y: py, head: momentText(best.at, p.zone), rows: roles.map((r, i) => ({ name: r, text: textOf(found.fields[i]!, best.v[i], p.mode) })) });
      }}>
      <Tip store={tip} width={p.width} height={p.height} />
    </Canvas>
  );
}
