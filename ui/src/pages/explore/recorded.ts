import { parseQuery } from '../../api/explore';
import { type Labels, queryRange } from '../../api/prometheus';
import { duration } from '../../time/range';
import { type AlertDraft, fixedTime, inputsOf, mostTestSamples, mostTestSeries, steadyMarks, type TestInput } from './alert';
import { align, grid, pointsOf, wouldFire } from './frames';
import type { Message } from '../../i18n';

/** Why no test can be written of an expression. */
export class NoTest extends Error {
  constructor(readonly text: Message, readonly fill: Record<string, string | number> = {}) {
    super(text.en);
  }
}

const m = {
  fixed: { en: 'The expression reads a fixed or later moment (@, negative offset), which a test cannot play.', zh: '表达式读取固定或将来的时刻（@、负 offset），测试无法回放。' },
  native: { en: 'The expression reads native histograms; their samples are not written to tests here.', zh: '表达式读取原生直方图；此处不会将其样本写入测试。' },
  many: { en: 'The expression reads {n} series; a test that can be read has {most} at most. Narrow it by a label.', zh: '表达式读取 {n} 条序列；可读的测试最多 {most} 条。请用标签缩小范围。' },
  long: { en: 'The expression reads so far back that a test would need more than {most} samples of each series.', zh: '表达式回溯过长，每条序列需要超过 {most} 个样本。' },
  unsteady: { en: 'Around this moment alerts come and go too quickly to be held to. Lengthen the time for which it is true, or choose another time range.', zh: '此时刻附近告警变化过快，无法作为断言。请延长持续时间，或选择其他时间范围。' },
  empty: { en: 'The expression reads nothing in this time range.', zh: '此时间范围内表达式没有读取到数据。' },
};

/**
 * recordInput takes from the server what the rule reads around the moment at
 * which it would first have fired, or the end of the range where it would not,
 * and says what the rule does on just these samples.
 */
export async function recordInput(d: AlertDraft, range: { from: number; to: number }, first: number | undefined, datasource: string | undefined, signal: AbortSignal): Promise<TestInput> {
  const ast = await parseQuery(d.expr, signal);
  if (fixedTime(ast)) throw new NoTest(m.fixed);
  const inputs = inputsOf(ast);
  const hold = (duration(d.hold) ?? 0) / 1000;
  const back = Math.max(0, ...inputs.map((i) => i.back)) / 1000;
  // Before: what the first evaluation reads. After: a few more, so that firing is seen to last or end.
  const wanted = back + hold;
  const step = [15, 30, 60, 120, 300, 600, 900, 1800, 3600].find((s) => Math.ceil(wanted / s) + 24 <= mostTestSamples);
  if (step === undefined) throw new NoTest(m.long, { most: mostTestSamples });
  const after = 10 * step;
  const end = Math.floor(Math.min(range.to / 1000, first === undefined ? range.to / 1000 : first + after) / step) * step;
  const start = end - Math.ceil(wanted / step + 20) * step;
  const times = grid(start, end, step);
  const series = new Map<string, { metric: Labels; values: [number, string][] }>();
  for (const input of inputs) {
    const a = await queryRange({ query: input.text, start, end, step, datasource, signal });
    if (a.data.resultType !== 'matrix') continue;
    if (a.data.result.some((s) => s.histograms)) throw new NoTest(m.native);
    for (const s of a.data.result) series.set(JSON.stringify(Object.entries(s.metric).sort()), { metric: s.metric, values: pointsOf(s) });
    if (series.size > mostTestSeries) throw new NoTest(m.many, { n: series.size, most: mostTestSeries });
  }
  if (series.size === 0) throw new NoTest(m.empty);
  const played = await queryRange({ query: d.expr, start, end, step, datasource, signal });
  const lines = played.data.resultType === 'matrix' ? played.data.result.map((s) => align(pointsOf(s), times, step, true)) : [];
  const firing = wouldFire(times, lines, d.op, d.threshold, hold);
  // Only evaluations that have all that they read are held to something: before, a test lacks the past.
  const whole = Math.ceil(back / step) + Math.ceil(hold / step) + 1;
  const expected = steadyMarks(times.map((t) => firing.filter((f) => f.from <= t && (f.to === undefined || f.to > t)).length), whole);
  if (expected.length === 0) throw new NoTest(m.unsteady);
  return { series: [...series.values()], start, step, samples: times.length, expected };
}
