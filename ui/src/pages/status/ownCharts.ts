import type { Message } from '../../i18n';

export interface OwnChart {
  title: Message;
  unit: '' | 'bytes' | 'bytes/s' | 'ratio' | 'seconds' | 'per second';
  /** Each with a name; a series' own labels follow where by names them. $w is the window of a rate. */
  queries: { name: Message; query: string; by?: string }[];
}

const same = (s: string): Message => ({ en: s, zh: s });
/** Stands for the matchers of this process. */
const self = '$self';

/** The charts of what this process does, from its own metrics. */
export const ownCharts: OwnChart[] = [
  {
    title: { en: 'Samples taken', zh: '写入样本' }, unit: 'per second',
    queries: [{ name: { en: 'taken', zh: '写入' }, query: `sum(rate(prometheus_tsdb_head_samples_appended_total{${self}}[$w]))` }],
  },
  { title: { en: 'Series in memory', zh: '内存序列' }, unit: '', queries: [{ name: { en: 'series', zh: '序列' }, query: `sum(prometheus_tsdb_head_series{${self}})` }] },
  {
    title: { en: 'From sample to decision, 99 %', zh: '样本到判定延迟（99 %）' }, unit: 'seconds',
    queries: [{ name: same(''), by: 'hop', query: `histogram_quantile(0.99, sum by (le, hop) (rate(touchline_alert_decision_hop_seconds_bucket{${self}}[$w])))` }],
  },
  {
    title: { en: 'Slowest evaluation of a rule group', zh: '最慢规则组评估' }, unit: 'seconds',
    queries: [{ name: { en: 'slowest', zh: '最慢' }, query: `max(prometheus_rule_group_last_duration_seconds{${self}})` }],
  },
  {
    title: { en: 'Memory', zh: '内存' }, unit: 'bytes',
    queries: [{ name: { en: 'resident', zh: '常驻' }, query: `process_resident_memory_bytes{${self}}` }, { name: { en: 'heap in use', zh: '堆使用' }, query: `go_memstats_heap_inuse_bytes{${self}}` }],
  },
  { title: { en: 'Processor', zh: '处理器' }, unit: 'ratio', queries: [{ name: { en: 'of one core', zh: '占单核' }, query: `rate(process_cpu_seconds_total{${self}}[$w])` }] },
  { title: { en: 'Pauses of the garbage collector', zh: '垃圾回收暂停' }, unit: 'ratio', queries: [{ name: { en: 'of the time', zh: '时间占比' }, query: `rate(go_gc_duration_seconds_sum{${self}}[$w])` }] },
  {
    title: { en: 'Requests by status', zh: '请求（按状态码）' }, unit: 'per second',
    queries: [{ name: same(''), by: 'code', query: `sum by (code) (rate(touchline_http_requests_total{${self}}[$w]))` }],
  },
  { title: { en: 'Notifications that wait', zh: '待发送通知' }, unit: '', queries: [{ name: { en: 'waiting', zh: '等待' }, query: `sum(touchline_alerting_outbox_length{${self}})` }] },
  {
    title: { en: 'Free on the disk', zh: '磁盘剩余' }, unit: 'bytes',
    queries: [{ name: { en: 'free', zh: '剩余' }, query: `min(touchline_storage_free_bytes{${self}})` }, { name: { en: 'kept free', zh: '最低保留' }, query: `min(touchline_storage_min_free_bytes{${self}})` }],
  },
];

/** stepFor is the distance of the points of a range, in whole seconds. */
export const stepFor = (from: number, to: number, points = 240): number => Math.max(1, Math.ceil((to - from) / 1000 / points));

/** windowFor is the window of a rate that no point falls between. */
export const windowFor = (step: number): string => `${Math.max(60, 4 * step)}s`;

/** align puts the points of series at shared times; what is missing is a gap. */
export function align(all: [seconds: number, value: string][][], start: number, end: number, step: number): { times: number[]; values: (number | null)[][] } {
  const n = Math.floor((end - start) / step) + 1;
  const times = Array.from({ length: n }, (_, i) => start + i * step);
  const values = all.map((points) => {
    const row: (number | null)[] = new Array<number | null>(n).fill(null);
    for (const [at, v] of points) {
      const i = Math.round((at - start) / step);
      const x = Number(v);
      if (i >= 0 && i < n && Number.isFinite(x)) row[i] = x;
    }
    return row;
  });
  return { times, values };
}
