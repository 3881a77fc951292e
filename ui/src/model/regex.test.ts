import { describe, expect, it } from 'vitest';

import { isSafe, safeRegex } from './regex';

describe('safeRegex', () => {
  it.each(['/.*pod="([^"]+).*/', '(.*)', '/^node-(\\d+)$/i', '[a-z]+(?:-[a-z]+)?', 'a{2,5}', '(a|b)*', '/(?<text>[^,]+),(?<value>.*)/', '\\(\\)\\*'])('takes %s', (p) => expect(isSafe(safeRegex(p))).toBe(true));
  it.each(['(a+)+', '(a*)*b', '([a-z]+)*$', '(a|a)*', '(a|ab)*c', '(\\w|\\d)+', '((a{2,})b?)+', '(.*)\\1', '.*a.*b.*c.*d.*e.*f.*g', 'x'.repeat(1001), '(', '(?<n>a+)+'])('refuses %s', (p) => expect(isSafe(safeRegex(p))).toBe(false));
  it('finds the same for a pattern that begins with .* as without its anchor', () => {
    const r = safeRegex('/(.*):(\\d+)/');
    if (!isSafe(r)) throw new Error(r.en);
    expect([...r.re.exec('x:y:12')!].slice(1)).toEqual(['x:y', '12']);
    expect(r.re.exec('none\na:1')!.slice(1)).toEqual(['a', '1']);
  });
  it.each(['.*a.*a.*a.*b', '.*.*.*=', '(.*),(.*),(.*);', '\\s+$', 'a*a*a*a*b'])('bounds the text that %s is tried on, so that it ends soon', (p) => {
    const r = safeRegex(p);
    if (!isSafe(r)) throw new Error(r.en);
    const begin = performance.now();
    for (const c of ['a', '=', ',', ' ']) r.re.test(c.repeat(r.mostInput) + '!');
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});
