import { arc, pie } from 'd3-shape';
import { type ReactNode, useMemo, useState } from 'react';

import { useT } from '../../i18n';
import { inkOn } from '../color';
import type { BodyProps } from '../contract';
import { type FieldDisplay, formattedValueToString } from '../data';
import { bag, choice, flag, texts } from '../options';
import { tokens } from '../tokens';
import { linkOf, valuesOf } from '../values/reduce';

const m = { none: { en: 'All values are zero or below: there are no shares.', zh: '所有值均为零或负数，无法计算占比。' }, more: { en: 'others ({n})', zh: '其他（{n}）' } };

/** The most slices that can be told apart. */
const mostSlices = 60;

/** PieChart shows shares of a whole. */
export function PieChart(p: BodyProps): ReactNode {
  const t = useT();
  const c = tokens[p.mode];
  const o = p.panel.options;
  const [only, setOnly] = useState<string>();
  const all = useMemo(() => valuesOf(p), [p]);
  const legend = bag(o, 'legend');
  const shown = flag(legend, 'showLegend', true) && legend.displayMode !== 'hidden';
  const right = legend.placement !== 'bottom' && p.width >= 300;
  const extra = texts(legend, 'values');
  const kinds = texts(o, 'displayLabels');
  const visible = all.filter((v) => v.display.numeric > 0 && (only === undefined || v.display.title === only));
  const top = [...visible].sort((a, b) => b.display.numeric - a.display.numeric);
  const slices = top.slice(0, mostSlices);
  const sum = visible.reduce((a, v) => a + v.display.numeric, 0);
  const share = (v: FieldDisplay): string => `${((v.display.numeric / sum) * 100).toPrecision(3).replace(/\.0+$|(\.\d*?)0+$/, '$1')}%`;
  const legendW = shown && right ? Math.min(p.width * 0.5, 260) : 0;
  const legendH = shown && !right ? Math.min(p.height * 0.35, 20 * Math.ceil(all.length / Math.max(1, Math.floor(p.width / 140))) + 4) : 0;
  const w = p.width - legendW;
  const h = p.height - legendH;
  const r = Math.max(10, Math.min(w, h) / 2 - 4);
  const inner = choice(o, 'pieType', ['pie', 'donut'] as const, 'pie') === 'donut' ? r * 0.62 : 0;
  const make = pie<FieldDisplay>().value((v) => v.display.numeric).sort(null)(slices);
  const path = arc<(typeof make)[number]>().innerRadius(inner).outerRadius(r);
  const middle = arc<(typeof make)[number]>().innerRadius(inner > 0 ? inner : r * 0.55).outerRadius(r);
  if (sum <= 0) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none)}</b></div>;
  return (
    <div style={{ display: 'flex', flexDirection: right ? 'row' : 'column', height: p.height }}>
      <svg width={w} height={h} role="img" aria-label={slices.slice(0, 8).map((v) => `${v.display.title} ${share(v)}`).join(', ')}>
        <g transform={`translate(${w / 2} ${h / 2})`}>
          {make.map((s, i) => {
            const v = s.data;
            const color = v.display.color ?? c.accent;
            const link = linkOf(v);
            const label = kinds.map((k) => (k === 'percent' ? share(v) : k === 'value' ? formattedValueToString(v.display) : k === 'name' ? (v.display.title ?? '') : '')).filter((x) => x !== '');
            const [x, y] = middle.centroid(s);
            const slice = (
              <g data-value={v.display.numeric}>
                <path d={path(s) ?? ''} fill={color} stroke={c.surface} strokeWidth={slices.length > 1 ? 1.5 : 0}><title>{`${v.display.title} ${formattedValueToString(v.display)} (${share(v)})`}</title></path>
                {label.length > 0 && s.endAngle - s.startAngle > 0.28 && r > 40 && label.map((line, j) => <text key={j} x={x} y={y + (j - (label.length - 1) / 2) * 13 + 4} textAnchor="middle" fontSize={11} fill={inkOn(color)} pointerEvents="none">{line.slice(0, 24)}</text>)}
              </g>
            );
            return link ? <a key={i} href={link.href} target={link.target} rel={link.rel}>{slice}</a> : <g key={i}>{slice}</g>;
          })}
        </g>
      </svg>
      {shown && (
        <div className="legend" style={right ? { width: legendW, maxHeight: p.height, alignSelf: 'center' } : { height: legendH }}>
          <div className="legend-list" data-side={right ? 'right' : undefined}>
            {all.slice(0, 250).map((v, i) => (
              <button key={i} type="button" className="legend-item" aria-pressed={only === undefined || only === v.display.title} onClick={() => setOnly(only === v.display.title ? undefined : v.display.title)}>
                <span className="panel-swatch" data-square style={{ background: v.display.color }} />
                <span className="ellipsis" style={{ flex: right ? 1 : undefined }}>{v.display.title}</span>
                {extra.includes('value') && <span className="calc"><b>{formattedValueToString(v.display)}</b></span>}
                {extra.includes('percent') && visible.includes(v) && <span className="calc"><b>{share(v)}</b></span>}
              </button>
            ))}
            {top.length > mostSlices && <span className="muted">{t(m.more, { n: top.length - mostSlices })}</span>}
          </div>
        </div>
      )}
    </div>
  );
}
