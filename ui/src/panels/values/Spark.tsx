import { curveLinear, area as makeArea, line as makeLine } from 'd3-shape';
import type { ReactNode } from 'react';

import { fade } from '../color';

/** sparkPaths gives the paths of a line without axes. No more points are drawn than there are pixels. */
export function sparkPaths(values: readonly (number | null | undefined)[], width: number, height: number, min?: number, max?: number): { line: string; area: string } | undefined {
  let lo = min ?? Infinity;
  let hi = max ?? -Infinity;
  let n = 0;
  for (const v of values) {
    if (typeof v !== 'number' || !Number.isFinite(v)) continue;
    n++;
    if (min === undefined && v < lo) lo = v;
    if (max === undefined && v > hi) hi = v;
  }
  if (n < 2) return undefined;
  if (!(hi > lo)) {
    hi = lo + 1;
    lo -= 1;
  }
  const every = Math.max(1, Math.ceil(values.length / Math.max(1, width * 2)));
  const points: [number, number | null][] = [];
  for (let i = 0; i < values.length; i += every) {
    const v = values[i];
    points.push([(i / (values.length - 1)) * width, typeof v === 'number' && Number.isFinite(v) ? height - 1 - ((v - lo) / (hi - lo)) * (height - 2) : null]);
  }
  const defined = (d: [number, number | null]): boolean => d[1] !== null;
  const x = (d: [number, number | null]): number => d[0];
  const y = (d: [number, number | null]): number => d[1] ?? 0;
  const line = makeLine<[number, number | null]>().defined(defined).x(x).y(y).curve(curveLinear).digits(1)(points);
  const area = makeArea<[number, number | null]>().defined(defined).x(x).y0(height).y1(y).digits(1)(points);
  return line && area ? { line, area } : undefined;
}

export function Spark({ values, width, height, color, min, max, className, filled = true }: { values: readonly (number | null | undefined)[]; width: number; height: number; color: string; min?: number; max?: number; className?: string; filled?: boolean }): ReactNode {
  const paths = sparkPaths(values, width, height, min, max);
  if (!paths || height < 6) return null;
  return (
    <svg className={className} width={width} height={height} aria-hidden="true" style={{ display: 'block' }}>
      {filled && <path d={paths.area} fill={fade(color, 0.16)} />}
      <path d={paths.line} fill="none" stroke={color} strokeWidth={1.25} strokeLinejoin="round" />
    </svg>
  );
}
