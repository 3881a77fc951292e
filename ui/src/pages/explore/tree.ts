// The tree of an expression as /api/v1/parse_query gives it, written back as
// PromQL so that each part of it can be asked for by itself.

export interface Matcher {
  name: string;
  type: '=' | '!=' | '=~' | '!~';
  value: string;
}

interface Placed {
  offset: number;
  offsetExpr?: Ast | null;
  timestamp: number | null;
  startOrEnd: string | null;
}

interface Selecting extends Placed {
  name: string;
  matchers: Matcher[];
  anchored?: boolean;
  smoothed?: boolean;
}

export interface Matching {
  card: string;
  labels: string[];
  on: boolean;
  include: string[];
  fillValues?: { lhs: number | null; rhs: number | null };
}

export type Ast =
  | { type: 'aggregation'; op: string; expr: Ast; param: Ast | null; grouping: string[]; without: boolean }
  | { type: 'binaryExpr'; op: string; lhs: Ast; rhs: Ast; matching: Matching | null; bool: boolean }
  | { type: 'call'; func: { name: string; returnType: string }; args: Ast[] }
  | ({ type: 'vectorSelector' } & Selecting)
  | ({ type: 'matrixSelector'; range: number; rangeExpr?: Ast | null } & Selecting)
  | ({ type: 'subquery'; expr: Ast; range: number; rangeExpr?: Ast | null; step: number; stepExpr?: Ast | null } & Placed)
  | { type: 'numberLiteral'; val: string }
  | { type: 'stringLiteral'; val: string }
  | { type: 'parenExpr'; expr: Ast }
  | { type: 'unaryExpr'; op: string; expr: Ast }
  | { type: 'durationExpr'; op: string; lhs: Ast | null; rhs: Ast | null; wrapped?: boolean }
  | { type: 'placeholder' };

export type Selector = Extract<Ast, { type: 'vectorSelector' | 'matrixSelector' }>;

/** durationOf writes milliseconds as PromQL does: "1h30m". */
export function durationOf(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.abs(ms);
  let out = '';
  for (const [unit, size] of [['d', 864e5], ['h', 36e5], ['m', 6e4], ['s', 1e3], ['ms', 1]] as const) {
    const n = Math.floor(rest / size);
    if (n > 0) out += `${n}${unit}`;
    rest -= n * size;
  }
  return ms < 0 ? `-${out}` : out;
}

const plain = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const plainMetric = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = (n: string): string => (plain.test(n) ? n : JSON.stringify(n));

/** selectorText writes matchers as people do: the name in front. */
export function selectorText(matchers: readonly Matcher[]): string {
  const named = matchers.find((m) => m.name === '__name__' && m.type === '=' && m.value !== '');
  const rest = matchers.filter((m) => m !== named).map((m) => `${labelName(m.name)}${m.type}${JSON.stringify(m.value)}`);
  if (named && plainMetric.test(named.value)) return named.value + (rest.length > 0 ? `{${rest.join(',')}}` : '');
  return `{${[...(named ? [JSON.stringify(named.value)] : []), ...rest].join(',')}}`;
}

function length(ms: number, expr: Ast | null | undefined): string {
  return expr ? `(${durationText(expr)})` : durationOf(ms);
}

function durationText(e: Ast | null): string {
  if (e === null) return '';
  if (e.type === 'numberLiteral') return `${e.val}s`;
  if (e.type !== 'durationExpr') return write(e);
  if (e.op === 'step' || e.op === 'range') return `${e.op}()`;
  if (e.op === 'min' || e.op === 'max') return `${e.op}(${durationText(e.lhs)}, ${durationText(e.rhs)})`;
  const text = e.lhs === null ? `${e.op}${durationText(e.rhs)}` : `${durationText(e.lhs)} ${e.op} ${durationText(e.rhs)}`;
  return e.wrapped ? `(${text})` : text;
}

function place(p: Placed): string {
  let out = '';
  if (p.timestamp !== null && p.timestamp !== undefined) out += ` @ ${(p.timestamp / 1000).toFixed(3)}`;
  else if (p.startOrEnd) out += ` @ ${p.startOrEnd}()`;
  if (p.offsetExpr) out += ` offset ${length(0, p.offsetExpr)}`;
  else if (p.offset) out += ` offset ${durationOf(p.offset)}`;
  return out;
}

function matchingText(op: string, m: Matching | null): string {
  if (!m) return '';
  let out = '';
  if (m.on || m.labels.length > 0) out += ` ${m.on ? 'on' : 'ignoring'} (${m.labels.map(labelName).join(', ')})`;
  const set = op === 'and' || op === 'or' || op === 'unless';
  if (!set && (m.card === 'many-to-one' || m.card === 'one-to-many')) out += ` ${m.card === 'many-to-one' ? 'group_left' : 'group_right'} (${m.include.map(labelName).join(', ')})`;
  const { lhs = null, rhs = null } = m.fillValues ?? {};
  if (lhs !== null && lhs === rhs) out += ` fill (${lhs})`;
  else {
    if (lhs !== null) out += ` fill_left (${lhs})`;
    if (rhs !== null) out += ` fill_right (${rhs})`;
  }
  return out;
}

/** write gives a part as PromQL. The parser keeps brackets as parts, so none go missing. */
export function write(e: Ast): string {
  switch (e.type) {
    case 'aggregation': {
      const by = e.without ? ` without (${e.grouping.map(labelName).join(', ')})` : e.grouping.length > 0 ? ` by (${e.grouping.map(labelName).join(', ')})` : '';
      return `${e.op}${by}${by ? ' ' : ''}(${e.param ? `${write(e.param)}, ` : ''}${write(e.expr)})`;
    }
    case 'binaryExpr':
      return `${write(e.lhs)} ${e.op}${e.bool ? ' bool' : ''}${matchingText(e.op, e.matching)} ${write(e.rhs)}`;
    case 'call':
      return `${e.func.name}(${e.args.map(write).join(', ')})`;
    case 'vectorSelector':
      return selectorText(e.matchers) + (e.anchored ? ' anchored' : '') + (e.smoothed ? ' smoothed' : '') + place(e);
    case 'matrixSelector':
      return `${selectorText(e.matchers)}[${length(e.range, e.rangeExpr)}]${e.anchored ? ' anchored' : ''}${e.smoothed ? ' smoothed' : ''}${place(e)}`;
    case 'subquery':
      return `${write(e.expr)}[${length(e.range, e.rangeExpr)}:${e.step || e.stepExpr ? length(e.step, e.stepExpr) : ''}]${place(e)}`;
    case 'numberLiteral':
      return e.val;
    case 'stringLiteral':
      return JSON.stringify(e.val);
    case 'parenExpr':
      return `(${write(e.expr)})`;
    case 'unaryExpr':
      return `${e.op}${write(e.expr)}`;
    case 'durationExpr':
      return durationText(e);
    case 'placeholder':
      return '…';
  }
}

/** valueType is what evaluating a part gives. */
export function valueType(e: Ast): 'scalar' | 'vector' | 'matrix' | 'string' {
  switch (e.type) {
    case 'numberLiteral':
    case 'durationExpr':
    case 'placeholder':
      return 'scalar';
    case 'stringLiteral':
      return 'string';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
    case 'parenExpr':
    case 'unaryExpr':
      return valueType(e.expr);
    case 'binaryExpr':
      return valueType(e.lhs) === 'scalar' && valueType(e.rhs) === 'scalar' ? 'scalar' : 'vector';
    case 'call':
      return e.func.returnType === 'scalar' ? 'scalar' : e.func.returnType === 'string' ? 'string' : 'vector';
    default:
      return 'vector';
  }
}

export interface TreeNode {
  /** Its place: "0.1" is the second part of the first. */
  id: string;
  ast: Ast;
  text: string;
  /** What it does in a few characters: "sum by (job)", "/", "rate". */
  head: string;
  depth: number;
  children: TreeNode[];
}

function headOf(e: Ast): string {
  switch (e.type) {
    case 'aggregation':
      return e.op + (e.without ? ` without (${e.grouping.join(', ')})` : e.grouping.length > 0 ? ` by (${e.grouping.join(', ')})` : '');
    case 'binaryExpr':
      return `${e.op}${e.bool ? ' bool' : ''}${matchingText(e.op, e.matching)}`;
    case 'call':
      return `${e.func.name}()`;
    case 'subquery':
      return `[${length(e.range, e.rangeExpr)}:${e.step ? durationOf(e.step) : ''}]${place(e)}`;
    case 'unaryExpr':
      return e.op;
    default:
      return write(e);
  }
}

/** The parts of an expression that are shown; more say little and cost much. */
export const mostNodes = 200;

/** treeOf makes the tree that is shown: brackets are no parts of their own, nor are numbers and texts. */
export function treeOf(root: Ast): TreeNode {
  let count = 0;
  const make = (e: Ast, id: string, depth: number): TreeNode => {
    if (e.type === 'parenExpr') return make(e.expr, id, depth);
    count++;
    const parts: (Ast | null)[] =
      e.type === 'aggregation' ? [e.param, e.expr] : e.type === 'binaryExpr' ? [e.lhs, e.rhs] : e.type === 'call' ? e.args : e.type === 'subquery' || e.type === 'unaryExpr' ? [e.expr] : [];
    const children: TreeNode[] = [];
    for (const p of parts) {
      if (p && p.type !== 'stringLiteral' && p.type !== 'numberLiteral' && p.type !== 'placeholder' && count < mostNodes) children.push(make(p, `${id}.${children.length}`, depth + 1));
    }
    return { id, ast: e, text: write(e), head: headOf(e), depth, children };
  };
  return make(root, '0', 0);
}

/** selectors are those of an expression, each with what is around it, outermost first. */
export function selectors(e: Ast, around: Ast[] = []): { selector: Selector; around: Ast[] }[] {
  const inside = [...around, e];
  switch (e.type) {
    case 'vectorSelector':
    case 'matrixSelector':
      return [{ selector: e, around }];
    case 'aggregation':
      return [...(e.param ? selectors(e.param, inside) : []), ...selectors(e.expr, inside)];
    case 'binaryExpr':
      return [...selectors(e.lhs, inside), ...selectors(e.rhs, inside)];
    case 'call':
      return e.args.flatMap((a) => selectors(a, inside));
    case 'parenExpr':
    case 'unaryExpr':
    case 'subquery':
      return selectors(e.expr, inside);
    default:
      return [];
  }
}

/** countQuery asks how many series a part has; undefined for what has none. */
export function countQuery(e: Ast): string | undefined {
  switch (valueType(e)) {
    case 'vector':
      return `count(${write(e)})`;
    case 'matrix':
      return `count(count_over_time(${write(e)}))`;
    default:
      return undefined;
  }
}

const comparisons = ['>', '<', '>=', '<=', '==', '!='] as const;
export type Comparison = (typeof comparisons)[number];

/** splitThreshold takes a comparison with a number off an expression: what alert rules are. */
export function splitThreshold(e: Ast): { expr: string; op: Comparison; value: number } | undefined {
  if (e.type === 'parenExpr') return splitThreshold(e.expr);
  if (e.type !== 'binaryExpr' || e.bool || valueType(e.lhs) !== 'vector') return undefined;
  const op = comparisons.find((c) => c === e.op);
  const value = e.rhs.type === 'numberLiteral' ? Number(e.rhs.val) : e.rhs.type === 'unaryExpr' && e.rhs.op === '-' && e.rhs.expr.type === 'numberLiteral' ? -Number(e.rhs.expr.val) : NaN;
  return op && !Number.isNaN(value) ? { expr: write(e.lhs), op, value } : undefined;
}
