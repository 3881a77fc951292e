import { type PointerEvent, type ReactNode, useLayoutEffect, useRef } from 'react';

import type { TimeAxis } from './axis';
import { useHairline } from './Hairline';

export interface CanvasProps {
  width: number;
  height: number;
  label: string;
  draw: (ctx: CanvasRenderingContext2D) => void;
  onMove?: (x: number, y: number) => void;
  onLeave?: () => void;
  /** Where the drawing has time; it then shares its crosshair, and is zoomed by drag. */
  axis?: TimeAxis;
  sync?: string;
  /** Called with milliseconds when a range is dragged. */
  onZoom?: (from: number, to: number) => void;
  children?: ReactNode;
}

/** Canvas draws in pixels of the page, sharp on every screen. */
export function Canvas(p: CanvasProps): ReactNode {
  const ref = useRef<HTMLCanvasElement>(null);
  const start = useRef<number | undefined>(undefined);
  const { draw, width, height } = p;
  const hairline = useHairline(p.sync, p.axis);
  useLayoutEffect(() => {
    const canvas = ref.current!;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const ctx = canvas.getContext('2d');
    if (!ctx) return;
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.clearRect(0, 0, width, height);
    draw(ctx);
  }, [draw, width, height]);
  const at = (e: PointerEvent<HTMLElement>): [number, number] => {
    const r = ref.current!.getBoundingClientRect();
    return [e.clientX - r.left, e.clientY - r.top];
  };
  return (
    <div className="plot" style={{ width, height }} role="group" aria-label={p.label}
      onPointerDown={(e) => { if (p.onZoom && p.axis && e.button === 0) { start.current = at(e)[0]; e.preventDefault(); } }}
      onPointerUp={(e) => {
        const from = start.current;
        start.current = undefined;
        const to = at(e)[0];
        if (from === undefined || Math.abs(to - from) <= 4) return;
        const [a, b] = [p.axis?.at(Math.min(from, to)), p.axis?.at(Math.max(from, to))];
        if (a !== undefined && b !== undefined) p.onZoom?.(Math.round(a), Math.round(b));
      }}
      onPointerMove={(e) => { const [x, y] = at(e); hairline.moved(x); p.onMove?.(x, y); }} onPointerLeave={() => { start.current = undefined; hairline.left(); p.onLeave?.(); }}>
      <canvas ref={ref} className="panel-canvas" style={{ width, height }} />
      {hairline.line}
      {p.children}
    </div>
  );
}
