import { type ReactNode, useEffect, useMemo, useRef } from 'react';

import type { TimeAxis } from './axis';
import { follow, point } from './crosshair';

export interface Hairline {
  /** To be put into the drawing, whose place is relative. */
  line: ReactNode;
  moved: (x: number) => void;
  left: () => void;
}

/** useHairline shares the pointer over a drawing with all panels of a key, and shows where theirs is. It moves without drawing anything anew. */
export function useHairline(sync: string | undefined, axis: TimeAxis | undefined): Hairline {
  const line = useRef<HTMLDivElement>(null);
  const now = useRef(axis);
  now.current = axis;
  const self = useMemo(() => Symbol('drawing'), []);
  useEffect(() => {
    if (sync === undefined) return undefined;
    return follow(sync, (at) => {
      const el = line.current;
      if (!el) return;
      const x = at === undefined ? undefined : now.current?.place(at);
      el.hidden = x === undefined;
      if (x !== undefined) el.style.left = `${Math.round(x)}px`;
    });
  }, [sync]);
  return {
    line: sync !== undefined && axis ? <div ref={line} className="hairline" hidden aria-hidden style={{ top: axis.top, height: axis.height }} /> : null,
    moved: (x) => { if (axis) point(sync, axis.at(x), self); },
    left: () => { if (axis) point(sync, undefined, self); },
  };
}
