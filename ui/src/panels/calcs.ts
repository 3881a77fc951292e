// The calculations of Grafana in words. A panel needs them in Chinese only, where
// they are loaded for its readers.
import type { Language } from '../i18n';

export const calculations: [id: string, words: Record<Language, string>][] = [
  ['lastNotNull', { en: 'Last', zh: '最新值' }], ['last', { en: 'Last, also without a value', zh: '最新（含空值）' }], ['firstNotNull', { en: 'First', zh: '最早值' }], ['mean', { en: 'Mean', zh: '平均' }], ['median', { en: 'Median', zh: '中位数' }],
  ['max', { en: 'Max', zh: '最大' }], ['min', { en: 'Min', zh: '最小' }], ['sum', { en: 'Sum', zh: '合计' }], ['count', { en: 'Count', zh: '个数' }], ['range', { en: 'Range', zh: '极差' }], ['delta', { en: 'Increase', zh: '增量' }],
  ['diff', { en: 'Difference', zh: '差值' }], ['diffperc', { en: 'Difference in percent', zh: '差值百分比' }], ['stdDev', { en: 'Standard deviation', zh: '标准差' }], ['p95', { en: '95th percentile', zh: '95 分位' }], ['p99', { en: '99th percentile', zh: '99 分位' }],
];

const chinese = new Map(calculations.map(([id, words]) => [id, words.zh]));

/** named is a calculation in Chinese, undefined for one of which only Grafana's name is known. */
export const named = (id: string): string | undefined => chinese.get(id);
