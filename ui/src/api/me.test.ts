import { expect, it, vi } from 'vitest';

vi.mock('../app/base', () => ({ prefix: '' }));

const { ApiError, call, onExpired } = await import('./client');
const { me, nobody, whoNow } = await import('./me');

const known = { name: 'anna', method: 'session' as const, may: ['read' as const] };

it('who has not signed in is nobody, and who had stays until they sign in again', () => {
  const refused = new ApiError('sign in', 401);
  expect(whoNow(refused, undefined)).toBe(nobody);
  expect(whoNow(refused, nobody)).toBe(nobody);
  expect(() => whoNow(refused, known)).toThrow(refused);
  const broken = new ApiError('broken', 500);
  expect(() => whoNow(broken, undefined)).toThrow(broken);
});

it('a refusal asks who one is, and a refusal of that does not', async () => {
  const told = vi.fn();
  onExpired(told);
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"detail": "sign in"}', { status: 401 })));
  await expect(me()).rejects.toThrow('sign in');
  expect(told).not.toHaveBeenCalled();
  await expect(call('/api/v1/query')).rejects.toThrow('sign in');
  expect(told).toHaveBeenCalledOnce();
  vi.unstubAllGlobals();
});
