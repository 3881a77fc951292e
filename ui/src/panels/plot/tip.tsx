import { type ReactNode, useMemo, useSyncExternalStore } from 'react';

export interface TipRow {
  name: string;
  text: string;
  color?: string;
  near?: boolean;
  square?: boolean;
}

export interface TipContent {
  /** In pixels of the drawing. */
  x: number;
  y: number;
  head?: string;
  rows: TipRow[];
  rest?: number;
}

/** A tip lives outside of its panel's state, so that moving the pointer draws nothing but the tip. */
export interface TipStore {
  set: (to: TipContent | undefined) => void;
  get: () => TipContent | undefined;
  follow: (f: () => void) => () => void;
}

export function useTip(): TipStore {
  return useMemo(() => {
    let now: TipContent | undefined;
    const told = new Set<() => void>();
    return {
      set: (to) => {
        if (to === now) return;
        now = to;
        told.forEach((f) => f());
      },
      get: () => now,
      follow: (f) => {
        told.add(f);
        return () => told.delete(f);
      },
    };
  }, []);
}

/** Tip shows what is under the pointer, on the side of it that has room. */
export function Tip({ store, width, height }: { store: TipStore; width: number; height: number }): ReactNode {
  const tip = useSyncExternalStore(store.follow, store.get);
  if (!tip) return null;
  const right = tip.x > width / 2;
  const low = tip.y > height / 2;
  return (
    <div className="panel-tip" style={{
      ...(right ? { right: Math.max(0, width - tip.x + 12) } : { left: tip.x + 12 }),
      ...(low ? { bottom: Math.max(0, height - tip.y + 4) } : { top: tip.y + 4 }),
      maxWidth: Math.max(180, Math.min(420, width)), minWidth: Math.min(140, width),
    }}>
      {tip.head !== undefined && <div className="panel-tip-head">{tip.head}</div>}
      {tip.rows.map((r, i) => (
        <div key={i} className="panel-tip-row" data-near={r.near ? true : undefined}>
          {r.color && <span className="panel-swatch" data-square={r.square ? true : undefined} style={{ background: r.color }} />}
          <span className="ellipsis">{r.name}</span>
          <b>{r.text}</b>
        </div>
      ))}
      {!!tip.rest && <div className="panel-tip-head">+ {tip.rest}</div>}
    </div>
  );
}
