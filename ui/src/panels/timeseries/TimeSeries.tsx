import { lazy, type ReactNode, Suspense, useCallback, useMemo, useRef, useState } from 'react';
import type uPlot from 'uplot';

import { useT } from '../../i18n';
import { fade } from '../color';
import type { BodyProps, Mark } from '../contract';
import { custom, hiddenFrom, colorOf as fieldColor, textOf } from '../fields';
import { bag, choice, flag, num, text, texts } from '../options';
import { Plot } from '../plot/Plot';
import { momentText } from '../plot/scale';
import { Tip, type TipRow, useTip } from '../plot/tip';
import { themes } from '../../grafana/theme';
import { tokens } from '../tokens';
import { Legend, type LegendItem } from './Legend';
import { calcsOf, picked } from './legendModel';
import { drawThresholds, plotOptions, shapeOf } from './options';
import { prepare, type Rank, tipLines } from './prepare';
import type { Box } from './Markers';
import { united } from './bands';
import { Readings } from './Readings';

const Markers = lazy(() => import('./Markers').then((x) => ({ default: x.Markers })));

const m = {
  left: { en: '{drawn} of {all} series are drawn, those with the greatest values. Pick others in the legend, or narrow the query.', zh: '共 {all} 个序列，仅绘制数值最大的 {drawn} 个。可在图例中选择其他序列，或缩小查询范围。' },
  chart: { en: '{title}: {n} series over time. The last values are in the table after it.', zh: '{title}：{n} 个时间序列。最新值见其后的表格。' },
  none: { en: 'There is no time series in this data. Choose the table panel, or a query over time.', zh: '数据中没有时间序列。请改用表格面板，或使用区间查询。' },
};

const tipRows = 14;

/** layout shares the room between drawing, legend and note. */
export function layout(width: number, height: number, legend: { shown: boolean; right: boolean; table: boolean; width?: number; items: number; each?: number }, note: boolean): { plotW: number; plotH: number; legendW: number; legendH: number } {
  const room = height - (note ? 16 : 0);
  if (!legend.shown || legend.items === 0 || room < 90) return { plotW: width, plotH: room, legendW: 0, legendH: 0 };
  if (legend.right && width >= 360) {
    const legendW = Math.round(Math.min(width * 0.6, Math.max(120, legend.width ?? (legend.table ? width * 0.4 : Math.min(240, width * 0.28)))));
    return { plotW: width - legendW - 8, plotH: room, legendW, legendH: room };
  }
  const most = Math.floor(room * (legend.table ? 0.45 : 0.35));
  const lines = legend.table ? legend.items * 20 + 22 : Math.ceil(legend.items / Math.max(1, Math.floor(width / Math.max(150, legend.each ?? 0)))) * 18;
  // Lines are whole: half of a name is none.
  const whole = legend.table ? 22 + Math.max(1, Math.floor((most - 22) / 20)) * 20 : Math.max(1, Math.floor(most / 18)) * 18 + 2;
  const legendH = Math.min(whole, lines + 2);
  return { plotW: width, plotH: room - legendH - 4, legendW: width, legendH };
}

/** TimeSeries draws lines, bars and points over time. */
export function TimeSeries(p: BodyProps): ReactNode {
  const t = useT();
  const { panel, frames, mode, zone, range } = p;
  const [only, setOnly] = useState<ReadonlySet<string>>();
  const legendOptions = bag(panel.options, 'legend');
  const tipOptions = bag(panel.options, 'tooltip');
  const prepared = useMemo(() => prepare(frames, mode, p.height, only && ((name) => only.has(name))), [frames, mode, p.height, only]);
  const table = legendOptions.displayMode === 'table';
  const right = legendOptions.placement === 'right';
  const items = useMemo<LegendItem[]>(() => prepared.all.filter((s) => !hiddenFrom(s.field, 'legend')).map((s) => ({ name: s.name, field: s.field, color: '' })), [prepared.all]);
  const shown = flag(legendOptions, 'showLegend', true) && legendOptions.displayMode !== 'hidden';
  const calcKey = texts(legendOptions, 'calcs').join('\n');
  const calcs = useMemo(() => calcsOf(calcKey === '' ? [] : calcKey.split('\n')), [calcKey]);
  // How wide an entry is about, in pixels.
  const each = useMemo(() => items.reduce((sum, i) => sum + i.name.length * 6.5 + 34, 0) / Math.max(1, items.length) + (table ? 0 : calcs.length * 80), [items, table, calcs]);
  const size = layout(p.width, p.height, { shown, right, table, width: num(legendOptions, 'width'), items: items.length, each }, prepared.left > 0);
  const sortName = text(legendOptions, 'sortBy');
  const sort = useMemo(() => {
    const by = calcs.find((c) => c === sortName || sortNames[sortName.toLowerCase()] === c);
    return by ? { by, desc: flag(legendOptions, 'sortDesc', true) } : sortName === 'Name' ? { by: 'name', desc: flag(legendOptions, 'sortDesc') } : undefined;
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [calcs, sortName, legendOptions.sortDesc]);
  const names = useMemo(() => items.map((i) => i.name), [items]);
  const onPick = useCallback((name: string, add: boolean) => setOnly((now) => picked(now, names, name, add)), [names]);
  const colorOf = useCallback((i: LegendItem) => fieldColor(i.field, mode), [mode]);

  const tip = useTip();
  const [box, setBox] = useState<Box>();
  const now = useRef({ p, prepared, box });
  now.current = { p, prepared, box };
  const shape = shapeOf(prepared, mode, zone, !!p.onZoom);
  const data = useMemo(() => [prepared.times, ...prepared.drawn.map((d) => d.values)] as uPlot.AlignedData, [prepared]);
  const tipMode = choice(tipOptions, 'mode', ['single', 'multi', 'none'] as const, 'single');
  const rank = choice(tipOptions, 'sort', ['none', 'asc', 'desc'] as const, 'none') as Rank;

  const build = useCallback(() => plotOptions(now.current.prepared, mode, zone, {
    prepared: () => now.current.prepared,
    range: () => now.current.p.range,
    zoom: () => now.current.p.onZoom,
    below: (u) => {
      drawThresholds(u, now.current.prepared, mode, 'areas');
      drawRegions(u, now.current.p.marks, mode);
    },
    laidOut: (u) => {
      const d = devicePixelRatio;
      const next = { left: u.bbox.left / d, top: u.bbox.top / d, width: u.bbox.width / d, height: u.bbox.height / d };
      const b = now.current.box;
      if (!b || b.left !== next.left || b.top !== next.top || b.width !== next.width || b.height !== next.height) queueMicrotask(() => setBox(next));
    },
  }), [mode, zone]);

  const onPoint = (u: uPlot, index: number | null, foreign: boolean): void => {
    const { p: q, prepared: r } = now.current;
    if (index === null || tipMode === 'none' || (foreign && !q.syncTips)) return tip.set(undefined);
    const visible = r.drawn.map((d) => (hiddenFrom(d.field, 'tooltip') ? { name: d.name, raw: [] } : d));
    let lines = tipLines(visible, index, rank, flag(tipOptions, 'hideZeros'));
    const near = nearest(u, index, r.drawn.map((d) => d.axis));
    if (tipMode === 'single') lines = lines.filter((l) => l.at === near);
    if (lines.length === 0) return tip.set(undefined);
    // The nearest is among those that are shown, however many there are.
    const at = lines.findIndex((l) => l.at === near);
    const from = lines.length <= tipRows ? 0 : Math.max(0, Math.min(lines.length - tipRows, at - Math.floor(tipRows / 2)));
    const rows = lines.slice(from, from + tipRows).map((l): TipRow => {
      const d = r.drawn[l.at]!;
      return { name: l.name, text: textOf(d.field, l.value, mode), color: d.color, near: tipMode === 'multi' && l.at === near };
    });
    tip.set({ x: u.over.offsetLeft + (u.cursor.left ?? 0), y: u.over.offsetTop + (u.cursor.top ?? 0), head: momentText(r.times[index]!, zone), rows, rest: lines.length - rows.length });
  };

  if (prepared.all.length === 0) return <div className="panel-empty" style={{ height: p.height }}>{t(m.none)}</div>;
  const legend = size.legendH > 0 && (
    <Legend items={items} colorOf={colorOf} mode={mode} table={table} side={right && size.legendW < p.width ? 'right' : 'bottom'} calcs={calcs} sort={sort} shown={only} onPick={onPick} width={size.legendW} height={size.legendH}
      square={prepared.drawn.length > 0 && prepared.drawn.every((d) => custom(d.field).drawStyle === 'bars')} />
  );
  return (
    <div>
      {prepared.left > 0 && <div className="panel-note" role="note" title={t(m.left, { drawn: prepared.drawn.length, all: prepared.all.length })}>{t(m.left, { drawn: prepared.drawn.length, all: prepared.all.length })}</div>}
      <div style={{ display: 'flex', flexDirection: right && size.legendW < p.width ? 'row' : 'column', gap: right ? 8 : 4 }}>
        <Plot width={size.plotW} height={size.plotH} shape={shape} build={build} data={data} view={`${range.from} ${range.to} ${marksKey(p.marks)}`} sync={p.sync} onPoint={onPoint}
          label={t(m.chart, { title: panel.title ?? '', n: prepared.all.length })}>
          {box && p.marks.length > 0 && <Suspense><Markers marks={p.marks} box={box} range={range} zone={zone} mode={mode} /></Suspense>}
          <Tip store={tip} width={size.plotW} height={size.plotH} />
        </Plot>
        {legend}
      </div>
      <Readings title={panel.title ?? ''} series={prepared.drawn} mode={mode} />
    </div>
  );
}

const sortNames: Record<string, string> = { 'last *': 'lastNotNull', last: 'last', min: 'min', max: 'max', mean: 'mean', total: 'sum', avg: 'mean', current: 'lastNotNull' };

const marksKey = (marks: Mark[]): string => `${marks.length} ${marks[0]?.id ?? ''} ${marks.at(-1)?.id ?? ''} ${marks.at(-1)?.timeEnd ?? ''}`;

function nearest(u: uPlot, index: number, axes: string[]): number {
  const top = u.cursor.top ?? 0;
  let best = -1;
  let least = Infinity;
  axes.forEach((axis, i) => {
    const v = u.data[i + 1]?.[index];
    if (typeof v !== 'number') return;
    const d = Math.abs(u.valToPos(v, axis) - top);
    if (d < least) {
      least = d;
      best = i;
    }
  });
  return best;
}

/** drawRegions draws what lasted as bands, and what happened as thin lines. Bands of one colour that overlap are one. */
export function drawRegions(u: uPlot, marks: Mark[], mode: 'dark' | 'light'): void {
  const { ctx, bbox } = u;
  const bands = new Map<string, [number, number][]>();
  ctx.save();
  for (const mark of marks.slice(0, 500)) {
    const color = themes[mode].visualization.getColorByName(mark.color ?? tokens[mode].accent);
    const x0 = Math.max(bbox.left, u.valToPos(mark.time, 'x', true));
    const x1 = Math.min(bbox.left + bbox.width, u.valToPos(mark.timeEnd ?? mark.time, 'x', true));
    if (x0 > bbox.left + bbox.width || x1 < bbox.left) continue;
    if (mark.timeEnd !== undefined && !mark.thin && x1 - x0 > 1) bands.set(color, [...(bands.get(color) ?? []), [x0, x1]]);
    // What began before the drawing does has no line in it.
    if (u.valToPos(mark.time, 'x', true) < bbox.left) continue;
    ctx.fillStyle = fade(color, 0.7);
    ctx.fillRect(Math.round(x0), bbox.top, devicePixelRatio, bbox.height);
  }
  for (const [color, list] of bands) {
    ctx.fillStyle = fade(color, 0.05);
    for (const [from, to] of united(list)) ctx.fillRect(from, bbox.top, to - from, bbox.height);
  }
  ctx.restore();
}
