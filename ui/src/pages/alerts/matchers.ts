import { canApply, type Matcher, matches, matcherText } from '../../api/alertmanager';

export interface Parsed {
  matchers: Matcher[];
  /** Where reading stopped, and what was expected there. */
  error?: { at: number; expected: 'name' | 'operator' | 'value' | 'quote' | 'comma' };
}

/**
 * parseMatchers reads matchers as people write them: {a="b", c=~"d.*"} with or
 * without the braces, with or without quotes. What has been read before a
 * mistake is given all the same, so that a list can follow the typing.
 */
export function parseMatchers(text: string): Parsed {
  const out: Matcher[] = [];
  let at = 0;
  let end = text.length;
  const space = (): void => {
    while (at < end && /\s/.test(text[at]!)) at++;
  };
  const fail = (expected: NonNullable<Parsed['error']>['expected']): Parsed => ({ matchers: out, error: { at, expected } });
  const quoted = (): string | undefined => {
    let raw = '';
    let i = at + 1;
    for (; i < end && text[i] !== '"'; i++) {
      if (text[i] === '\\' && i + 1 < end) {
        i++;
        const c = text[i]!;
        raw += c === 'n' ? '\n' : c === '"' || c === '\\' ? c : `\\${c}`;
      } else raw += text[i];
    }
    if (i >= end) return undefined;
    at = i + 1;
    return raw;
  };
  space();
  if (text[at] === '{') {
    at++;
    const tail = text.trimEnd();
    if (tail.endsWith('}')) end = tail.length - 1;
  }
  for (;;) {
    space();
    if (at >= end) return { matchers: out };
    let name: string;
    if (text[at] === '"') {
      const q = quoted();
      if (q === undefined) return fail('quote');
      name = q;
    } else {
      const found = /^[^\s=!~,{}"]+/.exec(text.slice(at, end));
      if (!found) return fail('name');
      name = found[0];
      at += name.length;
    }
    space();
    const op = /^(=~|!~|!=|=)/.exec(text.slice(at, end))?.[0];
    if (!op) return fail('operator');
    at += op.length;
    space();
    let value: string;
    if (text[at] === '"' && at < end) {
      const q = quoted();
      if (q === undefined) return fail('quote');
      value = q;
    } else {
      value = /^[^\s,"{}]*/.exec(text.slice(at, end))![0];
      at += value.length;
    }
    const m: Matcher = { name, value, isRegex: op.endsWith('~'), isEqual: !op.startsWith('!') };
    out.push(m);
    space();
    if (at >= end) return { matchers: out };
    if (text[at] !== ',') return fail('comma');
    at++;
  }
}

/** matchersText is what parseMatchers reads back. */
export function matchersText(matchers: Matcher[]): string {
  return matchers.map(matcherText).join(', ');
}

/** exactly is the text of matchers that labels, and only what has all of them, meet. */
export function exactly(labels: Record<string, string>): string {
  return matchersText(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })));
}

/** withMatcher adds name="value" to a filter, unless it has it already. */
export function withMatcher(filter: string, name: string, value: string): string {
  const { matchers } = parseMatchers(filter);
  if (matchers.some((m) => m.name === name && m.value === value && !m.isRegex && m.isEqual !== false)) return filter;
  return matchersText([...matchers.filter((m) => m.name !== name || m.isRegex || m.isEqual === false), { name, value, isRegex: false, isEqual: true }]);
}

/** onlyEmpty tells whether every matcher would be met by an alert without any labels: Alertmanager takes no such silence. */
export function onlyEmpty(matchers: Matcher[]): boolean {
  return matchers.every((m) => {
    return canApply(m) && matches(m, {});
  });
}
