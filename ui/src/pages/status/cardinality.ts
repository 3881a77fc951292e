/** What the explorer looks into: all series, or those of a metric, a label or a pair, split by a label. */
export interface Cut {
  metric?: string;
  /** A label and its value, as name=value. */
  pair?: string;
  /** The label by whose values series are counted. */
  label?: string;
}

const legacy = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** quoteName writes a label's name as PromQL takes it; one with other letters is quoted. */
export const quoteName = (name: string): string => (legacy.test(name) ? name : JSON.stringify(name));

/** splitPair takes a pair of name=value apart, as the server lists them. A value may have = in it, a name does not. */
export function splitPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

/** selector selects what a cut looks into; undefined is everything. */
export function selector(c: Cut): string | undefined {
  const parts: string[] = [];
  if (c.metric) parts.push(`__name__=${JSON.stringify(c.metric)}`);
  if (c.pair) {
    const [name, value] = splitPair(c.pair);
    parts.push(`${quoteName(name)}=${JSON.stringify(value)}`);
  }
  if (parts.length === 0 && c.label) parts.push(`${quoteName(c.label)}!=""`);
  return parts.length === 0 ? undefined : `{${parts.join(',')}}`;
}

/** How many rows the explorer lists. */
export const top = 20;

/** splitQuery counts the series of a cut by its label, or by metric where it names none. */
export function splitQuery(c: Cut): { query: string; by: string } | undefined {
  const sel = selector(c);
  if (!sel) return undefined;
  const by = c.label ?? (c.metric ? undefined : '__name__');
  if (!by) return undefined;
  return { query: `topk(${top}, count by (${quoteName(by)}) (${sel}))`, by };
}

/** valuesQuery counts the values that a label has within a cut. */
export const valuesQuery = (c: Cut, label: string): string => `count(count by (${quoteName(label)}) (${selector(c) ?? '{__name__!=""}'}))`;

/** deeper is the cut that a press on a row leads to. */
export function deeper(c: Cut, by: string, value: string): Cut {
  if (by === '__name__') return { ...c, metric: value, label: undefined };
  return { metric: c.metric, pair: `${by}=${value}`, label: undefined };
}
