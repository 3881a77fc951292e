import { describe, expect, it } from 'vitest';

import { diff, mostFields } from './diff';
import { attempts } from './refused';
import { expiry, tokenState } from './tokenState';

describe('diff', () => {
  it('lists what differs, with its path', () => {
    expect(diff({ role: 'viewer', name: 'a', x: { y: [1] } }, { role: 'admin', name: 'a', x: { y: [1, 2] } })).toEqual([
      { path: 'role', before: 'viewer', after: 'admin' },
      { path: 'x.y', before: '[1]', after: '[1,2]' },
    ]);
  });
  it('shows a side that is not there as such', () => {
    expect(diff(undefined, { a: 1 })).toEqual([{ path: 'a', before: undefined, after: '1' }]);
    expect(diff({ a: null }, null)).toEqual([{ path: 'a', before: 'null', after: undefined }]);
    expect(diff('x', 'y')).toEqual([{ path: '', before: 'x', after: 'y' }]);
    expect(diff(undefined, undefined)).toEqual([]);
  });
  it('is not led astray by names of the prototype', () => {
    expect(diff({}, JSON.parse('{"__proto__": {"a": 1}, "constructor": "x"}'))).toEqual([{ path: '__proto__.a', before: undefined, after: '1' }, { path: 'constructor', before: undefined, after: 'x' }]);
  });
  it('is bounded in depth and in length', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 500; i++) deep = { a: deep };
    expect(diff(undefined, (deep as { a: unknown }).a)).toHaveLength(1);
    expect(diff(undefined, Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i])))).toHaveLength(mostFields);
  });
});

describe('attempts', () => {
  it('are those of a refused sign-in only', () => {
    expect(attempts({ action: 'sign-in.failed', after: { attempts: 17, reasons: { wrong: 17 } } })).toBe(17);
    expect(attempts({ action: 'user.update', after: { attempts: 17 } })).toBeUndefined();
    expect(attempts({ action: 'sign-in.failed', after: null })).toBeUndefined();
    expect(attempts({ action: 'sign-in.failed', after: { attempts: '17' } })).toBeUndefined();
  });
});

describe('tokenState', () => {
  const now = Date.parse('2026-06-01T00:00:00Z');
  it.each([
    [{}, 'valid'],
    [{ expires_at: '2026-06-08T00:00:01Z' }, 'valid'],
    [{ expires_at: '2026-06-07T00:00:00Z' }, 'soon'],
    [{ expires_at: '2026-06-01T00:00:00Z' }, 'ended'],
    [{ revoked_at: '2026-05-01T00:00:00Z' }, 'ended'],
    [{ replaced_by: 'x', expires_at: '2026-06-02T00:00:00Z' }, 'replaced'],
  ] as const)('%j is %s', (token, want) => {
    expect(tokenState(token, now)).toBe(want);
  });
  it('expiry adds days, or none', () => {
    expect(expiry('30d', now)).toBe('2026-07-01T00:00:00.000Z');
    expect(expiry('never', now)).toBeUndefined();
  });
});
