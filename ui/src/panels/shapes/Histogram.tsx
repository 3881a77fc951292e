import { type ReactNode, useMemo } from 'react';

import { useT } from '../../i18n';
import type { BodyProps } from '../contract';
import { FieldType } from '../data';
import { colorOf, custom, hiddenFrom, nameOf, textOf } from '../fields';
import { bag, flag, num } from '../options';
import { Bars } from './Bars';
import { histogramOf } from './buckets';
import { SmallLegend } from './SmallLegend';

const m = { none: { en: 'There is no number in this data to count.', zh: '数据中没有可统计的数值。' }, all: { en: 'Count', zh: '数量' } };

/** Histogram counts values into buckets. */
export function Histogram(p: BodyProps): ReactNode {
  const t = useT();
  const o = p.panel.options;
  const combine = flag(o, 'combine');
  const fields = useMemo(() => p.frames.flatMap((frame) => frame.fields.filter((f) => f.type === FieldType.number && !hiddenFrom(f, 'viz')).map((field) => ({ field, name: nameOf(field, frame, p.frames) }))).slice(0, 100), [p.frames]);
  const buckets = useMemo(() => histogramOf(combine ? [fields.flatMap((f) => f.field.values as unknown[])] : fields.map((f) => f.field.values as unknown[]), num(o, 'bucketSize'), num(o, 'bucketOffset') ?? 0, Math.min(100, num(o, 'bucketCount') ?? 30)), [fields, combine, o]);
  if (buckets.length === 0) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  const first = fields[0]!.field;
  const series = (combine ? [{ name: t(m.all), field: first }] : fields).map((f, i) => ({
    name: f.name, color: colorOf(f.field, p.mode), values: buckets.map((b) => b.counts[i]! || null), text: (v: number) => String(Number(v.toPrecision(3))), fill: Math.max(0.3, (num(custom(f.field), 'fillOpacity') ?? 80) / 100),
  }));
  const legend = flag(bag(o, 'legend'), 'showLegend', true) && p.height > 110 ? 22 : 0;
  return (
    <>
      <Bars width={p.width} height={p.height - legend} mode={p.mode} categories={buckets.map((b) => textOf(first, b.low, p.mode))} series={series} stacking={series.length > 1 ? 'normal' : 'none'} groupWidth={1} barWidth={0.96} label={p.panel.title ?? ''} />
      {legend > 0 && <SmallLegend items={series} height={legend} />}
    </>
  );
}
