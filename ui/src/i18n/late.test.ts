import { expect, it, vi } from 'vitest';

import { setLanguage } from '.';
import { inChinese } from './late';

it('loads once, in Chinese only, and again after a failure', async () => {
  vi.stubGlobal('document', { documentElement: { lang: '' } });
  const load = vi.fn().mockRejectedValueOnce(new Error('offline')).mockResolvedValue('words');
  const late = inChinese<string>(load);
  setLanguage('en');
  expect(await late.ready()).toBeUndefined();
  expect(load).not.toHaveBeenCalled();
  setLanguage('zh');
  expect(await late.ready()).toBeUndefined();
  expect(await late.ready()).toBe('words');
  expect(await late.ready()).toBe('words');
  expect(load).toHaveBeenCalledTimes(2);
  setLanguage('en');
  vi.unstubAllGlobals();
});
