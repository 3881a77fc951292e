// From prepared series to the options of a plot.
import uPlot from 'uplot';

import type { Mode } from '../../grafana/theme';
import { themes } from '../../grafana/theme';
import { fade, mix } from '../color';
import { type Field, formattedValueToString, getScaleCalculator, ThresholdsMode } from '../data';
import { custom, displayOf } from '../fields';
import { bag, text } from '../options';
import { apart, rangeOf, timeText } from '../plot/scale';
import { smallFont, tokens } from '../tokens';
import { type Axis, axisText, type Drawn, type Prepared } from './prepare';

const tenSteps: number[] = [];
for (let e = -12; e <= 24; e++) for (const f of [1, 2, 5]) tenSteps.push(Number(`${f}e${e}`));
// In steps of KiB, MiB and so on texts are round.
const twoSteps = [...tenSteps.filter((s) => s < 1), ...Array.from({ length: 7 }, (_, k) => [1, 2, 5, 10, 20, 50, 100, 200, 500].map((f) => f * 1024 ** k)).flat()];

/** Between the drawing and the times below it is room for marks: they must not hide a series at its edge. In pixels. */
export const marksRoom = 8;

export interface Live {
  prepared: () => Prepared;
  range: () => { from: number; to: number };
  zoom: () => ((from: number, to: number) => void) | undefined;
  below: (u: uPlot) => void;
  laidOut: (u: uPlot) => void;
}

/** shapeOf is all that makes a plot another one; values and the range are not part of it. */
export function shapeOf(p: Prepared, mode: Mode, zone: string, zoomable: boolean): string {
  return JSON.stringify([
    mode, zone, zoomable,
    p.axes.map((a) => [a.key, a.side, a.centered, a.zero, a.softMin, a.softMax, a.grid, a.width, a.of.field.config.decimals]),
    p.drawn.map((d) => [d.name, d.color, d.axis, d.style, d.curve, d.width, d.fill, d.gradient, d.dash, d.points, d.pointSize, d.align, d.barWidth, d.below, d.down, d.fillTo]),
  ]);
}

/** plotOptions builds the options of a plot of time. */
export function plotOptions(p: Prepared, mode: Mode, zone: string, live: Live): Omit<uPlot.Options, 'width' | 'height'> {
  const c = tokens[mode];
  const many = p.drawn.length > 60;
  const scales: uPlot.Scales = { x: { time: true, range: () => [live.range().from, live.range().to] } };
  for (const a of p.axes) {
    scales[a.key] = {
      distr: a.log ? 3 : a.symlog !== undefined ? 4 : 1,
      log: a.log, asinh: a.symlog,
      range: (_u, lo, hi) => rangeOf(lo, hi, { min: a.min, max: a.max, softMin: a.softMin, softMax: a.softMax, log: a.log, centered: a.centered, zero: a.zero }),
    };
  }
  const axis = { stroke: c.muted, font: smallFont, ticks: { show: false }, gap: 4 };
  let gridded = false;
  const axes: uPlot.Axis[] = [
    {
      ...axis, size: 22, gap: marksRoom, space: 64, grid: { stroke: c.line, width: 1 },
      values: (_u, splits) => splits.map((s, i) => timeText(s, i > 0 ? s - splits[i - 1]! : splits.length > 1 ? splits[1]! - s : 6e4, zone)),
    },
    ...p.axes.filter((a) => a.side !== 'hidden').map((a): uPlot.Axis => {
      const grid = a.grid ?? !gridded;
      gridded ||= grid;
      return {
        ...axis, scale: a.key, side: a.side === 'right' ? 1 : 3, space: 28, grid: { show: grid, stroke: c.line, width: 1 },
        incrs: a.base === 2 ? twoSteps : tenSteps,
        label: a.label || undefined, labelFont: smallFont, labelSize: a.label ? 18 : 0, labelGap: 0,
        size: (u, values) => {
          if (a.width !== undefined) return Math.min(400, a.width);
          const longest = (values ?? []).reduce((most, v) => (v && v.length > most.length ? v : most), '');
          u.ctx.save();
          u.ctx.font = smallFont;
          const w = u.ctx.measureText(longest).width;
          u.ctx.restore();
          return Math.ceil(w) + 12;
        },
        values: (_u, splits) => tickTexts(a, splits, mode),
      };
    }),
  ];
  return {
    ms: 1, padding: [8, p.axes.some((a) => a.side === 'right') ? 0 : 18, 0, p.axes.some((a) => a.side === 'left') ? 0 : 8],
    tzDate: zone === 'browser' || zone === '' ? (t) => new Date(t) : (t) => uPlot.tzDate(new Date(t), zone === 'utc' ? 'Etc/UTC' : zone),
    legend: { show: false },
    focus: { alpha: 1 },
    cursor: {
      drag: { x: live.zoom() !== undefined, y: false, setScale: false },
      points: { size: 7, show: p.drawn.length <= 100 },
      focus: { prox: 30 },
      bind: { dblclick: () => null },
    },
    scales, axes,
    series: [{}, ...p.drawn.map((d) => seriesOptions(d, mode, many))],
    bands: bandsOf(p.drawn),
    hooks: {
      drawClear: [(u) => live.below(u)],
      draw: [(u) => drawThresholds(u, live.prepared(), mode, 'lines'), (u) => live.laidOut(u)],
      setSelect: [(u) => {
        const { left, width } = u.select;
        const zoom = live.zoom();
        if (width > 4 && zoom) zoom(Math.floor(u.posToVal(left, 'x')), Math.ceil(u.posToVal(left + width, 'x')));
        if (width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
    },
  };
}

/** tickTexts are the texts of an axis. */
export function tickTexts(a: Axis, splits: (number | null)[], mode: Mode): string[] {
  if (a.log) {
    const step = a.log === 10 ? 10 : 2;
    return splits.map((s) => {
      if (s === null) return '';
      const l = Math.log(s) / Math.log(step);
      return Math.abs(l - Math.round(l)) < 1e-6 ? axisText(a, s, mode) : '';
    });
  }
  return exact(a, splits, mode) ?? apart(splits.map((s) => s ?? 0), (v, decimals) => axisText(a, v, mode, decimals));
}

/** exact gives each tick as few decimals as it needs: 0.8 and 1, not 0.800. undefined where that is not known, such as of dates. */
function exact(a: Axis, splits: readonly (number | null)[], mode: Mode): string[] | undefined {
  if (a.percent || typeof a.of.field.config.decimals === 'number') return undefined;
  const out: string[] = [];
  for (const s of splits) {
    const v = s ?? 0;
    const wanted = displayOf(a.of.field, v, mode, 9);
    const found = [0, 1, 2, 3].map((d) => displayOf(a.of.field, v, mode, d)).find((x) => x.suffix === wanted.suffix && x.text.trim() !== '' && Number(x.text) === Number(Number(wanted.text).toPrecision(9)));
    if (!found) return undefined;
    out.push(formattedValueToString(found));
  }
  return out;
}

function seriesOptions(d: Drawn, mode: Mode, many: boolean): uPlot.Series {
  const byValue = !many && d.gradient === 'scheme';
  const paths = uPlot.paths;
  const path =
    d.style === 'points' ? () => null
      : d.style === 'bars' ? paths.bars!({ size: [d.barWidth, 200], align: d.align })
        : d.curve === 'smooth' ? paths.spline!()
          : d.curve === 'stepBefore' ? paths.stepped!({ align: -1 })
            : d.curve === 'stepAfter' ? paths.stepped!({ align: 1 })
              : paths.linear!();
  const stroke = byValue ? (u: uPlot) => schemeGradient(u, d, mode, 1) : d.color;
  const fill = d.fill === 0 ? undefined : byValue ? (u: uPlot) => schemeGradient(u, d, mode, d.fill) : d.gradient === 'none' || many ? fade(d.color, d.fill) : (u: uPlot) => fadeGradient(u, d);
  return {
    label: d.name, scale: d.axis, stroke, fill, width: d.style === 'points' ? 0 : d.width, dash: d.dash, cap: d.dash ? 'butt' : 'round', spanGaps: false,
    paths: path as uPlot.Series.PathBuilder,
    ...(d.style === 'line' ? {} : { fillTo: 0 }),
    points: {
      size: d.pointSize, fill: d.color, stroke: d.color, width: 0,
      show: d.style === 'points' || d.points === 'always' ? true : d.style === 'bars' || d.points === 'never' ? false : true,
      filter: d.style === 'points' || d.points === 'always' ? undefined : (u, i) => lonely(u.data[i]!, u.bbox.width / devicePixelRatio / (2 * d.pointSize)),
    },
  };
}

/** lonely are the points that no line leads to or from: without a dot they would not be seen. */
export function lonely(values: ArrayLike<number | null | undefined>, room: number): number[] {
  let n = 0;
  const out: number[] = [];
  let last: number | null | undefined = null;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v === undefined) continue;
    if (v !== null) {
      n++;
      let next = i + 1;
      while (next < values.length && values[next] === undefined) next++;
      if (last === null && (next >= values.length || values[next] === null)) out.push(i);
    }
    last = v;
  }
  // Few points on a wide drawing are shown for what they are.
  if (n > 1 && n * 4 < room) return Array.from({ length: values.length }, (_, i) => i).filter((i) => typeof values[i] === 'number');
  // An empty list is none of them; null would be all.
  return out;
}

function bandsOf(drawn: Drawn[]): uPlot.Band[] {
  const out: uPlot.Band[] = [];
  const byName = new Map(drawn.map((d, i) => [d.name, i]));
  drawn.forEach((d, i) => {
    if (d.below >= 0 && d.fill > 0) out.push({ series: [i + 1, d.below + 1], dir: d.down ? 1 : -1 });
    const to = d.fillTo === '' ? undefined : byName.get(d.fillTo);
    if (to !== undefined && to !== i && d.below < 0) out.push({ series: [i + 1, to + 1], fill: fade(d.color, d.fill > 0 ? d.fill : 0.2) });
  });
  return out;
}

function fadeGradient(u: uPlot, d: Drawn): CanvasGradient {
  const g = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
  const top = d.gradient === 'hue' ? mix(d.color, '#ffffff', 0.15) : d.color;
  const [full, none] = d.down ? [1, 0] : [0, 1];
  g.addColorStop(full, fade(top, d.fill));
  g.addColorStop(none, fade(d.color, d.gradient === 'hue' ? d.fill * 0.5 : 0));
  return g;
}

/** schemeGradient colours by value: sharp edges at thresholds, smooth for a continuous scheme. */
function schemeGradient(u: uPlot, d: Drawn, mode: Mode, opacity: number): CanvasGradient | string {
  const scale = u.scales[d.axis]!;
  if (scale.min === undefined || scale.max === undefined || scale.min === null || scale.max === null) return fade(d.color, opacity);
  const at = getScaleCalculator(d.field, themes[mode]);
  const g = u.ctx.createLinearGradient(0, u.bbox.top + u.bbox.height, 0, u.bbox.top);
  const steps = 48;
  let before: string | undefined;
  for (let i = 0; i <= steps; i++) {
    const v = u.posToVal(u.bbox.height / devicePixelRatio * (1 - i / steps), d.axis);
    const color = fade(at(v).color, opacity);
    if (before !== undefined && before !== color && d.field.config.color?.mode === 'thresholds') g.addColorStop(i / steps, before);
    g.addColorStop(i / steps, color);
    before = color;
  }
  return g;
}

/** thresholdsOf are the steps of a field in its own unit, with colours of the theme. */
export function thresholdsOf(field: Field, mode: Mode, lo: number, hi: number): { value: number; color: string }[] {
  const t = field.config.thresholds;
  if (!t || !Array.isArray(t.steps)) return [];
  const min = field.config.min ?? lo;
  const max = field.config.max ?? hi;
  return t.steps.slice(0, 100).map((s) => {
    const raw = typeof s.value === 'number' ? s.value : -Infinity;
    return { value: t.mode === ThresholdsMode.Percentage && Number.isFinite(raw) ? min + ((max - min) * raw) / 100 : raw, color: themes[mode].visualization.getColorByName(s.color) };
  });
}

/** drawThresholds draws the limits of each axis, as areas below the lines or as lines above them. */
export function drawThresholds(u: uPlot, p: Prepared, mode: Mode, what: 'areas' | 'lines'): void {
  const done = new Set<string>();
  for (const d of p.drawn) {
    const style = text(bag(custom(d.field), 'thresholdsStyle'), 'mode', 'off');
    if (style === 'off' || style === 'series' || !style) continue;
    const key = `${d.axis} ${JSON.stringify(d.field.config.thresholds)}`;
    if (done.has(key)) continue;
    done.add(key);
    const scale = u.scales[d.axis];
    if (scale?.min === undefined || scale.max === undefined || scale.min === null || scale.max === null) continue;
    const steps = thresholdsOf(d.field, mode, scale.min, scale.max);
    const { ctx, bbox } = u;
    const pos = (v: number): number => Math.max(bbox.top, Math.min(bbox.top + bbox.height, u.valToPos(v, d.axis, true)));
    ctx.save();
    if (what === 'areas' && style.includes('area')) {
      steps.forEach((s, i) => {
        const from = Number.isFinite(s.value) ? pos(s.value) : bbox.top + bbox.height;
        const next = steps[i + 1];
        const to = next ? pos(next.value) : bbox.top;
        ctx.fillStyle = fade(s.color, 0.1);
        ctx.fillRect(bbox.left, to, bbox.width, from - to);
      });
    }
    if (what === 'lines' && (style.includes('line') || style.includes('dashed'))) {
      if (style.includes('dashed')) ctx.setLineDash([8 * devicePixelRatio, 6 * devicePixelRatio]);
      ctx.lineWidth = devicePixelRatio;
      for (const s of steps) {
        if (!Number.isFinite(s.value) || s.value < scale.min || s.value > scale.max) continue;
        ctx.strokeStyle = fade(s.color, 0.8);
        ctx.beginPath();
        ctx.moveTo(bbox.left, pos(s.value));
        ctx.lineTo(bbox.left + bbox.width, pos(s.value));
        ctx.stroke();
      }
    }
    ctx.restore();
  }
}

