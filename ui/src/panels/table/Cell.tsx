import type { ReactNode } from 'react';

import { fade, inkOn, readable } from '../color';
import type { BodyProps } from '../contract';
import { type DataFrame, FieldType, formattedValueToString } from '../data';
import { displayOf, linksOf } from '../fields';
import { safeHref } from '../links';
import { portion } from '../values/limits';
import { Spark } from '../values/Spark';
import { tokens } from '../tokens';
import type { Column } from './columns';

/** Cell is one value of a table. */
export function Cell({ c, row, width, height, p, tint }: { c: Column; row: number; width: number; height: number; p: BodyProps; tint?: Column }): ReactNode {
  const k = tokens[p.mode];
  const value = c.field.values[row] as unknown;
  const base = { width, lineHeight: `${height - 1}px`, textAlign: c.align };
  if (c.kind === 'sparkline' || c.field.type === FieldType.frame) return <SparkCell c={c} value={value} style={base} width={width} height={height} p={p} />;
  const d = displayOf(c.field, value, p.mode);
  const text = formattedValueToString(d);
  let style: React.CSSProperties = base;
  const background = c.kind === 'color-background' || c.kind === 'color-background-solid' ? d.color : undefined;
  const rowColor = tint && tint !== c ? displayOf(tint.field, tint.field.values[row], p.mode).color : undefined;
  const fill = background ?? rowColor;
  if (fill) style = { ...base, background: fill, color: inkOn(fill) };
  else if (c.kind === 'color-text' && d.color) style = { ...base, color: readable(d.color, k.surface, k.text, 4.5), fontWeight: 500 };
  const links = linksOf(c.field, row);
  const ink = fill ? { color: inkOn(fill), textDecoration: 'underline' } : undefined;
  let inner: ReactNode = text;
  if (c.kind === 'json-view' || (typeof value === 'object' && value !== null && c.field.type === FieldType.other)) {
    inner = <code>{json(value).slice(0, 2000)}</code>;
  } else if (c.kind === 'pill') {
    inner = <span className="label" style={d.color ? { borderColor: fade(d.color, 0.6), background: fade(d.color, 0.14) } : undefined}>{text}</span>;
  } else if (c.kind === 'gauge') {
    const { min, max } = c.field.config;
    const hi = max ?? peak(c);
    const room = Math.max(30, width - 16 - 76);
    inner = (
      <span style={{ display: 'flex', alignItems: 'center', gap: 8, height: height - 1 }}>
        <span className="bar-track" style={{ width: room, height: Math.max(8, height - 16), background: fade(k.line, 0.7) }}>
          <span className="bar-fill" style={{ left: 0, top: 0, bottom: 0, width: room * portion(d.numeric, min ?? 0, hi), background: c.gauge === 'basic' ? d.color : `linear-gradient(to right, ${fade(d.color ?? k.accent, 0.5)}, ${d.color ?? k.accent})` }} />
        </span>
        <span style={{ marginLeft: 'auto' }}>{text}</span>
      </span>
    );
  }
  if (c.kind === 'data-links' && links.length > 0) inner = links.map((l, i) => <a key={i} href={l.href} target={l.target} rel={l.rel} style={{ marginRight: 8 }}>{l.title}</a>);
  else if (links[0]) inner = <a href={links[0].href} target={links[0].target} rel={links[0].rel} title={links[0].title} style={ink}>{inner}</a>;
  else if (typeof value === 'string' && /^https?:\/\//i.test(value) && safeHref(value)) inner = <a href={value} target="_blank" rel="noopener noreferrer" style={ink}>{inner}</a>;
  const filter = c.filterable && p.onFilter && typeof value === 'string';
  return (
    <div role="cell" className="gt-cell" style={style} title={text.length > 12 ? text.slice(0, 1000) : undefined} data-field={c.name}>
      {inner}
      {filter && <button type="button" className="gt-filter-btn" aria-label={`${c.name} = ${value}`} title={`${c.name} = ${value}`} onClick={() => p.onFilter?.(c.field.name, value, true)}>=</button>}
    </div>
  );
}

function SparkCell({ c, value, style, width, height, p }: { c: Column; value: unknown; style: React.CSSProperties; width: number; height: number; p: BodyProps }): ReactNode {
  const inner = value as DataFrame | null;
  const y = inner?.fields?.find((f) => f.type === FieldType.number);
  if (!y) return <div role="cell" className="gt-cell" style={style}>–</div>;
  const values = y.values as (number | null)[];
  const last = values.findLast((v) => typeof v === 'number');
  const d = displayOf({ ...c.field, type: FieldType.number, display: undefined }, last, p.mode);
  return (
    <div role="cell" className="gt-cell" style={{ ...style, display: 'flex', alignItems: 'center', gap: 8 }}>
      <Spark values={values} width={Math.max(20, width - 84)} height={height - 8} color={d.color ?? tokens[p.mode].accent} />
      <span style={{ marginLeft: 'auto' }}>{last === undefined ? '–' : formattedValueToString(d)}</span>
    </div>
  );
}

const peaks = new WeakMap<object, number>();

function peak(c: Column): number {
  let v = peaks.get(c.field);
  if (v === undefined) {
    v = 0;
    for (const x of c.field.values as unknown[]) if (typeof x === 'number' && x > v) v = x;
    peaks.set(c.field, v);
  }
  return v || 100;
}

function json(v: unknown): string {
  try {
    return typeof v === 'string' ? v : JSON.stringify(v);
  } catch {
    return String(v);
  }
}
