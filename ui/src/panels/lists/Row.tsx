import type { ReactNode } from 'react';

import type { BodyProps } from '../contract';

/** Row is the heading of the panels below it. Its frame draws it; this is for whoever draws the body alone. */
export function Row(p: BodyProps): ReactNode {
  return <h2>{p.replace(p.panel.title ?? '', 'text')}</h2>;
}
