// Regular expressions that a file brings. The engine of browsers backtracks,
// and one that explodes would freeze the page: what could is refused, and how
// long a text may be follows from how many ways there are to match it.
import type { Message } from '../i18n';

const longest = 1000;

export interface SafeRegex {
  re: RegExp;
  /** Longer texts are not matched. */
  mostInput: number;
}

/** How long a text may be by the number of repetitions that may share it: about 20 million ways at most. */
const inputs = [100_000, 100_000, 5000, 500, 150, 80];

/** A pattern that begins with .* matches from the beginning of a line, if at all; trying from every character is for nothing. */
const leading = /^(?:\((?:\?:|\?<\w+>)?)*\.\*(?!\?)/;
const lineStart = '(?<![^\\n\\r\\u2028\\u2029])';

interface Group {
  repeats: boolean;
  alternatives: string[];
  wide: boolean;
}

interface Shape {
  problem: Message | undefined;
  repeats: number;
}

const nested: Message = { en: 'a repetition within a repetition, such as (a+)+, can take forever; write it without the inner one', zh: '重复嵌套（如 (a+)+）可能耗时过长，请去掉内层重复' };
const choice: Message = { en: 'a repeated choice, such as (a|ab)*, can take forever; write a class such as [ab]*', zh: '对选择分支的重复（如 (a|ab)*）可能耗时过长，请改用字符类，如 [ab]*' };
const back: Message = { en: 'a reference back to a group, such as \\1, can take forever; write it without', zh: '反向引用（如 \\1）可能耗时过长，请去掉' };
const tooMany: Message = { en: 'more than five repetitions can take forever; write fewer', zh: '超过五处重复可能耗时过长，请减少' };

/** shapeOf walks over a pattern once, looking for repetitions and what they repeat. */
function shapeOf(p: string): Shape {
  const stack: Group[] = [{ repeats: false, alternatives: [''], wide: false }];
  let repeats = 0;
  let trailing = 0; // repetitions after which nothing has to match, and which thus never fail
  let last: Group | undefined; // the group that ended just before
  const top = (): Group => stack[stack.length - 1]!;
  const atom = (text: string): void => {
    const g = top();
    g.alternatives[g.alternatives.length - 1] += text;
    last = undefined;
    trailing = 0;
  };
  for (let i = 0; i < p.length; i++) {
    const c = p[i]!;
    if (c === '\\') {
      const next = p[i + 1] ?? '';
      if (/[1-9k]/.test(next)) return { problem: back, repeats };
      atom(c + next);
      i++;
    } else if (c === '[') {
      let end = i + 1;
      if (p[end] === '^') end++;
      while (end < p.length && p[end] !== ']') end += p[end] === '\\' ? 2 : 1;
      atom(p.slice(i, end + 1));
      i = end;
    } else if (c === '(') {
      stack.push({ repeats: false, alternatives: [''], wide: false });
      last = undefined;
      const head = /^\(\?(?:[:=!]|<[=!]|<\w+>)/.exec(p.slice(i));
      if (head) i += head[0].length - 1;
    } else if (c === ')') {
      if (stack.length === 1) continue; // RegExp itself says what is wrong
      last = stack.pop()!;
      const g = top();
      g.repeats ||= last.repeats;
      g.alternatives[g.alternatives.length - 1] += '()';
    } else if (c === '|') {
      top().alternatives.push('');
      last = undefined;
    } else if (c === '*' || c === '+' || c === '?' || c === '{') {
      const q = c === '{' ? /^\{(\d+)(,(\d*))?\}/.exec(p.slice(i)) : undefined;
      if (c === '{' && !q) {
        atom(c);
        continue;
      }
      if (q) i += q[0].length - 1;
      const most = c === '?' ? 1 : q ? (q[2] === undefined ? Number(q[1]) : q[3] === '' ? Infinity : Number(q[3])) : Infinity;
      if (p[i + 1] === '?') i++;
      if (most <= 1) continue;
      if (last?.repeats) return { problem: nested, repeats };
      if (last && last.alternatives.length > 1 && !distinct(last.alternatives)) return { problem: choice, repeats };
      top().repeats = true;
      if (last) trailing = 0;
      repeats++;
      trailing++;
      last = undefined;
    } else {
      // An end that has to be reached can fail, as a letter can.
      if (c === '$') trailing = 0;
      if (c !== '^' && c !== '$') atom(c);
    }
  }
  return { problem: repeats - trailing > 5 ? tooMany : undefined, repeats: repeats - trailing };
}

/** distinct tells whether every alternative begins with a letter of its own. */
function distinct(alternatives: string[]): boolean {
  const firsts = alternatives.map((a) => (/^\\[^a-zA-Z]|^[^\\.[(]/.exec(a) ?? [''])[0]);
  return firsts.every((f) => f !== '') && new Set(firsts).size === firsts.length;
}

/** safeRegex compiles "/pattern/flags" or a bare pattern. */
export function safeRegex(source: string, bareFlags = ''): SafeRegex | Message {
  const literal = /^\/(.*)\/([a-z]*)$/s.exec(source);
  const pattern = literal ? literal[1]! : source;
  const flags = (literal ? literal[2]! : bareFlags).replace(/[^gimsu]/g, '');
  if (pattern.length > longest) return { en: `a regular expression of more than ${longest} characters`, zh: `正则表达式超过 ${longest} 个字符` };
  const shape = shapeOf(pattern);
  if (shape.problem) return shape.problem;
  try {
    const fromStart = leading.test(pattern) && !pattern.includes('|') && !/[gs]/.test(flags);
    const anchored = fromStart || (pattern.startsWith('^') && !pattern.includes('|')) ? 0 : 1;
    return { re: new RegExp(fromStart ? lineStart + pattern : pattern, flags), mostInput: inputs[Math.min(shape.repeats + (shape.repeats > 0 ? anchored : 0), inputs.length - 1)]! };
  } catch (e) {
    const why = (e as Error).message.slice(0, 200);
    return { en: why, zh: why };
  }
}

export const isSafe = (r: SafeRegex | Message): r is SafeRegex => 're' in r;
