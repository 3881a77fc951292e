// Sentences with places for something else, found again in what was made of them.
export type Sentence = readonly [en: string, zh: string];

const place = /\{(\w+)\}/;

interface Pattern {
  fits: RegExp;
  names: string[];
  zh: string;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** patternOf makes a matcher of a sentence. split with a group gives texts and names in turn. */
function patternOf([en, zh]: Sentence): Pattern {
  const parts = en.split(place);
  return { fits: new RegExp(`^${parts.map((p, i) => (i % 2 === 0 ? escaped(p) : '([^]+?)')).join('')}$`), names: parts.filter((_, i) => i % 2 === 1), zh };
}

/** The longest text that is looked for: these sentences are short, and what is long is somebody's own. */
const longest = 2000;

/**
 * translatorOf gives what finds a text in Chinese; undefined for one that is not known. Names in
 * braces stand for any text, which stays as it is; what {said} stands for is a sentence of the
 * table itself, which may hold another. The first that fits counts.
 */
export function translatorOf(table: readonly Sentence[]): (text: string) => string | undefined {
  const exact = new Map(table.filter(([en]) => !place.test(en)));
  const patterns = table.filter(([en]) => place.test(en)).map(patternOf);
  const find = (text: string, depth: number): string | undefined => {
    if (depth > 2 || text.length > longest) return undefined;
    const whole = exact.get(text);
    if (whole !== undefined) return whole;
    for (const { fits, names, zh } of patterns) {
      const found = fits.exec(text);
      if (!found) continue;
      const values = new Map(names.map((n, i) => [n, found[i + 1]!]));
      return zh.replace(/\{(\w+)\}/g, (_, n: string) => {
        const value = values.get(n) ?? '';
        return n === 'said' ? find(value, depth + 1) ?? value : value;
      });
    }
    return undefined;
  };
  return (text) => find(text, 0);
}
