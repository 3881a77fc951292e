import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';

import { useLanguage } from '../i18n';
import { type Dot, nearest } from './dots';
import { clock } from './format';

export interface ChartSeries {
  name: string;
  color: string;
  values: (number | null)[];
  fill?: boolean;
  dash?: number[];
}

export interface Band {
  from: number;
  to: number;
  color: string;
}

export interface ChartProps {
  /** Seconds since the epoch, rising. */
  times: number[];
  series: ChartSeries[];
  /** Milliseconds; the axis is the range, whatever there is of it. */
  range: { from: number; to: number };
  height?: number;
  zone?: string;
  format?: (v: number) => string;
  /** A horizontal line, such as a threshold. */
  lines?: { value: number; color: string }[];
  bands?: Band[];
  /** Vertical ticks, in milliseconds. */
  marks?: { at: number; color: string }[];
  /** Called with milliseconds when a range is dragged. */
  onZoom?: (from: number, to: number) => void;
  /** Charts with the same key share their crosshair. */
  sync?: string;
  bare?: boolean;
  min?: number;
  max?: number;
  label: string;
  /** What is drawn in place of the values of each series, such as their sums; tooltips still tell the values. */
  drawn?: (number | null)[][];
  /** The y axis in powers of ten; what is not above zero is left out. */
  log?: boolean;
  /** Each sample is a point. */
  points?: boolean;
  /** Single points beside the series, such as exemplars. */
  dots?: Dot[];
}

function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Chart draws series over time. Screen readers get its label and last values. */
export function Chart(p: ChartProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const props = useRef(p);
  props.current = p;
  const l = useLanguage();
  const [width, setWidth] = useState(0);
  const [tip, setTip] = useState<{ left: number; top: number; at: number; rows: { name: string; color: string; text: string }[]; dot?: Dot }>();
  const height = p.height ?? 160;
  const data = useMemo(() => {
    const lines = p.drawn ?? p.series.map((s) => s.values);
    return [p.times, ...(p.log ? lines.map((l) => l.map((v) => (v !== null && v > 0 ? v : null))) : lines)] as uPlot.AlignedData;
  }, [p.times, p.series, p.drawn, p.log]);
  // What the plot is made of; its data and range change without making it anew.
  const shape = JSON.stringify([p.series.map((s) => [s.name, s.color, s.fill, s.dash]), p.bare, p.zone, p.sync, p.min, p.max, p.log, p.points, !!p.drawn, height, l]);

  useEffect(() => {
    const el = host.current!;
    const observer = new ResizeObserver(() => setWidth(Math.floor(el.clientWidth)));
    observer.observe(el);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (width === 0) return;
    const now = props.current;
    const format = (v: number): string => props.current.format?.(v) ?? String(Number(v.toPrecision(4)));
    const axis = { stroke: cssColor('--muted'), grid: { stroke: cssColor('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    const u = new uPlot(
      {
        width, height,
        padding: now.bare ? [2, 0, 2, 0] : [8, 8, 0, 0],
        cursor: { drag: { x: !!now.onZoom, y: false, setScale: false }, points: { size: 5 }, sync: now.sync ? { key: now.sync } : undefined, show: !now.bare },
        legend: { show: false },
        scales: {
          x: { time: true, range: () => [props.current.range.from / 1000, props.current.range.to / 1000] },
          y: now.log ? { distr: 3, range: (_u, lo, hi) => uPlot.rangeLog(lo ?? 1, hi ?? 10, 10, true) } : { range: (_u, lo, hi) => yRange(lo, hi, props.current) },
        },
        axes: now.bare ? [{ show: false }, { show: false }] : [
          { ...axis, size: 24, values: (_u, ticks) => timeTicks(ticks, now.zone ?? 'browser') },
          { ...axis, size: 56, values: (_u, ticks) => ticks.map((v) => (now.log && !/^1(0*|e.*)$/.test(String(v < 1 ? Math.round(1 / v) : v)) ? '' : format(v))) },
        ],
        series: [{}, ...now.series.map((s): uPlot.Series => ({ label: s.name, stroke: s.color, width: now.bare ? 1.25 : 1.5, dash: s.dash, fill: s.fill ? `${s.color}22` : undefined, points: { show: !!now.points, size: 4 }, spanGaps: false }))],
        // What is stacked is filled down to the line below it, not to zero.
        bands: now.drawn ? now.series.slice(1).map((_, i): uPlot.Band => ({ series: [i + 2, i + 1] })) : undefined,
        hooks: {
          drawClear: [(c) => drawBelow(c, props.current)],
          draw: [(c) => drawAbove(c, props.current)],
          setSelect: [(c) => {
            const from = c.posToVal(c.select.left, 'x') * 1000;
            const to = c.posToVal(c.select.left + c.select.width, 'x') * 1000;
            if (c.select.width > 4) props.current.onZoom?.(from, to);
            c.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          }],
          setCursor: [(c) => {
            const i = c.cursor.idx;
            if (i === null || i === undefined || (c.cursor.left ?? -1) < 0 || props.current.bare) {
              setTip(undefined);
              return;
            }
            const rows = props.current.series
              .map((s) => ({ name: s.name, color: s.color, value: s.values[i] }))
              .filter((r): r is { name: string; color: string; value: number } => typeof r.value === 'number')
              .sort((a, b) => b.value - a.value)
              .map((r) => ({ name: r.name, color: r.color, text: format(r.value) }));
            const dot = nearest(props.current.dots ?? [], { x: c.cursor.left!, y: c.cursor.top ?? 0 }, (d) => ({ x: c.valToPos(d.at / 1000, 'x'), y: c.valToPos(d.value, 'y') }));
            setTip({ left: c.cursor.left!, top: c.cursor.top ?? 0, at: props.current.times[i]! * 1000, rows, dot });
          }],
        },
      },
      data, el(host),
    );
    plot.current = u;
    return () => {
      plot.current = undefined;
      u.destroy();
    };
    // The plot is made anew when its shape changes; data goes in below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, width]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data, p.range.from, p.range.to, p.dots, p.bands, p.lines]);

  const last = p.series.slice(0, 5).map((s) => {
    const v = s.values.findLast((x) => x !== null && x !== undefined);
    return `${s.name}: ${v === undefined || v === null ? '–' : (p.format?.(v) ?? String(v))}`;
  });
  return (
    <div className="chart" ref={host} style={{ height }} role="img" aria-label={`${p.label}. ${last.join('; ')}`}>
      {tip && (tip.rows.length > 0 || tip.dot) && (
        <div className="chart-tip" style={{ left: Math.min(tip.left + 70, Math.max(0, width - 260)), top: Math.max(0, Math.min(tip.top - 10, height - 40)) }}>
          {tip.dot && (
            <div style={{ borderBottom: '1px solid var(--line)', paddingBottom: 4, marginBottom: 4 }}>
              <div style={{ display: 'flex', alignItems: 'center' }}>
                <span className="swatch" style={{ background: tip.dot.color }} />
                <span className="muted">{clock(tip.dot.at, l, p.zone ?? 'browser', true)}</span>
                <b style={{ marginLeft: 'auto', paddingLeft: 12 }}>{p.format?.(tip.dot.value) ?? String(tip.dot.value)}</b>
              </div>
              {(tip.dot.says ?? []).slice(0, 8).map(([name, v]) => <div key={name} className="ellipsis"><span className="muted">{name}</span> {v}</div>)}
            </div>
          )}
          <div className="muted">{clock(tip.at, l, p.zone ?? 'browser', true)}</div>
          {tip.rows.slice(0, 12).map((r) => (
            <div key={r.name} style={{ display: 'flex', alignItems: 'center' }}>
              <span className="swatch" style={{ background: r.color }} />
              <span className="ellipsis">{r.name}</span>
              <b style={{ marginLeft: 'auto', paddingLeft: 12 }}>{r.text}</b>
            </div>
          ))}
          {tip.rows.length > 12 && <div className="muted">+ {tip.rows.length - 12}</div>}
        </div>
      )}
    </div>
  );
}

function el(ref: React.RefObject<HTMLDivElement | null>): HTMLElement {
  return ref.current!;
}

/** yRange leaves room above and below, and starts at zero where that is near. */
export function yRange(lo: number | null, hi: number | null, p: Pick<ChartProps, 'min' | 'max' | 'lines' | 'dots'>): [number, number] {
  let a = lo ?? 0;
  let b = hi ?? 1;
  for (const dot of p.dots ?? []) {
    a = Math.min(a, dot.value);
    b = Math.max(b, dot.value);
  }
  for (const line of p.lines ?? []) {
    a = Math.min(a, line.value);
    b = Math.max(b, line.value);
  }
  if (a > 0 && a < b * 0.6) a = 0;
  if (a === b) {
    a -= Math.abs(a) * 0.1 || 0.5;
    b += Math.abs(b) * 0.1 || 0.5;
  }
  const room = (b - a) * 0.06;
  return [p.min ?? (a === 0 ? 0 : a - room), p.max ?? b + room];
}

function timeTicks(ticks: number[], zone: string): string[] {
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 60;
  const timeZone = zone === 'browser' ? undefined : zone === 'utc' ? 'UTC' : zone;
  const f = new Intl.DateTimeFormat('en-GB', step >= 86_400 ? { timeZone, month: '2-digit', day: '2-digit' } : { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit', ...(step < 60 ? { second: '2-digit' } : {}) });
  return ticks.map((s) => f.format(s * 1000));
}

function drawBelow(u: uPlot, p: ChartProps): void {
  for (const b of p.bands ?? []) {
    const x0 = Math.max(u.valToPos(b.from / 1000, 'x', true), u.bbox.left);
    const x1 = Math.min(u.valToPos(b.to / 1000, 'x', true), u.bbox.left + u.bbox.width);
    if (x1 <= x0) continue;
    u.ctx.fillStyle = b.color;
    u.ctx.fillRect(x0, u.bbox.top, Math.max(1, x1 - x0), u.bbox.height);
  }
}

function drawAbove(u: uPlot, p: ChartProps): void {
  const { ctx, bbox } = u;
  ctx.save();
  for (const line of p.lines ?? []) {
    const y = u.valToPos(line.value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = line.color;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  for (const dot of p.dots ?? []) {
    const x = u.valToPos(dot.at / 1000, 'x', true);
    const y = u.valToPos(dot.value, 'y', true);
    if (x < bbox.left || x > bbox.left + bbox.width || !(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
    ctx.fillStyle = dot.color;
    ctx.fillRect(x - 3.5, y - 3.5, 7, 7);
  }
  for (const mark of p.marks ?? []) {
    const x = u.valToPos(mark.at / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = mark.color;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
