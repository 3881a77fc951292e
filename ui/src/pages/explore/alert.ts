// The rule file and the promtool test of an alert that is made from a query.

import type { Labels, MatrixSeries } from '../../api/prometheus';
import { numberOf, seriesName } from './frames';
import { type Ast, type Comparison, durationOf, selectors, selectorText } from './tree';

export interface AlertDraft {
  name: string;
  /** Without the comparison. */
  expr: string;
  op: Comparison;
  threshold: number;
  /** Such as "5m". */
  hold: string;
  severity: string;
  labels: Labels;
  summary: string;
  description: string;
}

/** scalar writes a YAML value that reads back as the same text: plain where that is safe, quoted otherwise. */
export function scalar(v: string): string {
  if (v.includes('\n')) return JSON.stringify(v);
  const plain = /^[A-Za-z_/][^\x00-\x1f\x7f]*$/.test(v) && !/: |\s#|:$|\s$/.test(v) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(v) && !/^[A-Za-z_/]*[{}[\],&*!|>'"%@`]/.test(v.slice(0, 1));
  return plain ? v : `'${v.replaceAll("'", "''")}'`;
}

/** value writes a text over several lines, or in one. */
export function value(v: string, indent: string): string {
  return v.includes('\n') ? `|${/^\s/.test(v) ? '2' : ''}-\n${v.split('\n').map((l) => (l === '' ? '' : indent + l)).join('\n')}` : scalar(v);
}

// An operator of lower rank than a comparison must not be taken apart by it.
const looser = /\b(and|or|unless)\b|[<>=!]=|[<>]/;

/** withoutComments leaves a comment out: what is written behind it would be one as well. */
export const withoutComments = (expr: string): string => expr.replace(/("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|#[^\n]*/g, (_, text?: string) => text ?? '').replace(/[ \t]+$/gm, '').trim();

/** alertExpr is the expression of the rule. */
export function alertExpr(d: AlertDraft): string {
  const expr = withoutComments(d.expr);
  const outside = expr.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/g, '""').replace(/\{[^{}]*\}/g, '');
  return `${looser.test(outside) ? `(${expr})` : expr} ${d.op} ${d.threshold}`;
}

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** problems are what a draft lacks, by field; empty where a rule can be made of it. */
export function problems(d: AlertDraft): Partial<Record<'name' | 'threshold' | 'hold' | 'labels', true>> {
  const out: ReturnType<typeof problems> = {};
  if (d.name.trim() === '' || /[\x00-\x1f]/.test(d.name)) out.name = true;
  if (!Number.isFinite(d.threshold)) out.threshold = true;
  if (!/^(0|(\d+(ms|[smhdwy]))+)$/.test(d.hold)) out.hold = true;
  if (Object.keys(d.labels).some((n) => !labelName.test(n) || n === 'alertname')) out.labels = true;
  return out;
}

export function ruleYAML(d: AlertDraft): string {
  const lines = ['groups:', `  - name: ${scalar(d.name.trim())}`, '    rules:', `      - alert: ${scalar(d.name.trim())}`, `        expr: ${value(alertExpr(d), '          ')}`];
  if (!/^0(s|ms|m)?$/.test(d.hold)) lines.push(`        for: ${d.hold}`);
  const labels = Object.entries({ ...(d.severity ? { severity: d.severity } : {}), ...d.labels }).filter(([, v]) => v !== '');
  if (labels.length > 0) lines.push('        labels:', ...labels.map(([n, v]) => `          ${n}: ${value(v, '            ')}`));
  const notes = Object.entries({ summary: d.summary, description: d.description }).filter(([, v]) => v.trim() !== '');
  if (notes.length > 0) lines.push('        annotations:', ...notes.map(([n, v]) => `          ${n}: ${value(v, '            ')}`));
  return `${lines.join('\n')}\n`;
}

/** inputsOf are the selectors that an expression reads, each once, and how far back. Milliseconds. */
export function inputsOf(ast: Ast): { text: string; back: number }[] {
  const out = new Map<string, number>();
  for (const { selector, around } of selectors(ast)) {
    const text = selectorText(selector.matchers);
    let back = Math.max(0, selector.offset) + (selector.type === 'matrixSelector' ? selector.range : 5 * 60_000);
    for (const a of around) if (a.type === 'subquery') back += a.range + Math.max(0, a.offset);
    out.set(text, Math.max(out.get(text) ?? 0, back));
  }
  return [...out].map(([text, back]) => ({ text, back }));
}

/** fixedTime tells whether an expression reads a moment that a test cannot move. */
export const fixedTime = (ast: Ast): boolean =>
  selectors(ast).some(({ selector, around }) => [selector, ...around].some((a) => (a.type === 'vectorSelector' || a.type === 'matrixSelector' || a.type === 'subquery') && (a.timestamp !== null || a.startOrEnd !== null || a.offset < 0)));

/** The size of a test that a person still reads. */
export const mostTestSeries = 50;
export const mostTestSamples = 240;

export interface TestInput {
  /** What the rule reads, on the grid from start, in seconds. */
  series: MatrixSeries[];
  start: number;
  step: number;
  /** How many samples each has room for. */
  samples: number;
  /** The number of alerts that fire at a sample, by its index. */
  expected: { at: number; firing: number }[];
}

// A test has fewer samples than the server, so that an alert may come a little sooner or later in it.
const margin = 3;

/**
 * steadyMarks picks what a test is held to: the last quiet moment before the
 * first alert, one while it fires, and the end, each where the number of firing
 * alerts does not change around it. firing is that number at each sample; from
 * is the first that has all that it reads.
 */
export function steadyMarks(firing: readonly number[], from: number): { at: number; firing: number }[] {
  const steady = (i: number): boolean => i >= from && firing.slice(Math.max(0, i - margin), i + margin + 1).every((n) => n === firing[i]);
  const all = firing.map((_, i) => i).filter(steady);
  const began = all.find((i) => firing[i]! > 0);
  const marks = began === undefined ? [all.at(-1)] : [all.findLast((i) => i < began && firing[i] === 0), began, all.at(-1)];
  return [...new Set(marks)].filter((i) => i !== undefined).map((at) => ({ at, firing: firing[at]! }));
}

/** valuesText is a series in promtool's notation: "1 1 _ 2", runs written short. */
export function valuesText(values: readonly (string | undefined)[]): string {
  const out: string[] = [];
  for (let i = 0; i < values.length;) {
    let n = 1;
    const v = values[i];
    const text = v === undefined ? '_' : v === '+Inf' ? 'Inf' : v;
    // Of what is written with letters there is no short form: "NaNx3" is a name.
    if (!/[fN]$/.test(text)) while (i + n < values.length && values[i + n] === v) n++;
    out.push(n === 1 ? text : `${text}x${v === undefined ? n : n - 1}`);
    i += n;
  }
  return out.join(' ');
}

/** testYAML is a promtool test that plays recorded samples to the rule. */
export function testYAML(d: AlertDraft, ruleFile: string, input: TestInput): string {
  const step = durationOf(input.step * 1000);
  const lines = ['rule_files:', `  - ${scalar(ruleFile)}`, `evaluation_interval: ${step}`, 'tests:', `  - interval: ${step}`, '    input_series:'];
  for (const s of input.series) {
    const values = new Array<string | undefined>(input.samples).fill(undefined);
    for (const [at, v] of s.values ?? []) {
      const i = Math.round((at - input.start) / input.step);
      if (i >= 0 && i < values.length) values[i] = Number.isNaN(numberOf(v)) ? 'NaN' : v;
    }
    lines.push(`      - series: '${seriesName(s.metric).replaceAll("'", "''")}'`, `        values: '${valuesText(values)}'`);
  }
  lines.push('    promql_expr_test:');
  for (const e of input.expected) {
    lines.push(`      - expr: 'count(ALERTS{alertname=${JSON.stringify(d.name.trim()).replaceAll("'", "''")}, alertstate="firing"})'`, `        eval_time: ${durationOf(e.at * input.step * 1000)}`);
    if (e.firing > 0) lines.push('        exp_samples:', "          - labels: '{}'", `            value: ${e.firing}`);
    else lines.push('        exp_samples: []');
  }
  return `${lines.join('\n')}\n`;
}

/** backtestCommand is what replays the rule over stored data from a shell. */
export const backtestCommand = (file: string, url: string, from: number): string => `touchline backtest --after=${file} --from=${new Date(from).toISOString().slice(0, 19)}Z --url=${url}`;
