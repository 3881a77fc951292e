import { describe, expect, it } from 'vitest';

import { contrast, fade, inkOn, mix, parseColor, ramp, readable } from './color';
import { linkProps, safeHref } from './links';

describe('colours', () => {
  it('reads every notation that display processors give', () => {
    expect(parseColor('#f80')).toEqual([255, 136, 0, 1]);
    expect(parseColor('#73BF69')).toEqual([115, 191, 105, 1]);
    expect(parseColor('#00000080')?.[3]).toBeCloseTo(0.502, 2);
    expect(parseColor('rgba(1, 2, 3, 0.5)')).toEqual([1, 2, 3, 0.5]);
    expect(parseColor('rgb(10 20 30 / 50%)')).toEqual([10, 20, 30, 0.5]);
    expect(parseColor('url(x)')).toBeUndefined();
    expect(parseColor('#12345')).toBeUndefined();
  });
  it('fades and mixes', () => {
    expect(fade('#000000', 0.25)).toBe('rgba(0, 0, 0, 0.25)');
    expect(fade('tomato', 0.25)).toBe('tomato');
    expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080');
  });
  it('keeps text readable', () => {
    expect(inkOn('#ffee00')).toBe('#15191c');
    expect(inkOn('#1f2a60')).toBe('#ffffff');
    expect(contrast(readable('#ffee99', '#ffffff', '#15191c'), '#ffffff')).toBeGreaterThanOrEqual(3);
  });
  it('gives schemes of the asked length that begin quiet in both themes', () => {
    expect(ramp('Oranges', 64, 'light')).toHaveLength(64);
    expect(ramp('Oranges', 5, 'light')[0]).toBe('#fff5eb');
    expect(ramp('Oranges', 5, 'dark')[0]).toBe('#7f2704');
    expect(ramp('no such scheme', 1e9, 'dark')).toHaveLength(256);
    expect(ramp('Spectral', 3, 'dark', true)[0]).toBe('#9e0142');
  });
});

describe('addresses of strangers', () => {
  it.each(['javascript:alert(1)', ' JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', '\u0001javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'blob:https://a/b', 'file:///etc/passwd', '', 'https://[', 42, null])('refuses %j', (url) => {
    expect(safeHref(url)).toBeUndefined();
  });
  it.each(['https://a.example/x?y=1', 'http://a', 'mailto:a@b.example', '/d/abc', 'd/abc?var-x=1', '?a=b', '#top'])('takes %s', (url) => {
    expect(safeHref(url)).toBe(url);
  });
  it('opens other hosts apart', () => {
    expect(linkProps('//evil.example')).toEqual({ href: '//evil.example', target: '_blank', rel: 'noopener noreferrer' });
    expect(linkProps('/d/x')).toEqual({ href: '/d/x' });
    expect(linkProps('/d/x', true)?.rel).toBe('noopener noreferrer');
  });
});
