import { expect, it } from 'vitest';

import { pageOf, tabOf } from './tabIds';

it.each(['1/v=a b', '1/v=\ud800', '1/v=\udc00x', '1/v=\ud83d\ude00'])('%j has an id without spaces', (key) => {
  expect(tabOf(key)).toMatch(/^tab-\S+$/);
  expect(pageOf(key)).not.toBe(tabOf(key));
});
