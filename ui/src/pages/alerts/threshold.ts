/** What a rule's expression compares, where it is a plain comparison with a number. */
export interface Comparison {
  left: string;
  op: '>' | '<' | '>=' | '<=' | '==' | '!=';
  value: number;
}

const numberText = String.raw`[-+]?\s*(?:0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)`;
const tail = new RegExp(`^\\s*(?:bool\\b)?\\s*(${numberText})\\s*$`, 'i');
const head = new RegExp(`^\\s*(${numberText})\\s*$`, 'i');

interface At {
  at: number;
  op: Comparison['op'];
}

/** topLevel finds the comparisons and set operators that are in no brackets, strings or comments. */
function topLevel(expr: string): { compares: At[]; sets: boolean } {
  const compares: At[] = [];
  let sets = false;
  let depth = 0;
  for (let i = 0; i < expr.length; i++) {
    const c = expr[i]!;
    if (c === '"' || c === "'" || c === '`') {
      for (i++; i < expr.length && expr[i] !== c; i++) if (expr[i] === '\\' && c !== '`') i++;
    } else if (c === '#') {
      while (i < expr.length && expr[i] !== '\n') i++;
    } else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    else if (depth === 0) {
      const op = /^(>=|<=|==|!=|>|<)/.exec(expr.slice(i))?.[0] as Comparison['op'] | undefined;
      if (op) {
        compares.push({ at: i, op });
        i += op.length - 1;
      } else if (/^(and|or|unless)\b/i.test(expr.slice(i)) && !/[\w:.]/.test(expr[i - 1] ?? ' ')) sets = true;
    }
  }
  return { compares, sets };
}

/** unwrapped takes off brackets that are around all of an expression. */
function unwrapped(expr: string): string {
  let e = expr.trim();
  while (e.startsWith('(') && e.endsWith(')')) {
    let depth = 0;
    for (let i = 0; i < e.length; i++) {
      if (e[i] === '(') depth++;
      if (e[i] === ')') depth--;
      if (depth === 0 && i < e.length - 1) return e;
    }
    e = e.slice(1, -1).trim();
  }
  return e;
}

const turned: Record<Comparison['op'], Comparison['op']> = { '>': '<', '<': '>', '>=': '<=', '<=': '>=', '==': '==', '!=': '!=' };

/** comparison splits an expression at its one comparison with a number; undefined where it is anything else. */
export function comparison(expr: string): Comparison | undefined {
  const e = unwrapped(expr);
  const { compares, sets } = topLevel(e);
  if (sets || compares.length !== 1) return undefined;
  const { at, op } = compares[0]!;
  const left = e.slice(0, at).trim();
  const right = e.slice(at + op.length);
  const value = tail.exec(right)?.[1];
  if (value !== undefined && left !== '') return { left, op, value: Number(value.replace(/\s/g, '')) };
  const flipped = head.exec(left)?.[1];
  const rest = right.replace(/^\s*bool\b/i, '').trim();
  if (flipped !== undefined && rest !== '') return { left: rest, op: turned[op], value: Number(flipped.replace(/\s/g, '')) };
  return undefined;
}

/** stretches joins times that are at most gap apart into bands, in milliseconds. */
export function stretches(seconds: number[], gap: number): { from: number; to: number }[] {
  const out: { from: number; to: number }[] = [];
  for (const s of [...seconds].sort((a, b) => a - b)) {
    const last = out.at(-1);
    if (last && s * 1000 - last.to <= gap * 1000) last.to = s * 1000;
    else out.push({ from: s * 1000, to: s * 1000 });
  }
  return out;
}
