// Large answers of range queries, read without holding the page up.
import { Slices } from './slices';

/** Shorter answers are read at once, in characters. */
const large = 500_000;
/** How much is read at a time, in characters: some 3 ms of work. */
const piece = 200_000;

const head = /^\{"status":"success","data":\{"resultType":"matrix","result":\[(?=\{)/;
// In a text the quotes would stand behind backslashes, and a label's value is no object: this is where a series begins, and nothing else.
const begins = ',{"metric":{';

/** parseAnswer is JSON.parse for answers of Prometheus's API; those with many series are read some series at a time. */
export async function parseAnswer(text: string, slices = new Slices()): Promise<unknown> {
  const start = text.length < large ? undefined : head.exec(text)?.[0];
  if (start === undefined) return JSON.parse(text);
  const series: unknown[] = [];
  let at = start.length;
  for (let next = text.indexOf(begins, at + piece); next >= 0; next = text.indexOf(begins, at + piece)) {
    for (const s of JSON.parse(`[${text.slice(at, next)}]`) as unknown[]) series.push(s);
    at = next + 1;
    if (slices.spent) await slices.rest();
  }
  // The rest has the last series and what the answer says besides.
  const answer = JSON.parse(start + text.slice(at)) as { data: { result: unknown[] } };
  answer.data.result = series.concat(answer.data.result);
  return answer;
}
