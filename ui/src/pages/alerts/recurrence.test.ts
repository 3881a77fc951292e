import { describe, expect, it } from 'vitest';

import { instantOf, inWords, occurrences, recurrence } from './recurrence';

const iso = (ms: number[]): string[] => ms.map((x) => new Date(x).toISOString());

describe('recurrence', () => {
  it('keeps the time of day when clocks change', () => {
    const r = recurrence('FREQ=DAILY')!;
    const start = Date.parse('2026-10-24T00:00:00Z'); // 02:00 in Berlin
    expect(iso(occurrences(r, start, 'Europe/Berlin', start, 2))).toEqual(['2026-10-25T00:00:00.000Z', '2026-10-26T01:00:00.000Z']);
  });
  it('counts weeks from the week of the start', () => {
    const r = recurrence('FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=4')!;
    const start = Date.parse('2026-11-25T10:00:00Z'); // a Wednesday
    expect(iso(occurrences(r, start, 'UTC', 0, 9))).toEqual(['2026-11-27T10:00:00.000Z', '2026-12-07T10:00:00.000Z', '2026-12-11T10:00:00.000Z', '2026-12-21T10:00:00.000Z']);
    expect(inWords(r, 'en')).toBe('every 2 weeks on Mon, Fri, 4 times');
    expect(inWords(r, 'zh')).toBe('每 2 周，周一、周五，共 4 次');
  });
  it('leaves out months without the day, and ends at UNTIL', () => {
    const r = recurrence('FREQ=MONTHLY;UNTIL=20270401T000000Z')!;
    expect(iso(occurrences(r, Date.parse('2026-12-31T05:00:00Z'), 'UTC', 0, 9))).toEqual(['2026-12-31T05:00:00.000Z', '2027-01-31T05:00:00.000Z', '2027-03-31T05:00:00.000Z']);
  });
  it('leaves to the server what it does not work out', () => {
    for (const text of ['', 'FREQ=YEARLY', 'FREQ=MONTHLY;BYDAY=1MO', 'FREQ=DAILY;BYHOUR=2', 'FREQ=DAILY;INTERVAL=0', 'FREQ=DAILY;FREQ=DAILY']) expect(recurrence(text)).toBeUndefined();
  });
  it('finds the moment of a time of day in a zone', () => {
    expect(new Date(instantOf(Date.UTC(2026, 11, 1, 2, 0), 'Asia/Shanghai')).toISOString()).toBe('2026-11-30T18:00:00.000Z');
  });
});
