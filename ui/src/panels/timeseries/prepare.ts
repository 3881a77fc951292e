// From frames to what the plot draws: which series, at which times, upon which axis.
import type { Mode } from '../../grafana/theme';
import { colorOf, custom, displayOf, type Series, seriesOf } from '../fields';
import type { DataFrame, Field } from '../data';
import { formattedValueToString } from '../data';
import { bag, choice, flag, num, text } from '../options';
import { align } from '../plot/align';
import { stack, type Value } from '../plot/stack';

export interface Axis {
  key: string;
  side: 'left' | 'right' | 'hidden';
  label: string;
  log?: 2 | 10;
  symlog?: number;
  base: 2 | 10;
  min?: number;
  max?: number;
  softMin?: number;
  softMax?: number;
  centered: boolean;
  zero: boolean;
  grid?: boolean;
  width?: number;
  percent: boolean;
  /** Its texts are those of this field. */
  of: Series;
}

export interface Drawn extends Series {
  color: string;
  axis: string;
  /** As they are, for tooltips. */
  raw: readonly Value[];
  /** As they are drawn: stacked and turned around. */
  values: Value[];
  below: number;
  down: boolean;
  style: 'line' | 'bars' | 'points';
  curve: 'linear' | 'smooth' | 'stepBefore' | 'stepAfter';
  width: number;
  fill: number;
  gradient: 'none' | 'opacity' | 'hue' | 'scheme';
  dash?: number[];
  points: 'auto' | 'always' | 'never';
  pointSize: number;
  align: -1 | 0 | 1;
  barWidth: number;
  fillTo: string;
}

export interface Prepared {
  times: number[];
  drawn: Drawn[];
  axes: Axis[];
  /** All that could be drawn, for the legend. */
  all: Series[];
  left: number;
}

const binary = new Set(['bytes', 'kbytes', 'mbytes', 'gbytes', 'tbytes', 'pbytes', 'binBps', 'binbps', 'KiBs', 'Kibits', 'MiBs', 'GiBs', 'bits']);

/** mostSeries is how many lines a drawing of so many pixels in height can tell apart. */
export function mostSeries(height: number): number {
  return Math.max(100, Math.min(400, Math.floor(height)));
}

// Kept with the field: each click on the legend asks for all of them.
const peaks = new WeakMap<Field, number>();

function peakOf(field: Field): number {
  let most = peaks.get(field);
  if (most === undefined) {
    most = -Infinity;
    for (const v of field.values as Value[]) if (typeof v === 'number' && Math.abs(v) > most) most = Math.abs(v);
    peaks.set(field, most);
  }
  return most;
}

/** greatest picks the n series whose values reach highest, in their own order. */
export function greatest(all: readonly Series[], n: number): Series[] {
  if (all.length <= n) return [...all];
  const peak = all.map((s, i) => ({ i, most: peakOf(s.field) }));
  peak.sort((a, b) => b.most - a.most || a.i - b.i);
  return peak.slice(0, n).map((p) => p.i).sort((a, b) => a - b).map((i) => all[i]!);
}

/** prepare picks, aligns and stacks. shown is undefined for all of them. */
export function prepare(frames: DataFrame[], mode: Mode, height: number, shown?: (name: string) => boolean): Prepared {
  const all = seriesOf(frames);
  const visible = shown ? all.filter((s) => shown(s.name)) : all;
  const picked = greatest(visible, mostSeries(height));
  const aligned = align(picked.map((s) => {
    const span = custom(s.field).spanNulls;
    const interval = s.time.config.interval;
    return { times: s.time.values as number[], values: numbers(s), interval: interval ?? undefined, span: typeof span === 'number' ? span : span === true };
  }));
  const axes = new Map<string, Axis>();
  const drawn = picked.map((s, i): Drawn => {
    const c = custom(s.field);
    const axis = axisOf(s, axes.size > 0 ? [...axes.values()] : []);
    const known = axes.get(axis.key);
    if (known) {
      known.zero ||= axis.zero;
      known.softMin ??= axis.softMin;
      known.softMax ??= axis.softMax;
    } else axes.set(axis.key, axis);
    const style = choice(c, 'drawStyle', ['line', 'bars', 'points'] as const, 'line');
    const raw = aligned.values[i]!;
    const values = transformed(raw, c.transform, !!axis.log);
    const line = bag(c, 'lineStyle');
    const dash = Array.isArray(line.dash) ? line.dash.filter((d): d is number => typeof d === 'number' && d >= 0 && d <= 1000).slice(0, 8) : undefined;
    return {
      ...s, color: colorOf(s.field, mode), axis: axis.key, raw, down: isBelow(values), style, values,
      below: -1,
      curve: choice(c, 'lineInterpolation', ['linear', 'smooth', 'stepBefore', 'stepAfter'] as const, 'linear'),
      width: Math.max(0, Math.min(20, num(c, 'lineWidth') ?? 1)),
      fill: Math.max(0, Math.min(100, num(c, 'fillOpacity') ?? 0)) / 100,
      gradient: choice(c, 'gradientMode', ['none', 'opacity', 'hue', 'scheme'] as const, 'none'),
      dash: line.fill === 'dash' ? (dash?.length ? dash : [8, 6]) : line.fill === 'dot' ? (dash?.length ? dash : [1, 5]) : undefined,
      points: choice(c, 'showPoints', ['auto', 'always', 'never'] as const, 'auto'),
      pointSize: Math.max(1, Math.min(40, num(c, 'pointSize') ?? 5)),
      align: c.barAlignment === -1 ? -1 : c.barAlignment === 1 ? 1 : 0,
      barWidth: Math.max(0.05, Math.min(1, num(c, 'barWidthFactor') ?? 0.6)),
      fillTo: text(c, 'fillBelowTo'),
    };
  });
  const stacked = stack(drawn.map((d) => {
    const s = bag(custom(d.field), 'stacking');
    const mode = choice(s, 'mode', ['none', 'normal', 'percent'] as const, 'none');
    return { group: mode === 'none' ? undefined : `${mode} ${String(s.group ?? 'A')} ${d.axis} ${d.down ? '-' : '+'}`, percent: mode === 'percent', values: d.values };
  }));
  drawn.forEach((d, i) => {
    d.values = stacked.values[i]!;
    d.below = stacked.below[i]!;
  });
  return { times: aligned.times, drawn, axes: [...axes.values()], all, left: visible.length - picked.length };
}

/** isBelow tells whether a series lies below zero, as it is drawn: such ones are stacked downwards by themselves. A few values on the other side change nothing. */
function isBelow(values: readonly Value[]): boolean {
  let n = 0;
  for (const v of values) if (typeof v === 'number') n += Math.sign(v);
  return n < 0;
}

function numbers(s: Series): Value[] {
  const values = s.field.values as unknown[];
  if (typeof values[0] !== 'boolean') return values as Value[];
  return values.map((v) => (typeof v === 'boolean' ? Number(v) : (v as Value)));
}

function transformed(values: Value[], by: unknown, log: boolean): Value[] {
  if (by === 'negative-Y') return values.map((v) => (typeof v === 'number' ? -v : v));
  if (by === 'constant') {
    const first = values.find((v) => typeof v === 'number');
    return values.map(() => first);
  }
  return log ? values.map((v) => (typeof v === 'number' && v <= 0 ? null : v)) : [...values];
}

function axisOf(s: Series, before: Axis[]): Axis {
  const c = custom(s.field);
  const placement = choice(c, 'axisPlacement', ['auto', 'left', 'right', 'hidden'] as const, 'auto');
  const scale = bag(c, 'scaleDistribution');
  const kind = choice(scale, 'type', ['linear', 'log', 'symlog'] as const, 'linear');
  const log = kind === 'log' ? (num(scale, 'log') === 2 ? 2 : 10) : undefined;
  const stacking = bag(c, 'stacking').mode;
  const percent = stacking === 'percent';
  const unit = percent ? 'percentunit' : (s.field.config.unit ?? 'short');
  const { min, max } = s.field.config;
  const number = (v: unknown): number | undefined => (typeof v === 'number' && Number.isFinite(v) ? v : undefined);
  const label = text(c, 'axisLabel');
  const key = JSON.stringify([placement, unit, kind, log, number(min), number(max), label]);
  const units = new Set(before.filter((a) => a.side !== 'hidden').map((a) => a.key));
  return {
    key, label, log, percent, of: s,
    symlog: kind === 'symlog' ? (num(scale, 'linearThreshold') ?? 1) : undefined,
    side: placement === 'auto' ? (units.size > 0 && !units.has(key) ? 'right' : 'left') : placement,
    base: binary.has(unit) ? 2 : 10,
    min: number(min), max: percent ? (number(max) ?? 1) : number(max),
    softMin: num(c, 'axisSoftMin'), softMax: num(c, 'axisSoftMax'),
    centered: flag(c, 'axisCenteredZero'),
    zero: percent || stacking === 'normal' || c.drawStyle === 'bars',
    grid: typeof c.axisGridShow === 'boolean' ? c.axisGridShow : undefined,
    width: num(c, 'axisWidth'),
  };
}

/** axisText is a value of an axis. */
export function axisText(a: Axis, v: number, mode: Mode, decimals?: number): string {
  if (a.percent) return `${Number((v * 100).toFixed(decimals ?? 0))}%`;
  if (v === 0) decimals ??= 0;
  const field = a.of.field;
  return formattedValueToString({ ...displayOf({ ...field, display: field.display, config: { ...field.config } }, v, mode, decimals) });
}

export type Rank = 'none' | 'asc' | 'desc';

export interface TipLine {
  name: string;
  value: number;
  at: number;
}

/** tipLines are the series with a value at an index, in the order that the panel asks for. */
export function tipLines(drawn: readonly { name: string; raw: readonly Value[] }[], index: number, rank: Rank, hideZeros: boolean): TipLine[] {
  const out: TipLine[] = [];
  drawn.forEach((d, at) => {
    const value = d.raw[index];
    if (typeof value === 'number' && Number.isFinite(value) && !(hideZeros && value === 0)) out.push({ name: d.name, value, at });
  });
  if (rank !== 'none') out.sort((a, b) => (rank === 'asc' ? a.value - b.value : b.value - a.value));
  return out;
}
