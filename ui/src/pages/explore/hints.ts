// What is likely wrong with an expression, or dear.

import type { Labels, Metadata } from '../../api/prometheus';
import type { Message } from '../../i18n';
import { familyOf, kindOf } from './defaults';
import { type Ast, selectors, selectorText, valueType, write } from './tree';

export interface Hint {
  tone: 'warning' | 'info';
  message: Message;
  fill?: Record<string, string | number>;
}

const m = {
  rateOfGauge: { en: '{fn} of {name}, which is a gauge: that is for counters. Write {use}.', zh: '对 {name} 使用了 {fn}，但它是 gauge；{fn} 用于 counter。请改用 {use}。' },
  deltaOfCounter: { en: '{fn} of {name}, which is a counter: its resets look like drops. Write rate or increase.', zh: '对 {name} 使用了 {fn}，但它是 counter；重置会被当作下降。请改用 rate 或 increase。' },
  rawCounter: { en: '{name} is a counter: its value only grows. rate({name}[1m]) says how fast.', zh: '{name} 是 counter，其值只增不减。rate({name}[1m]) 表示增长速度。' },
  noMetric: { en: 'No series is called {name} at this time.', zh: '此刻没有名为 {name} 的序列。' },
  excluded: { en: '{matcher} excludes everything: without it there are {n} series.', zh: '{matcher} 排除了所有序列：去掉后有 {n} 条。' },
  together: { en: 'Each matcher by itself selects something; together they select nothing.', zh: '每个匹配条件单独都有结果，合在一起则没有。' },
  noLabel: { en: 'No series below has a label {label}: all of them fall into one group.', zh: '下层序列都没有标签 {label}：全部归为一组。' },
  dropped: { en: 'Both sides have series ({left} and {right}), but none meet.', zh: '两侧都有序列（{left} 和 {right}），但没有匹配。' },
  on: { en: 'Compare the labels of both sides, or match with on (…).', zh: '请比较两侧的标签，或使用 on (…) 指定匹配。' },
  compared: { en: 'The comparison is true for none of {n} series.', zh: '{n} 条序列均不满足该比较。' },
  inner: { en: 'It drops all of the {n} series below.', zh: '它丢弃了下层的全部 {n} 条序列。' },
  many: { en: '{n} series: aggregate, or narrow it by a label.', zh: '{n} 条序列：请聚合或用标签缩小范围。' },
} satisfies Record<string, Message>;

const forCounters = new Set(['rate', 'irate', 'increase']);
const forGauges = new Set(['delta', 'idelta', 'deriv', 'predict_linear', 'double_exponential_smoothing']);
// What makes sense of the value of a counter itself.
const takesCounter = new Set([...forCounters, 'resets', 'changes', 'absent', 'absent_over_time', 'present_over_time', 'count_over_time', 'timestamp', 'histogram_quantile']);
const counts = new Set(['count', 'group', 'count_values']);

/** So many series of one selector are dear. */
const dear = 1000;

/** staticHints are those that need no data but what kind each metric is. */
export function staticHints(root: Ast, meta: (name: string) => Metadata | undefined): Hint[] {
  const out = new Map<string, Hint>();
  const say = (tone: Hint['tone'], message: Message, fill: Record<string, string>): void => {
    out.set(message.en + JSON.stringify(fill), { tone, message, fill });
  };
  for (const { selector, around } of selectors(root)) {
    const name = selector.matchers.find((x) => x.name === '__name__' && x.type === '=')?.value;
    if (!name) continue;
    const known = familyOf(name, meta).meta;
    if (!known) continue;
    const kind = kindOf(name, known);
    const calls = around.filter((a) => a.type === 'call').map((a) => a.func.name);
    const inner = calls.at(-1);
    if (kind === 'gauge' && inner && forCounters.has(inner) && selector.type === 'matrixSelector') say('warning', m.rateOfGauge, { fn: inner, name, use: inner === 'increase' ? 'delta' : 'deriv' });
    if (kind === 'counter' && inner && forGauges.has(inner) && selector.type === 'matrixSelector') say('warning', m.deltaOfCounter, { fn: inner, name });
    const counted = around.some((a) => a.type === 'aggregation' && counts.has(a.op));
    if ((kind === 'counter' || kind === 'histogram') && !counted && !calls.some((c) => takesCounter.has(c) || forGauges.has(c))) say('info', m.rawCounter, { name });
  }
  return [...out.values()];
}

export interface Sample {
  labels: Labels;
  value: number;
}

/** hintsOf looks into why a part gives nothing, or very much. ask evaluates at the same moment; it is asked a few times at most. */
export async function hintsOf(e: Ast, series: number, ask: (query: string) => Promise<Sample[]>): Promise<Hint[]> {
  const count = async (q: string): Promise<number> => (await ask(`count(${q})`))[0]?.value ?? 0;
  const over = (e: Ast, text: string): string => (valueType(e) === 'matrix' ? `count_over_time(${text})` : text);
  switch (e.type) {
    case 'vectorSelector':
    case 'matrixSelector': {
      if (series > dear) return [{ tone: 'info', message: m.many, fill: { n: series } }];
      if (series > 0) return [];
      const name = e.matchers.find((x) => x.name === '__name__' && x.type === '=');
      if (name && (await count(over(e, write({ ...e, matchers: [name] })))) === 0) return [{ tone: 'warning', message: m.noMetric, fill: { name: name.value } }];
      const rest = e.matchers.filter((x) => x !== name).slice(0, 8);
      for (const without of rest) {
        const matchers = e.matchers.filter((x) => x !== without);
        // A selector has to have one matcher that "" does not meet; the server says so of others.
        if (matchers.length === 0) continue;
        const n = await count(over(e, write({ ...e, matchers }))).catch(() => 0);
        if (n > 0) return [{ tone: 'warning', message: m.excluded, fill: { matcher: selectorText([without]).slice(1, -1), n } }];
      }
      return rest.length > 1 ? [{ tone: 'warning', message: m.together }] : [];
    }
    case 'aggregation': {
      if (series === 0) {
        const n = await count(write(e.expr));
        return n > 0 ? [{ tone: 'warning', message: m.inner, fill: { n } }] : [];
      }
      if (e.without || e.grouping.length === 0) return [];
      const groups = await ask(write({ type: 'aggregation', op: 'group', expr: e.expr, param: null, grouping: e.grouping, without: false }));
      return e.grouping.filter((label) => groups.length > 0 && groups.every((g) => !g.labels[label])).map((label) => ({ tone: 'warning', message: m.noLabel, fill: { label } }));
    }
    case 'binaryExpr': {
      if (series > 0 || valueType(e.lhs) !== 'vector') return [];
      const left = await count(write(e.lhs));
      if (left === 0) return [];
      if (valueType(e.rhs) !== 'vector') return [{ tone: 'info', message: m.compared, fill: { n: left } }];
      const right = await count(write(e.rhs));
      if (right === 0) return [];
      return [{ tone: 'warning', message: m.dropped, fill: { left, right } }, { tone: 'info', message: m.on }];
    }
    default:
      return [];
  }
}
