import { expect, it } from 'vitest';

import { refusal } from './client';

it('a refusal of fields says which and why', () => {
  const e = refusal(422, { title: 'Unprocessable Entity', detail: 'validation failed', errors: [{ location: 'body.to', message: 'nobody is called "ane"' }, { location: 'body', message: 'too much' }] }, '');
  expect(e.message).toBe('to: nobody is called "ane" · too much');
  expect(e.fields).toHaveLength(2);
});

it.each([
  ['"silence not found"', 'silence not found'],
  ['{"status":"error","errorType":"bad_data","error":"parse error"}', 'parse error'],
  ['{"title":"Conflict","detail":"it has ended"}', 'it has ended'],
  ['not JSON', 'not JSON'],
  ['', 'The server answers 502.'],
])('%s', (text, message) => {
  let parsed: unknown;
  try { parsed = JSON.parse(text); } catch { parsed = undefined; }
  expect(refusal(502, parsed, text).message).toBe(message);
});
