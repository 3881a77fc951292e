import { describe, expect, it } from 'vitest';

import { type ExploreQuery, emptyQuery, fromLegacy, readQueries, writeQueries } from './address';

const full: ExploreQuery = { expr: 'sum by (job) (rate(x{a="b&c=d"}[5m]))', type: 'range', step: '30s', legend: '{{job}}', hidden: true };

describe('queries in the address', () => {
  it('come back as they were written', () => {
    const written = writeQueries({ from: 'now-1h', 'B.legend': 'old', C: 'old', view: 'table' }, [full, emptyQuery('up')]);
    expect(written).toMatchObject({ from: 'now-1h', view: 'table', A: full.expr, B: 'up' });
    expect(written).not.toHaveProperty('C');
    expect(written).not.toHaveProperty('B.legend');
    expect(readQueries(written)).toEqual([full, emptyQuery('up')]);
  });
  it('close up where a letter is missing, and are one at least', () => {
    expect(readQueries({ B: 'up', 'B.type': 'sideways' })).toEqual([emptyQuery('up')]);
    expect(readQueries({})).toEqual([emptyQuery()]);
  });
  it('are no more than there are letters', () => {
    const many = writeQueries({}, Array.from({ length: 40 }, (_, i) => emptyQuery(`x${i}`)));
    expect(readQueries(many)).toHaveLength(26);
  });
});

describe('links of Prometheus', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['one panel', { 'g0.expr': 'up', 'g0.tab': '0', 'g0.range_input': '1h' }, { A: 'up', from: 'now-1h', to: 'now' }],
    ['a table', { 'g0.expr': 'up', 'g0.tab': '1' }, { A: 'up', view: 'table' }],
    ['names for numbers', { 'g0.expr': 'up', 'g0.tab': 'explain', 'g0.display_mode': 'stacked', 'g0.show_exemplars': '1' }, { A: 'up', view: 'explain', stack: '1', exemplars: '1' }],
    ['an end in UTC', { 'g0.expr': 'up', 'g0.range_input': '2h', 'g0.end_input': '2026-01-31 12:00:00' }, { A: 'up', from: String(Date.UTC(2026, 0, 31, 10)), to: String(Date.UTC(2026, 0, 31, 12)) }],
    ['several panels', { 'g1.expr': 'b', 'g0.expr': 'a', 'g10.expr': 'c', 'g1.range_input': '1h30m', 'g1.step_input': '15' }, { A: 'a', B: 'b', C: 'c', 'B.step': '15s', from: 'now-5400s', to: 'now' }],
    ['what else is there', { 'g0.expr': 'up', timezone: 'utc' }, { A: 'up', timezone: 'utc' }],
    ['a panel without an expression', { 'g0.tab': '1', 'g1.expr': 'up' }, { A: 'up' }],
    ['nonsense', { 'g0.expr': 'up', 'g0.range_input': 'soon', 'g0.end_input': 'later' }, { A: 'up' }],
  ])('%s', (_, from, to) => expect(fromLegacy(from)).toEqual(to));
});
