import type { ReactNode } from 'react';

/** Facts is a list of names and values. */
export function Facts({ rows }: { rows: [name: ReactNode, value: ReactNode][] }): ReactNode {
  return (
    <dl style={{ margin: 0, display: 'grid', gridTemplateColumns: 'minmax(96px, max-content) minmax(0, 1fr)', gap: '4px 16px' }}>
      {rows.map(([name, value], i) => (
        <div key={i} style={{ display: 'contents' }}>
          <dt className="muted">{name}</dt>
          <dd style={{ margin: 0, overflowWrap: 'anywhere' }}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
