import type { ReactNode } from 'react';

import { fade } from '../color';

const tenth = (v: number): string => String(Math.round(v * 10) / 10);

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
  let line = '';
  let area = '';
  // What has no value takes the line apart.
  let run: { x: string; y: string }[] = [];
  const end = (): void => {
    if (run.length > 1) {
      const course = run.map((p) => `${p.x},${p.y}`).join('L');
      line += `M${course}`;
      area += `M${run[0]!.x},${height}L${course}L${run.at(-1)!.x},${height}Z`;
    }
    run = [];
  };
  for (let i = 0; i < values.length; i += every) {
    const v = values[i];
    if (typeof v !== 'number' || !Number.isFinite(v)) end();
    else run.push({ x: tenth((i / (values.length - 1)) * width), y: tenth(height - 1 - ((v - lo) / (hi - lo)) * (height - 2)) });
  }
  end();
  return line === '' ? undefined : { line, area };
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
