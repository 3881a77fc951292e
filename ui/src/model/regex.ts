// Regular expressions that a file brings. The engine of browsers backtracks,
// and one that explodes would freeze the page: what could is refused, and how
// long a text may be follows from how many ways there are to match it.
import type { Message } from '../i18n';

const longest = 1000;

export interface SafeRegex {
  re: RegExp;
  /** Longer texts are not matched. */
  mostInput: number;
  /** The same for whoever compiles the pattern as it is written, in place of re. */
  mostAsWritten: number;
}

/** The ways to match a text that the engine may have to go through: about a second's work. */
const mostWays = 12_500_000;

/** No text is looked at that is longer. */
const mostText = 100_000;

/** A pattern whose texts would have to be shorter is of no use. */
const leastText = 64;

/** A pattern that begins with .* matches from the beginning of a line, if at all; trying from every character is for nothing. */
const leading = /^(?:\((?:\?:|\?<\w+>)?)*\.\*(?!\?)/;
const lineStart = '(?<![^\\n\\r\\u2028\\u2029])';

/** In how many ways a text of n characters can be matched: about times · n^power / power!. */
interface Ways {
  power: number;
  times: number;
}

const one: Ways = { power: 0, times: 1 };
const both = (a: Ways, b: Ways): Ways => ({ power: a.power + b.power, times: a.times * b.times });
const either = (a: Ways, b: Ways): Ways => ({ power: Math.max(a.power, b.power), times: a.times + b.times });
const isOne = (w: Ways): boolean => w.power === 0 && w.times === 1;

interface Alternative {
  /** What it is made of, less its quantifiers. */
  atoms: string;
  ways: Ways;
  /** Without the repetitions at its end, after which nothing has to match, and which thus never fail. */
  failing: Ways;
}

type Group = Alternative[];

const begin = (): Alternative => ({ atoms: '', ways: one, failing: one });

const nested: Message = { en: 'a repetition within a repetition, such as (a+)+, can take forever; write it without the inner one', zh: '重复嵌套（如 (a+)+）可能耗时过长，请去掉内层重复' };
const choice: Message = { en: 'a repeated choice, such as (a|ab)* or (aa?)*, can take forever; write a class such as [ab]*', zh: '对选择分支的重复（如 (a|ab)* 或 (aa?)*）可能耗时过长，请改用字符类，如 [ab]*' };
const back: Message = { en: 'a reference back to a group, such as \\1, can take forever; write it without', zh: '反向引用（如 \\1）可能耗时过长，请去掉' };
const tooMany: Message = { en: 'so many repetitions, optional parts and choices can take forever; write fewer', zh: '重复、可选部分和选择分支过多，可能耗时过长，请减少' };

/** The most counted repetitions, such as {2,5}, that are counted as so many ways; more are as good as endless. */
const mostCounted = 100;

interface Shape {
  /** In how many ways it can fail. */
  ways: Ways;
  /** Whether all of it is one alternative that begins at the beginning. */
  anchored: boolean;
}

/** shapeOf walks over a pattern once, and counts the ways in which it can fail. */
function shapeOf(p: string, anyCase: boolean): Shape | Message {
  const stack: Group[] = [[begin()]];
  let last: Ways | undefined; // the group that ended just before
  const top = (): Alternative => stack[stack.length - 1]!.at(-1)!;
  // What has to match next can fail, and all that stands before it be tried anew.
  const seal = (): void => stack.forEach((g) => { g.at(-1)!.failing = g.at(-1)!.ways; });
  const atom = (text: string): void => {
    seal();
    top().atoms += text;
    last = undefined;
  };
  for (let i = 0; i < p.length; i++) {
    const c = p[i]!;
    if (c === '\\') {
      const next = p[i + 1] ?? '';
      if (/[1-9k]/.test(next)) return back;
      atom(c + next);
      i++;
    } else if (c === '[') {
      let end = i + 1;
      if (p[end] === '^') end++;
      while (end < p.length && p[end] !== ']') end += p[end] === '\\' ? 2 : 1;
      atom(p.slice(i, end + 1));
      i = end;
    } else if (c === '(') {
      const head = /^\(\?(?:[:=!]|<[=!]|<\w+>)/.exec(p.slice(i))?.[0] ?? '(';
      // A look around can fail with nothing in it.
      if (/[=!]$/.test(head)) seal();
      stack.push([begin()]);
      last = undefined;
      i += head.length - 1;
    } else if (c === ')') {
      if (stack.length === 1) continue; // RegExp itself says what is wrong
      const ended = stack.pop()!;
      const into = top();
      last = sum(ended, (a) => a.ways, anyCase);
      into.failing = both(into.failing, sum(ended, (a) => a.failing, anyCase));
      into.ways = both(into.ways, last);
      into.atoms += '()';
    } else if (c === '|') {
      stack[stack.length - 1]!.push(begin());
      last = undefined;
    } else if (c === '*' || c === '+' || c === '?' || c === '{') {
      const q = c === '{' ? /^\{(\d+)(,(\d*))?\}/.exec(p.slice(i)) : undefined;
      if (c === '{' && !q) {
        atom(c);
        continue;
      }
      if (q) i += q[0].length - 1;
      const least = q ? Number(q[1]) : c === '+' ? 1 : 0;
      const most = c === '?' ? 1 : q ? (q[2] === undefined ? least : q[3] === '' ? Infinity : Number(q[3])) : Infinity;
      if (p[i + 1] === '?') i++;
      const of = last ?? one;
      last = undefined;
      const few = most <= mostCounted;
      if (!few && !isOne(of)) return of.power > 0 ? nested : choice;
      // The group itself is counted once already; that {0} leaves it out is one more way.
      const more = Math.max(most - 1, 0);
      const counts = least === most && most > 0 ? 1 : Math.max(most - least, 1) + 1;
      top().ways = both(top().ways, few ? { power: of.power * more, times: of.times ** more * counts } : { power: 1, times: 1 });
    } else {
      // An end that has to be reached can fail, as a letter can.
      if (c === '^' || c === '$') seal();
      else atom(c);
    }
  }
  const root = stack[0]!;
  return { ways: sum(root, (a) => a.failing, anyCase), anchored: p.startsWith('^') && root.length === 1 };
}

/** sum adds up what the alternatives of a group allow; of distinct ones, only one can match. */
function sum(g: Group, of: (a: Alternative) => Ways, anyCase: boolean): Ways {
  return distinct(g, anyCase) ? one : g.map(of).reduce(either);
}

/** distinct tells whether every alternative begins with a letter of its own, and can be matched in one way. */
function distinct(g: Group, anyCase: boolean): boolean {
  if (g.length === 1 || g.some((a) => !isOne(a.ways))) return false;
  const firsts = g.map((a) => (/^\\[^a-zA-Z]|^[^\\.[(]/.exec(a.atoms) ?? [''])[0]).map((f) => (anyCase ? f.toUpperCase().toLowerCase() : f));
  return firsts.every((f) => f !== '') && new Set(firsts).size === firsts.length;
}

/** mostFor is the length of the longest text that can be matched in few enough ways. */
function mostFor(w: Ways, anchored: boolean): number {
  if (isOne(w)) return mostText;
  // Without an anchor it is tried from every character.
  const power = w.power + (anchored ? 0 : 1);
  let ways = mostWays / w.times;
  if (power === 0) return ways >= 1 ? mostText : 0;
  for (let i = 2; i <= power; i++) ways *= i;
  return Math.min(Math.floor(ways ** (1 / power)), mostText);
}

/**
 * safeRegex compiles "/pattern/flags" or a bare pattern. A bare one is looked
 * for anywhere in a text, or has to match the whole of it, as Grafana's
 * stringToJsRegex reads it.
 */
export function safeRegex(source: string, bare: 'anywhere' | 'whole' = 'anywhere'): SafeRegex | Message {
  const literal = /^\/(.*)\/([a-z]*)$/s.exec(source);
  const pattern = literal ? literal[1]! : bare === 'whole' ? `^${source}$` : source;
  const flags = (literal ? literal[2]! : '').replace(/[^gimsu]/g, '');
  if (pattern.length > longest) return { en: `a regular expression of more than ${longest} characters`, zh: `正则表达式超过 ${longest} 个字符` };
  // Letters are alike by the flag, or in a group such as (?i:a).
  const shape = shapeOf(pattern, flags.includes('i') || /\(\?[a-z-]*i/.test(pattern));
  if (!('ways' in shape)) return shape;
  const fromStart = leading.test(pattern) && !pattern.includes('|') && !/[gs]/.test(flags);
  const anchored = shape.anchored && !flags.includes('m');
  const mostInput = mostFor(shape.ways, anchored || fromStart);
  if (mostInput < leastText) return tooMany;
  try {
    return { re: new RegExp(fromStart ? lineStart + pattern : pattern, flags), mostInput, mostAsWritten: mostFor(shape.ways, anchored) };
  } catch (e) {
    const why = (e as Error).message.slice(0, 200);
    return { en: why, zh: why };
  }
}

export const isSafe = (r: SafeRegex | Message): r is SafeRegex => 're' in r;
