import { createDataFrame, FieldType } from '@grafana/data';
import { expect, it } from 'vitest';

import { tickTexts } from './options';
import { prepare } from './prepare';
import { layout } from './TimeSeries';

const texts = (unit: string, splits: number[], config: object = {}): string[] => {
  const frame = createDataFrame({ fields: [{ name: 'Time', type: FieldType.time, values: [0] }, { name: 'Value', type: FieldType.number, values: [1], config: { unit, ...config } }] });
  return tickTexts(prepare([frame], 'dark', 200).axes[0]!, splits, 'dark');
};
const Mi = 1024 ** 2;

it('gives ticks the decimals that they need', () => {
  expect(texts('short', [0, 0.2, 0.8, 1, 1.25])).toEqual(['0', '0.2', '0.8', '1', '1.25']);
  expect(texts('bytes', [0, 50 * Mi, 100 * Mi, 1000 * Mi])).toEqual(['0 B', '50 MiB', '100 MiB', '1000 MiB']);
  expect(texts('percentunit', [0.125, 0.5])).toEqual(['12.5%', '50%']);
  expect(texts('s', [0.005, 90])).toEqual(['5 ms', '1.5 mins']);
});

it('keeps decimals that the panel says, and those that no short text can say', () => {
  expect(texts('short', [0.2, 1], { decimals: 2 })).toEqual(['0.20', '1.00']);
  expect(new Set(texts('short', [1 / 3, 2 / 3])).size).toBe(2);
  expect(texts('dateTimeAsIso', [0, 1000])).toHaveLength(2);
});

it('gives a legend of long names more lines', () => {
  const of = (each: number) => layout(600, 400, { shown: true, right: false, table: false, items: 3, each }, false).legendH;
  expect([of(0), of(150), of(500)]).toEqual([20, 20, 56]);
});
