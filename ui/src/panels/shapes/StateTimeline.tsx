import { type ReactNode, useCallback, useMemo } from 'react';

import { useT } from '../../i18n';
import { fade, inkOn } from '../color';
import type { BodyProps } from '../contract';
import { type Field, FieldType, formattedValueToString } from '../data';
import { custom, displayOf, hiddenFrom, nameOf } from '../fields';
import { bag, choice, flag, num } from '../options';
import { pace } from '../plot/align';
import { rangeAxis } from '../plot/axis';
import { Canvas } from '../plot/Canvas';
import { momentText, timeTicks } from '../plot/scale';
import { Tip, useTip } from '../plot/tip';
import { smallFont, tokens } from '../tokens';
import { em } from '../values/fit';
import { type Stretch, stretches } from './buckets';
import { SmallLegend } from './SmallLegend';

const m = {
  none: { en: 'There is no field over time in this data.', zh: '数据中没有随时间变化的字段。' },
  label: { en: '{title}: states of {n} series over time', zh: '{title}：{n} 个序列的状态变化' },
  more: { en: '{n} of {all} series are drawn.', zh: '共 {all} 个序列，绘制了 {n} 个。' },
};

interface Lane { name: string; field: Field; times: number[]; parts: Stretch[] }

/** StateTimeline draws states as stretches of time; as status-history, each sample apart. */
export function StateTimeline(p: BodyProps): ReactNode {
  const t = useT();
  const c = tokens[p.mode];
  const o = p.panel.options;
  const history = p.panel.type === 'status-history';
  const tip = useTip();
  const { from, to } = p.range;
  const merge = !history && flag(o, 'mergeValues', true);
  const lanes = useMemo(() => {
    const out: Lane[] = [];
    for (const frame of p.frames) {
      const time = frame.fields.find((f) => f.type === FieldType.time);
      if (!time) continue;
      const times = time.values as number[];
      const interval = time.config.interval ?? undefined;
      const step = interval ?? pace(times);
      for (const field of frame.fields) {
        if (field === time || field.type === FieldType.time || hiddenFrom(field, 'viz')) continue;
        const looks = (field.values as unknown[]).map((v) => {
          if (v === null || v === undefined) return undefined;
          const d = displayOf(field, v, p.mode);
          return `${d.color} ${formattedValueToString(d)}`;
        });
        const last = times.at(-1) ?? to;
        const span = custom(field).spanNulls;
        const pauses = { interval, span: !history && (typeof span === 'number' || span === true) ? span : false };
        out.push({ name: nameOf(field, frame, p.frames), field, times, parts: stretches(times, looks, Math.min(to, last + (step || to - last)), merge, pauses) });
      }
    }
    return out;
  }, [p.frames, p.mode, history, merge, to]);
  const legendOn = flag(bag(o, 'legend'), 'showLegend', true) && p.height > 120;
  const legendItems = useMemo(() => {
    const seen = new Map<string, string>();
    for (const l of lanes) for (const s of l.parts) {
      if (seen.size >= 24) break;
      const d = displayOf(l.field, l.field.values[s.row], p.mode);
      if (d.color) seen.set(formattedValueToString(d), d.color);
    }
    return [...seen].map(([name, color]) => ({ name, color }));
  }, [lanes, p.mode]);
  const legend = legendOn && legendItems.length > 0 && legendItems.length < 24 ? 22 : 0;
  const most = Math.max(1, Math.floor((p.height - legend - 24) / 9));
  const drawn = lanes.slice(0, most);
  const note = lanes.length > most ? 16 : 0;
  const h = p.height - legend - note;
  const left = Math.min(p.width * 0.35, Math.max(0, ...drawn.map((l) => em(l.name, 400) * 11)) + 10);
  const box = { x: left, y: 2, w: p.width - left - 8, h: h - 22 };
  const laneH = box.h / Math.max(1, drawn.length);
  const barH = Math.max(4, laneH * Math.max(0.2, Math.min(1, num(o, 'rowHeight') ?? 0.9)));
  const draw = useCallback((ctx: CanvasRenderingContext2D) => {
    const x = (at: number): number => box.x + ((at - from) / (to - from)) * box.w;
    ctx.font = smallFont;
    ctx.textBaseline = 'middle';
    const every = Math.max(1, Math.ceil(13 / laneH));
    drawn.forEach((l, i) => {
      const top = box.y + i * laneH + (laneH - barH) / 2;
      ctx.fillStyle = c.muted;
      ctx.textAlign = 'right';
      if (i % every === 0) ctx.fillText(clip(l.name, left - 8), box.x - 6, top + barH / 2);
      const fill = Math.max(0.1, (num(custom(l.field), 'fillOpacity') ?? 85) / 100);
      for (const s of l.parts) {
        const x0 = Math.max(box.x, x(s.from));
        const x1 = Math.min(box.x + box.w, x(s.to));
        if (x1 <= x0) continue;
        const d = displayOf(l.field, l.field.values[s.row], p.mode);
        const gap = x1 - x0 > 3 ? (history ? Math.min(3, (x1 - x0) * (1 - Math.min(1, num(o, 'colWidth') ?? 0.9)) + 0.5) : 0.5) : 0;
        ctx.fillStyle = fade(d.color ?? c.muted, fill);
        ctx.fillRect(x0 + gap / 2, top, Math.max(0.6, x1 - x0 - gap), barH);
        const label = formattedValueToString(d);
        if (choice(o, 'showValue', ['auto', 'always', 'never'] as const, 'auto') !== 'never' && barH >= 13 && x1 - x0 > em(label, 400) * 11 + 8 && !(history && x1 - x0 < 24)) {
          ctx.fillStyle = fill > 0.6 ? inkOn(d.color ?? c.muted) : c.text;
          ctx.textAlign = 'left';
          ctx.fillText(label, x0 + 4, top + barH / 2 + 0.5);
        }
      }
    });
    ctx.fillStyle = c.muted;
    ctx.textAlign = 'center';
    for (const k of timeTicks(from, to, Math.max(2, box.w / 90), p.zone)) ctx.fillText(k.text, Math.min(x(k.at), box.x + box.w - 8), box.y + box.h + 12);
    // The lanes that are drawn follow from lanes and the size.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [lanes, most, box.x, box.w, box.h, laneH, barH, from, to, c, p.mode, p.zone, history, o, left]);
  if (lanes.length === 0) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  return (
    <>
      {note > 0 && <div className="panel-note">{t(m.more, { n: drawn.length, all: lanes.length })}</div>}
      <Canvas width={p.width} height={h} draw={draw} label={t(m.label, { title: p.panel.title ?? '', n: lanes.length })} onLeave={() => tip.set(undefined)}
        axis={rangeAxis(p.range, box)} sync={p.sync} onZoom={p.onZoom}
        onMove={(px, py) => {
          const l = drawn[Math.floor((py - box.y) / laneH)];
          const at = from + ((px - box.x) / box.w) * (to - from);
          const s = l?.parts.find((x) => x.from <= at && at < x.to);
          if (!l || !s || px < box.x) return tip.set(undefined);
          const d = displayOf(l.field, l.field.values[s.row], p.mode);
          tip.set({ x: px, y: py, head: `${momentText(s.from, p.zone)} – ${momentText(s.to, p.zone)}`, rows: [{ name: l.name, text: formattedValueToString(d), color: d.color, square: true }] });
        }}>
        <Tip store={tip} width={p.width} height={h} />
      </Canvas>
      {legend > 0 && <SmallLegend items={legendItems} height={legend} />}
    </>
  );
}

function clip(text: string, width: number): string {
  if (em(text, 400) * 11 <= width) return text;
  let n = text.length;
  while (n > 1 && em(`${text.slice(0, n)}…`, 400) * 11 > width) n--;
  return `${text.slice(0, n)}…`;
}
