import { expect, it } from 'vitest';

import { areas } from './areas';
import { subpages } from './subpages';

it('lead to pages that there are', () => {
  const paths = new Set(areas.flatMap((a) => a.routes).map((r) => r.path));
  expect(subpages.map((p) => p.to).filter((to) => !paths.has(to))).toEqual([]);
});
