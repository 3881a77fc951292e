import { describe, expect, it } from 'vitest';

import { canApply, type Matcher, matches } from '../../api/alertmanager';
import { exactly, matchersText, onlyEmpty, parseMatchers, withMatcher } from './matchers';
import { comparison, stretches } from './threshold';

describe('parseMatchers', () => {
  it('reads what people write', () => {
    expect(parseMatchers('{a="b, c", d=~"e.*" ,f!=g,h!~"i\\"j"}').matchers).toEqual([
      { name: 'a', value: 'b, c', isRegex: false, isEqual: true },
      { name: 'd', value: 'e.*', isRegex: true, isEqual: true },
      { name: 'f', value: 'g', isRegex: false, isEqual: false },
      { name: 'h', value: 'i"j', isRegex: true, isEqual: false },
    ]);
    expect(parseMatchers('').matchers).toEqual([]);
    expect(parseMatchers('"a b"=""').matchers).toEqual([{ name: 'a b', value: '', isRegex: false, isEqual: true }]);
  });
  it('says where it cannot go on, and gives what came before', () => {
    expect(parseMatchers('a="b", c')).toEqual({ matchers: [{ name: 'a', value: 'b', isRegex: false, isEqual: true }], error: { at: 8, expected: 'operator' } });
    expect(parseMatchers('a="b').error?.expected).toBe('quote');
    expect(parseMatchers('=b').error?.expected).toBe('name');
    expect(parseMatchers('a=b c=d').error?.expected).toBe('comma');
  });
  it('writes what it reads back', () => {
    for (const text of ['a="b"', 'a=~"b\\\\d+", c!="\\"d\\""', 'a="x\\ny"']) {
      const { matchers } = parseMatchers(text);
      expect(parseMatchers(matchersText(matchers)).matchers).toEqual(matchers);
    }
    expect(exactly({ b: '2', a: '1' })).toBe('a="1", b="2"');
  });
  it('adds a label once, and in place of another value of it', () => {
    expect(withMatcher('a="1", b=~"x"', 'a', '2')).toBe('b=~"x", a="2"');
    expect(withMatcher('a="1"', 'a', '1')).toBe('a="1"');
  });
  it('knows silences that Alertmanager does not take', () => {
    expect(onlyEmpty(parseMatchers('a=~".*"').matchers)).toBe(true);
    expect(onlyEmpty(parseMatchers('a=~".*", b="c"').matchers)).toBe(false);
    expect(onlyEmpty([])).toBe(true);
    expect(onlyEmpty(parseMatchers('a=~"(?i)prod"').matchers)).toBe(false);
  });
  it('reads expressions as Alertmanager does, and leaves to it what this browser cannot', () => {
    const one = (text: string): Matcher => parseMatchers(text).matchers[0]!;
    expect(matches(one('a=~"(?i)prod.*"'), { a: 'PROD-1' })).toBe(true);
    expect(matches(one('a!~"(?i)prod"'), { a: 'Prod' })).toBe(false);
    expect(matches(one('a=~"/api/.*/x"'), { a: '/api/v1/x' })).toBe(true);
    expect(matches(one('a=~"b"'), { a: 'abc' })).toBe(false);
    for (const text of ['a=~"((b+))+"', 'a=~"\\\\pZ("', 'a=~"("']) {
      expect(canApply(one(text)), text).toBe(false);
      expect(matches(one(text), { a: 'b'.repeat(30) }), text).toBe(false);
    }
  });
});

describe('comparison', () => {
  it('splits a comparison with a number', () => {
    expect(comparison('rate(a{b="x > 1"}[5m]) > 0.5')).toEqual({ left: 'rate(a{b="x > 1"}[5m])', op: '>', value: 0.5 });
    expect(comparison('(sum by (job) (up) <= bool 1e3)')).toEqual({ left: 'sum by (job) (up)', op: '<=', value: 1000 });
    expect(comparison('5 < a')).toEqual({ left: 'a', op: '>', value: 5 });
    expect(comparison('up == 0')).toEqual({ left: 'up', op: '==', value: 0 });
    expect(comparison('a > - 2')).toEqual({ left: 'a', op: '>', value: -2 });
  });
  it('leaves alone what is more than that', () => {
    for (const e of ['up', 'a > b', 'a > 1 and b > 2', 'a > 1 unless on (x) b', 'absent(up)', '1 < a < 5', 'a > 1 * 2']) expect(comparison(e)).toBeUndefined();
    expect(comparison('instance_and_or > 1')?.left).toBe('instance_and_or');
  });
});

describe('stretches', () => {
  it('joins what is near', () => {
    expect(stretches([30, 10, 20, 100], 15)).toEqual([{ from: 10_000, to: 30_000 }, { from: 100_000, to: 100_000 }]);
  });
});
