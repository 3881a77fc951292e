import { expect, it, vi } from 'vitest';

import { parseAnswer } from './matrix';
import { Slices } from './slices';

const series = (n: number): object[] => Array.from({ length: n }, (_, i) => ({
  // Labels whose names and values look like the beginning of a series.
  metric: { __name__: 'x', i: String(i), metric: 'metric', quoted: ',{"metric":{', open: ',{' },
  values: Array.from({ length: 40 }, (_, t) => [1_700_000_000 + t * 15, String(i * t)]),
}));
const answer = (n: number, more: object = {}): object => ({ status: 'success', data: { resultType: 'matrix', result: series(n) }, ...more });

it.each([
  ['many series', answer(2000)],
  ['warnings behind them', answer(2000, { warnings: ['"a",{"metric":{'], infos: ['b'] })],
  ['one large series', { status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values: Array.from({ length: 40_000 }, (_, t) => [t, '1']) }] } }],
  ['histograms', { status: 'success', data: { resultType: 'matrix', result: Array.from({ length: 300 }, (_, i) => ({ metric: { i: String(i) }, histograms: Array.from({ length: 40 }, (_, t) => [t, { count: '1', sum: '2', buckets: [[0, '1', '2', '3']] }]) })) } }],
  ['another order of fields', { data: { resultType: 'matrix', result: series(600) }, status: 'success' }],
  ['a vector', { status: 'success', data: { resultType: 'vector', result: series(600) } }],
  ['little', answer(3)],
  ['no series', answer(0)],
])('reads what JSON.parse reads: %s', async (_, of) => {
  const text = JSON.stringify(of);
  expect(await parseAnswer(text)).toEqual(JSON.parse(text));
});

it('rests between series', async () => {
  const slices = new Slices();
  vi.spyOn(slices, 'spent', 'get').mockReturnValue(true);
  const rest = vi.spyOn(slices, 'rest');
  await parseAnswer(JSON.stringify(answer(2000)), slices);
  expect(rest.mock.calls.length).toBeGreaterThan(5);
});

it.each(['{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},', '', '<html>'])('refuses what is no JSON: %s', async (text) => {
  await expect(parseAnswer(text === '' ? '' : text + ' '.repeat(600_000))).rejects.toThrow(SyntaxError);
});
