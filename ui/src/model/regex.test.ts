import { describe, expect, it } from 'vitest';

import { isSafe, safeRegex } from './regex';

describe('safeRegex', () => {
  it.each(['/.*pod="([^"]+).*/', '(.*)', '/^node-(\\d+)$/i', '[a-z]+(?:-[a-z]+)?', 'a{2,5}', '(a|b)*', '/(?<text>[^,]+),(?<value>.*)/', '\\(\\)\\*', '\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}', '^(?:\\d{1,3}\\.){3}\\d{1,3}(?::\\d+)?$', 'node_(cpu|cpu_total|memory)_.*|process_.*'])('takes %s', (p) => expect(isSafe(safeRegex(p))).toBe(true));
  it.each(['(a+)+', '(a*)*b', '([a-z]+)*$', '(a|a)*', '(a|ab)*c', '(\\w|\\d)+', '((a{2,})b?)+', '(.*)\\1', '.*a.*b.*c.*d.*e.*f.*g', 'x'.repeat(1001), '(', '(?<n>a+)+', '(aa?)+b', '((a|aa))+b', '/(a|A)*b/i', '(?i:(a|A)*)b', '(a{0}b|b)*c', '(?:a|aa)'.repeat(22) + 'b', 'a?'.repeat(24) + 'b', '(a?){40}b', '(.*){9}b'])('refuses %s', (p) => expect(isSafe(safeRegex(p))).toBe(false));
  it('finds the same for a pattern that begins with .* as without its anchor', () => {
    const r = safeRegex('/(.*):(\\d+)/');
    if (!isSafe(r)) throw new Error(r.en);
    expect([...r.re.exec('x:y:12')!].slice(1)).toEqual(['x:y', '12']);
    expect(r.re.exec('none\na:1')!.slice(1)).toEqual(['a', '1']);
  });
  it.each([
    ['.*a.*a.*a.*b', 'a'], ['.*.*.*=', 'a'], ['(.*),(.*),(.*);', ','], ['\\s+$', ' '], ['a*a*a*a*b', 'a'], [`${'(?:a|aa)'.repeat(14)}b`, 'a'], [`${'a?'.repeat(15)}b`, 'a'], ['a*a*a*a*$', 'a'], ['^.*,.*,.*,.*,.*x$', ','], ['a*a*a*(?!)', 'a'],
  ])('bounds the text that %s is tried on, so that it ends soon', (p, c) => {
    const r = safeRegex(p);
    if (!isSafe(r)) throw new Error(r.en);
    // The time of the processor: others may keep it from this.
    const begin = process.cpuUsage();
    r.re.test(`${c.repeat(r.mostInput - 1)}!`);
    expect(process.cpuUsage(begin).user / 1000).toBeLessThan(6000);
  }, 60_000);
  it('knows that a pattern as it is written is tried from every character', () => {
    const r = safeRegex('/.*a.*b/');
    if (!isSafe(r)) throw new Error(r.en);
    expect(r.mostAsWritten).toBeLessThan(r.mostInput);
  });
  it('reads a bare pattern as looked for anywhere, or as the whole text', () => {
    const of = (...p: Parameters<typeof safeRegex>): boolean => {
      const r = safeRegex(...p);
      return isSafe(r) && r.re.test('prod-eu');
    };
    expect([of('prod'), of('prod', 'whole'), of('prod.*', 'whole'), of('/prod/', 'whole')]).toEqual([true, false, true, true]);
  });
});
