import { describe, expect, it } from 'vitest';

import { alertExpr, type AlertDraft, problems, ruleYAML, scalar, steadyMarks, testYAML, value, valuesText, withoutComments } from './alert';

const draft: AlertDraft = { name: 'HighErrors', expr: 'sum by (job) (rate(errors_total[5m]))', op: '>', threshold: 0.5, hold: '5m', severity: 'critical', labels: { team: 'on' }, summary: "{{ $labels.job }}: it's failing", description: 'One.\nTwo: {{ $value }}' };

describe('the rule file', () => {
  it('is what a person would write', () => {
    expect(ruleYAML(draft)).toBe(`groups:
  - name: HighErrors
    rules:
      - alert: HighErrors
        expr: sum by (job) (rate(errors_total[5m])) > 0.5
        for: 5m
        labels:
          severity: critical
          team: 'on'
        annotations:
          summary: '{{ $labels.job }}: it''s failing'
          description: |-
            One.
            Two: {{ $value }}
`);
  });
  it('leaves out what is empty', () => expect(ruleYAML({ ...draft, hold: '0s', severity: '', labels: {}, summary: '', description: ' ' })).not.toMatch(/for:|labels:|annotations:/));
  it.each([
    ['a', 'a > 0.5'],
    ['a or b', '(a or b) > 0.5'],
    ['a > 1', '(a > 1) > 0.5'],
    ['a{x=~"b > or"}', 'a{x=~"b > or"} > 0.5'],
    ['a / on (x) b', 'a / on (x) b > 0.5'],
  ])('compares %s as a whole', (expr, want) => expect(alertExpr({ ...draft, expr })).toBe(want));
});

it.each([['a b', 'a b'], ['yes', "'yes'"], ['1', "'1'"], ['a: b', "'a: b'"], ['a #b', "'a #b'"], ['', "''"], ["{x}'", "'{x}'''"], ['a:', "'a:'"], ['-x', "'-x'"]])('scalar(%j)', (v, want) => expect(scalar(v)).toBe(want));

it('says which field is wrong', () => {
  expect(problems(draft)).toEqual({});
  expect(problems({ ...draft, name: ' ', threshold: NaN, hold: '5', labels: { 'a-b': 'x' } })).toEqual({ name: true, threshold: true, hold: true, labels: true });
});

it('writes runs of samples short', () => expect(valuesText(['1', '1', '1', undefined, undefined, '+Inf', '2'])).toBe('1x2 _x2 Inf 2'));
it('writes samples that have no short form one by one', () => expect(valuesText(['NaN', 'NaN', '+Inf', '+Inf', '-Inf', '-Inf', '1e+06', '1e+06'])).toBe('NaN NaN Inf Inf -Inf -Inf 1e+06x1'));

it('writes a test with what is expected', () => {
  const text = testYAML(draft, 'rule.yml', { series: [{ metric: { __name__: 'up', a: "it's" }, values: [[100, '1'], [115, '1'], [145, '0']] }], start: 100, step: 15, samples: 4, expected: [{ at: 1, firing: 2 }, { at: 3, firing: 0 }] });
  expect(text).toContain(`- series: 'up{a="it''s"}'\n        values: '1x1 _ 0'`);
  expect(text).toContain("eval_time: 15s\n        exp_samples:\n          - labels: '{}'\n            value: 2");
  expect(text).toContain('eval_time: 45s\n        exp_samples: []');
});

describe('steadyMarks', () => {
  const of = (text: string) => [...text].map(Number);
  it('holds a test to what does not change around it', () =>
    expect(steadyMarks(of('0000000000111111110000000'), 4)).toEqual([{ at: 6, firing: 0 }, { at: 13, firing: 1 }, { at: 24, firing: 0 }]));
  it('does not look where the past is missing', () => expect(steadyMarks(of('0000000000111111111'), 8)).toEqual([{ at: 13, firing: 1 }, { at: 18, firing: 1 }]));
  it('holds a quiet rule to its silence', () => expect(steadyMarks(of('000000000'), 2)).toEqual([{ at: 8, firing: 0 }]));
  it('says nothing of what flaps', () => expect(steadyMarks(of('0101010101'), 0)).toEqual([]));
});

describe('withoutComments', () => {
  it('leaves no threshold behind a comment', () => {
    expect(withoutComments('up # the targets')).toBe('up');
    expect(withoutComments('up{job="a#b"} # x\n  + 1 # y')).toBe('up{job="a#b"}\n  + 1');
    expect(withoutComments("up{a='\\'#', b=`#`}")).toBe("up{a='\\'#', b=`#`}");
    expect(alertExpr({ name: 'A', expr: 'up == 1 # it is', op: '<', threshold: 1, hold: '5m', severity: '', labels: {}, summary: '', description: '' })).toBe('(up == 1) < 1');
  });
});

it('keeps the spaces that a text of several lines begins with', () => expect(value('  up\n== 1', '    ')).toBe('|2-\n      up\n    == 1'));
