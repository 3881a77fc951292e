import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';

import { follow, point } from './crosshair';

let alive = 0;

/** plotsAlive counts the plots that are not destroyed. */
export const plotsAlive = (): number => alive;

/** From how many lines on the drawing is a task of its own. */
const manyLines = 100;

export interface PlotProps {
  width: number;
  height: number;
  /** What the plot is made of. It is made anew when this changes, and only then. */
  shape: string;
  /** Is called when the plot is made anew; hooks that it holds must read what changes from references. */
  build: () => Omit<uPlot.Options, 'width' | 'height'>;
  data: uPlot.AlignedData;
  /** Changes when the x-axis moves although the data does not. */
  view: string;
  sync?: string;
  label: string;
  /** The pointer is at an index of the data, or has left (null). foreign tells that another panel's pointer led here. */
  onPoint?: (u: uPlot, index: number | null, foreign: boolean) => void;
  children?: ReactNode;
}

/** Plot keeps one uPlot over refreshes, shares its crosshair, and takes it down in the end. */
export function Plot(p: PlotProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const now = useRef(p);
  now.current = p;
  const self = useMemo(() => Symbol('plot'), []);
  // What fails in a task of its own fails as what is drawn at once does.
  const [broken, setBroken] = useState<{ error: unknown }>();
  if (broken) throw broken.error;

  const drawn = useRef<unknown[]>([]);
  // The plot that is to be taken down when the next one is there.
  const leaving = useRef<uPlot | undefined>(undefined);
  const takeDown = (): void => {
    if (!leaving.current) return;
    leaving.current.destroy();
    leaving.current = undefined;
    alive--;
  };
  useLayoutEffect(() => {
    let foreign = false;
    let stop: (() => void) | undefined;
    const make = (): void => {
      const options = now.current.build();
      const u = new uPlot(
        {
          ...options,
          width: now.current.width,
          height: now.current.height,
          hooks: {
            ...options.hooks,
            setCursor: [
              ...(options.hooks?.setCursor ?? []),
              (c) => {
                const left = c.cursor.left ?? -1;
                const i = left < 0 ? null : (c.cursor.idx ?? null);
                // While the next plot waits, this one's places are of data gone by.
                if (plot.current === c) now.current.onPoint?.(c, i, foreign);
                if (!foreign) point(now.current.sync, left < 0 ? undefined : c.posToVal(left, 'x'), self);
              },
            ],
          },
        },
        now.current.data,
        host.current!,
      );
      plot.current = u;
      drawn.current = [u, now.current.data, now.current.view];
      alive++;
      takeDown();
      stop = now.current.sync === undefined ? undefined : follow(now.current.sync, (at, from) => {
        if (from === self) return;
        foreign = true;
        const left = at === undefined ? -10 : u.valToPos(at, 'x');
        u.setCursor(left < 0 || left > u.over.clientWidth ? { left: -10, top: -10 } : { left, top: u.over.clientHeight / 2 });
        foreign = false;
      });
    };
    // Of many lines the drawing takes as long as all else that a click causes: it is a task of its own, and the old plot stays until then.
    const later = leaving.current && now.current.data.length > manyLines ? setTimeout(() => {
      try {
        make();
      } catch (error) {
        setBroken({ error });
      }
    }) : undefined;
    if (later === undefined) make();
    return () => {
      clearTimeout(later);
      stop?.();
      if (!plot.current) return;
      leaving.current = plot.current;
      plot.current = undefined;
    };
  }, [p.shape, p.sync, self]);
  // Its clean-up comes after that of the plot, which by then is the one that leaves.
  useLayoutEffect(() => takeDown, []);

  useEffect(() => {
    const u = plot.current;
    if (u && (u.width !== p.width || u.height !== p.height)) u.setSize({ width: p.width, height: p.height });
  }, [p.width, p.height, p.shape]);

  useEffect(() => {
    const u = plot.current;
    const key = [u, p.data, p.view];
    if (!u || key.every((k, i) => k === drawn.current[i])) return;
    drawn.current = key;
    u.setData(p.data);
  }, [p.data, p.view, p.shape]);

  return (
    <div className="plot" style={{ width: p.width, height: p.height }} role="group" aria-label={p.label}>
      <div ref={host} />
      {p.children}
    </div>
  );
}
