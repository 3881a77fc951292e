// Ad hoc filters as matchers of every selector of an expression.
import { LabelMatchers, parser, VectorSelector } from '@prometheus-io/lezer-promql';

import type { Filter } from './dashboard';
import { regexEscape } from './formats';

const quote = (s: string): string => JSON.stringify(s);

/** nameOf quotes labels that PromQL takes only in quotes. */
const nameOf = (label: string): string => (/^[a-zA-Z_]\w*$/.test(label) ? label : quote(label));

function matcher(f: Filter): string | undefined {
  switch (f.operator) {
    case '=|':
      return `${nameOf(f.key)}=~${quote(f.values.map(regexEscape).join('|'))}`;
    case '!=|':
      return `${nameOf(f.key)}!~${quote(f.values.map(regexEscape).join('|'))}`;
    case '=':
    case '!=':
    case '=~':
    case '!~':
      return `${nameOf(f.key)}${f.operator}${quote(f.value)}`;
    default:
      return undefined; // PromQL compares values, not labels, by size.
  }
}

/** filterInto adds the filters to every selector. An expression that does not parse is given back as it is: the server says what is wrong with it. */
export function filterInto(expr: string, filters: readonly Filter[]): string {
  const matchers = filters.map(matcher).filter((m) => m !== undefined).join(',');
  if (matchers === '') return expr;
  const edits: [at: number, text: string][] = [];
  let broken = false;
  parser.parse(expr).iterate({
    enter: (node) => {
      if (node.type.isError) broken = true;
      if (node.type.id !== VectorSelector) return;
      const braces = node.node.getChild(LabelMatchers);
      if (!braces) {
        edits.push([node.to, `{${matchers}}`]);
        return;
      }
      const inside = expr.slice(braces.from + 1, braces.to - 1).trimEnd();
      edits.push([braces.to - 1, (inside.trim() === '' || inside.endsWith(',') ? '' : ',') + matchers]);
    },
  });
  if (broken) return expr;
  return edits.sort((a, b) => b[0] - a[0]).reduce((s, [at, text]) => s.slice(0, at) + text + s.slice(at), expr);
}
