import { describe, expect, it } from 'vitest';

import { translate } from '.';

const en = (text: string, fill: Record<string, string | number>): string => translate('en', { en: text, zh: text }, fill);

describe('numbers in messages', () => {
  it.each([
    ['{n} panels', 1, '1 panel'], ['{n} panels', 2, '2 panels'], ['{n} panels', 0, '0 panels'], ['{n} queries in {ms} ms', 1, '1 query in 7 ms'],
    ['{n} series are drawn', 1, '1 series is drawn'], ['fired {n} times in it', 1, 'fired 1 time in it'], ['{n} targets are down.', 1, '1 target is down.'], ['{n} of {all} series', 1, '1 of 1 series'],
    ['{n} matches', 1, '1 match'], ['at steps of {n} s', 1, 'at steps of 1 s'], ['{n} differences', '1', '1 difference'],
  ])('%s with %s', (text, n, want) => expect(en(text, { n, all: 1, ms: 7 })).toBe(want));
  it('leaves Chinese alone', () => expect(translate('zh', { en: '{n} panels', zh: '{n} panels' }, { n: 1 })).toBe('1 panels'));
});
