import { describe, expect, it } from 'vitest';

import { brokenAt, placeOf } from './broken';

describe('a text that is no JSON', () => {
  // What is broken stands behind the mark.
  const cases = [
    '{"a": 1, ¦}', '{"a": 1 ¦"b": 2}', '{"a"¦ 1}', '{¦a: 1}', '[1, 2, ¦]', '[1 ¦2]', '[1,¦', '¦', '{"a": ¦undefined}', '{"a": [true, {"b": null}¦}', '{"a": 1}¦ x', '{"a": ¦"x\ny"}', '{"a": ¦"\\x"}', '{"a": 0¦1}', '{"a": {}, "b": [], "c": "¶\\n\\u00e9", ¦,}', "¦'a'",
    '[{"a": -1.5e+3}, ¦-]',
  ];
  it.each(cases)('is broken at the mark: %s', (marked) => {
    const at = marked.indexOf('¦');
    const text = marked.replace('¦', '');
    expect(() => { JSON.parse(text); }).toThrow();
    const found = brokenAt(text);
    expect(text.slice(found).trimStart()).toBe(text.slice(at).trimStart());
  });

  it('is told by line and column', () => {
    const text = '{\n  "a": 1\n  "b": 2\n}';
    expect(placeOf(text, brokenAt(text))).toEqual({ line: 3, column: 3 });
    expect(placeOf('x', 0)).toEqual({ line: 1, column: 1 });
  });

  it('may be long and deep', () => {
    expect(brokenAt('['.repeat(200_000))).toBe(200_000);
    const long = `["${'a\\n'.repeat(200_000)}" 1]`;
    expect(brokenAt(long)).toBe(long.length - 2);
  });
});
