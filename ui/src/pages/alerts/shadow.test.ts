import { expect, it } from 'vitest';

import { readShadow, spreadOf } from './shadow';

const report = {
  from: '2026-11-26T10:00:00Z', to: '2026-11-26T11:00:00Z', prometheus: 'http://a:9090', mode: 'federation', same: 1, missed: 0, extra: 1, already_active: 0, undecided: 0,
  sooner: { min: 2, p50: 2, p95: 2, max: 2 },
  rules: [{ name: 'Down', same: 1, missed: 0, extra: 1 }],
  pairs: [{ labels: { alertname: 'Down' }, ours: '2026-11-26T10:10:00Z', theirs: '2026-11-26T10:10:02Z', sooner: 2, exact: true }],
  missed_alerts: [], extra_alerts: [{ labels: { alertname: 'Down' }, fired: '2026-11-26T10:20:00Z', note: 'the pair never had it' }],
};

it('reads what touchline shadow writes', () => {
  expect(readShadow(JSON.stringify(report))).toEqual({ report });
});

it('says what is wrong with what is no report', () => {
  const what = (text: string): unknown => { const r = readShadow(text); return 'problem' in r ? (r.what ?? r.problem.en.slice(0, 18)) : 'read'; };
  expect(what('<!doctype html><title>Shadow</title>')).toBe('This is the report');
  expect(what('Shadow of http://a')).toBe('This is not JSON. ');
  expect(what('[]')).toBe('from');
  expect(what('{"from":"yesterday"}')).toBe('from');
  expect(what(JSON.stringify({ ...report, pairs: [{ labels: { a: 1 } }] }))).toBe('pairs');
  expect(what(JSON.stringify({ ...report, extra_alerts: [{ labels: {}, fired: 'then' }] }))).toBe('extra_alerts');
  expect(what(JSON.stringify({ ...report, sooner: { p50: 1 } }))).toBe('sooner');
});

it('counts pairs by how much sooner they were', () => {
  expect(spreadOf([-60, -1, -0.2, 0, 0.99, 1, 59.9, 60, 600].map((sooner) => ({ sooner })))).toEqual([1, 0, 2, 2, 1, 0, 0, 1, 2]);
});
