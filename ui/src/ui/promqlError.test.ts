import { expect, it } from 'vitest';

import { errorAt } from './promqlError';

it.each([
  ['invalid parameter "query": 1:9: parse error: unexpected "("', 'sum by ((', [8, 9]],
  ['2:3: parse error: no', 'a +\n  foo)', [6, 9]],
  ['1:11: parse error: no', '{a="测"} x', [8, 9]],
  ['1:4: parse error: unexpected end of input', 'a +', [2, 3]],
])('%s', (message, text, [from, to]) => expect(errorAt(message, text)).toMatchObject({ from, to }));

it('finds none in other errors', () => expect(errorAt('The server does not answer.', 'up')).toBeUndefined());
