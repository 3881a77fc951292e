import type { ReactNode } from 'react';

/** SmallLegend names a few colours in a line below a drawing. */
export function SmallLegend({ items, height, hidden, onPick }: { items: { name: string; color: string }[]; height: number; hidden?: ReadonlySet<string>; onPick?: (name: string) => void }): ReactNode {
  return (
    <div className="legend" style={{ height }}>
      <div className="legend-list">
        {items.slice(0, 200).map((i) => (
          <button key={i.name} type="button" className="legend-item" aria-pressed={!hidden?.has(i.name)} onClick={() => onPick?.(i.name)}>
            <span className="panel-swatch" data-square style={{ background: i.color }} /><span className="ellipsis">{i.name}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
