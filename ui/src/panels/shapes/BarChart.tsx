import { type ReactNode, useState } from 'react';

import { useT } from '../../i18n';
import type { BodyProps } from '../contract';
import { FieldType } from '../data';
import { colorOf, custom, displayOf, hiddenFrom, nameOf, textOf } from '../fields';
import { bag, choice, flag, num, text } from '../options';
import { momentText } from '../plot/scale';
import { Bars } from './Bars';
import { SmallLegend } from './SmallLegend';

const m = {
  none: { en: 'There is no number in this data to draw bars of.', zh: '数据中没有可绘制的数值字段。' },
  more: { en: 'The first {n} of {all} categories are drawn.', zh: '共 {all} 个类别，仅绘制前 {n} 个。' },
};

/** BarChart compares numbers of categories: the first text field, or the one that options name. */
export function BarChart(p: BodyProps): ReactNode {
  const t = useT();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const o = p.panel.options;
  const frame = p.frames.find((f) => f.length > 0 && f.fields.some((x) => x.type === FieldType.number));
  if (!frame) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  const wanted = text(o, 'xField');
  const x = frame.fields.find((f) => wanted !== '' && (f.name === wanted || nameOf(f, frame, p.frames) === wanted)) ?? frame.fields.find((f) => f.type === FieldType.string) ?? frame.fields.find((f) => f.type === FieldType.time);
  const colorBy = text(o, 'colorByField');
  const by = frame.fields.find((f) => colorBy !== '' && nameOf(f, frame, p.frames) === colorBy);
  const fields = frame.fields.filter((f) => f.type === FieldType.number && f !== x && !hiddenFrom(f, 'viz')).slice(0, 50);
  const all = fields.map((f) => ({ name: nameOf(f, frame, p.frames), field: f, color: colorOf(f, p.mode) }));
  const most = Math.max(20, Math.floor(p.width / 4));
  const n = Math.min(frame.length, most);
  const note = frame.length > n ? 16 : 0;
  const shown = flag(bag(o, 'legend'), 'showLegend', true) && bag(o, 'legend').displayMode !== 'hidden' && p.height > 110;
  const legend = shown ? 22 : 0;
  const orientation = choice(o, 'orientation', ['auto', 'horizontal', 'vertical'] as const, 'auto');
  const categories = Array.from({ length: n }, (_, i) => {
    const v = x?.values[i] as unknown;
    return x?.type === FieldType.time && typeof v === 'number' ? momentText(v, p.zone) : x ? textOf(x, v, p.mode) : String(i + 1);
  });
  const byValue = (f: (typeof fields)[number]): boolean => !!f.config.color?.mode && f.config.color.mode !== 'fixed' && !f.config.color.mode.startsWith('palette');
  return (
    <>
      {note > 0 && <div className="panel-note">{t(m.more, { n, all: frame.length })}</div>}
      <Bars width={p.width} height={p.height - legend - note} mode={p.mode} categories={categories} times={x?.type === FieldType.time ? (x.values.slice(0, n) as number[]) : undefined} sync={p.sync} horizontal={orientation === 'horizontal'}
        stacking={choice(o, 'stacking', ['none', 'normal', 'percent'] as const, 'none')} showValue={choice(o, 'showValue', ['auto', 'always', 'never'] as const, 'auto') !== 'never'}
        groupWidth={Math.max(0.1, Math.min(1, num(o, 'groupWidth') ?? 0.7))} barWidth={Math.max(0.1, Math.min(1, num(o, 'barWidth') ?? 0.97))}
        min={fields[0]?.config.min ?? undefined} max={fields[0]?.config.max ?? undefined} label={`${p.panel.title ?? ''} ${categories.slice(0, 5).join(', ')}`}
        series={all.filter((s) => !hidden.has(s.name)).map((s) => ({
          name: s.name, color: s.color, values: s.field.values.slice(0, n) as (number | null)[], text: (v, d) => textOf(s.field, v, p.mode, d), fill: Math.max(0.3, (num(custom(s.field), 'fillOpacity') ?? 80) / 100),
          colors: by ? categories.map((_, i) => displayOf(by, by.values[i], p.mode).color) : byValue(s.field) ? categories.map((_, i) => displayOf(s.field, s.field.values[i], p.mode).color) : undefined,
        }))} />
      {shown && <SmallLegend items={all} height={legend} hidden={hidden} onPick={(name) => setHidden((h) => { const next = new Set(h); if (!next.delete(name)) next.add(name); return next.size === all.length ? new Set() : next; })} />}
    </>
  );
}
