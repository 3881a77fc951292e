import { describe, expect, it } from 'vitest';

import { answers, isLoss, loadAnew, loader, recover } from './load';

const lost = new TypeError('Failed to fetch dynamically imported module: http://h/ui/app/Rules-1.js');

describe('a module that cannot be loaded', () => {
  it('is told from other errors', () => {
    for (const text of [lost.message, 'error loading dynamically imported module: http://h/x.js', 'Importing a module script failed.', 'Unable to preload CSS for /ui/app/x.css']) expect(isLoss(new Error(text)), text).toBe(true);
    for (const e of [new Error('x is undefined'), 'text', undefined]) expect(isLoss(e)).toBe(false);
  });

  it('is asked for again after a failure, and once at a time', async () => {
    let asked = 0;
    const l = loader(async () => { if (++asked === 1) throw lost; return 'page'; });
    await Promise.all([l.load(), l.load()]);
    expect([asked, l.value, l.error]).toEqual([1, undefined, lost]);
    await l.load();
    await l.load();
    expect([asked, l.value, l.error]).toEqual([2, 'page', undefined]);
  });

  it('waits while the server is silent, and does not load the page anew', async () => {
    let asked = 0;
    const l = loader(async () => { asked++; throw lost; });
    await l.load();
    const never = () => { throw new Error('loaded anew'); };
    expect(await recover(l, async () => false, never)).toBe('silent');
    expect(asked).toBe(1);
  });

  it('is loaded when the server is back', async () => {
    let back = false;
    const l = loader(async () => { if (!back) throw lost; return 'page'; });
    await l.load();
    back = true;
    expect(await recover(l, async () => true, () => false)).toBeUndefined();
    expect(l.value).toBe('page');
  });

  it('loads the page anew where the server answers without it, or its styles failed', async () => {
    for (const error of [lost, new Error('Unable to preload CSS for /ui/app/x.css')]) {
      let anew = 0;
      const l = loader(async () => { throw error; });
      await l.load();
      expect(await recover(l, async () => true, () => { anew++; return true; })).toBe('gone');
      expect(anew).toBe(1);
    }
  });

  it('loads the page anew only once a minute', () => {
    const kept = new Map<string, string>();
    const store = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) };
    let n = 0;
    const at = (now: number) => loadAnew(store, () => { n++; }, now);
    expect([at(1e12), at(1e12 + 59_000), at(1e12 + 61_000)]).toEqual([true, false, true]);
    expect(n).toBe(2);
  });

  it('takes a server that is not ready for one that does not answer', async () => {
    expect(await answers(async () => new Response('', { status: 503 }))).toBe(false);
    expect(await answers(async () => { throw new TypeError('Failed to fetch'); })).toBe(false);
    expect(await answers(async () => new Response('', { status: 200 }))).toBe(true);
  });
});
