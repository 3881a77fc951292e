import { describe, expect, it } from 'vitest';

import { align, calculate, csv, graphCSV, grid, join, legendText, seriesName, sortRows, stack, wouldFire } from './frames';

describe('grid and align', () => {
  it('leaves a hole where there is no sample or no number', () => {
    const times = grid(10, 40, 10);
    expect(times).toEqual([10, 20, 30, 40]);
    expect(align([[10, '1'], [30, 'NaN'], [40, '4']], times, 10)).toEqual([1, null, null, 4]);
    expect(align([[10, '+Inf'], [30, 'NaN'], [40, '-Inf']], times, 10, true)).toEqual([Infinity, null, NaN, -Infinity]);
  });
});

describe('join', () => {
  it('puts a coarse line on a fine grid without bridging its holes', () => {
    const line = (values: (number | null)[]) => [{ ref: 'A', name: '', labels: {}, values }];
    const { times, lines } = join([{ times: [0, 1, 2, 3, 4, 5, 6], lines: line([1, 1, 1, 1, 1, 1, 1]) }, { times: [0, 2, 4, 6], lines: line([0, 4, null, 2]) }]);
    expect(times).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(lines[1]!.values).toEqual([0, 2, 4, null, null, null, 2]);
  });
});

it('stacks what is there', () => expect(stack([[1, null, 3], [1, 2, 3]])).toEqual([[1, null, 3], [2, 2, 6]]));

it('calculates over what is there', () => {
  expect(calculate([null, -3, -1, null])).toEqual({ last: -1, max: -1, mean: -2 });
  expect(calculate([null])).toEqual({ last: undefined, max: undefined, mean: undefined });
});

describe('names', () => {
  it('of series', () => expect(seriesName({ __name__: 'up', job: 'a"b', a: 'x' })).toBe('up{a="x", job="a\\"b"}'));
  it('without a label', () => expect([seriesName({}), seriesName({ __name__: 'up' })]).toEqual(['{}', 'up']));
  it('by a format', () => expect(legendText('{{ job }} on {{instance}}{{none}}', { job: 'j', instance: 'i' })).toBe('j on i'));
});

describe('wouldFire', () => {
  const times = [0, 10, 20, 30, 40, 50, 60];
  it('fires after it has held, and ends when it is not true', () =>
    expect(wouldFire(times, [[0, 9, 9, 9, 0, 9, 9]], '>', 5, 20)).toEqual([{ from: 30, to: 40, line: 0 }]));
  it('begins anew after a hole', () => expect(wouldFire(times, [[9, 9, null, 9, 9, 9, 9]], '>', 5, 20)).toEqual([{ from: 50, to: undefined, line: 0 }]));
  it('fires at once without for', () =>
    expect(wouldFire(times, [[9, 0, 9, 0, 0, 0, 0], [0, 9, 0, 0, 0, 0, 0]], '>=', 9, 0)).toEqual([{ from: 0, to: 10, line: 0 }, { from: 10, to: 20, line: 1 }, { from: 20, to: 30, line: 0 }]));
  it('looks below as well', () => expect(wouldFire([0, 1], [[1, 1]], '<', 1, 0)).toEqual([]));
});

describe('tables', () => {
  const rows = ['10', '9', 'NaN', '-Inf'].map((value, i) => ({ ref: 'A', labels: { i: String(i) }, value, at: 0 }));
  it('sort numbers as such, and what is none last', () => {
    expect(sortRows(rows, 'value').map((r) => r.value)).toEqual(['-Inf', '9', '10', 'NaN']);
    expect(sortRows(rows, '-value').map((r) => r.value)).toEqual(['10', '9', '-Inf', 'NaN']);
  });
  it('have what was answered, and nothing between', () => expect(graphCSV([{ ref: 'A', name: 'a', points: [[0, '1'], [10, 'NaN'], [20, '+Inf']] }, { ref: 'B', name: 'b', points: [[0, '1'], [20, '2']] }])).toBe(
    'time,A a,B b\r\n1970-01-01T00:00:00.000Z,1,1\r\n1970-01-01T00:00:10.000Z,NaN,\r\n1970-01-01T00:00:20.000Z,+Inf,2\r\n'));
  it('leave a spreadsheet nothing to compute', () => expect(csv([['a,"b', '=1+1', '-5', '+x']])).toBe('"a,""b",\'=1+1,-5,\'+x\r\n'));
});
