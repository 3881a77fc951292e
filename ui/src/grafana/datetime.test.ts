import { FieldType, getDisplayProcessor, getValueFormat } from '@grafana/data';
import moment from 'moment-timezone';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import '../../test/window';
import { setLanguage } from '../i18n';
import { writeTime } from '../time/tokens';
import { dateTime, dateTimeFormat, dateTimeFormatTimeAgo, dateTimeParse, isDateTime, toDuration, toUtc } from './datetime';
import { themes } from './theme';

const zones = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Shanghai', 'America/St_Johns', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Auckland'];
// Every hour around changes of clocks, and moments all over some years, with their ends. Moment's data of zones ends in 2030.
const moments = [
  ...Array.from({ length: 48 }, (_, i) => Date.UTC(2026, 2, 28, i, 59, 59, 7)), ...Array.from({ length: 48 }, (_, i) => Date.UTC(2026, 9, 24, i, 0, 1, 70)),
  ...Array.from({ length: 200 }, (_, i) => Date.UTC(2023, 11, 20) + i * 765_432_198), Date.UTC(2024, 1, 29, 23, 59, 59, 999), Date.UTC(2024, 11, 30), Date.UTC(2027, 0, 3, 12),
];

describe('writeTime', () => {
  const formats = [
    'YYYY-MM-DD HH:mm:ss.SSS', 'YY Y YYYYY YYYYYY', 'Q Qo M Mo MMM MMMM', 'D Do DDD DDDo DDDD', 'd do dd ddd dddd e E', 'w wo ww W Wo WW', 'gg gggg GG GGGG', 'H h hh k kk m s A a', 'Hmm Hmmss hmm hmmss',
    'S SS SSSS SSSSSSSSS', 'X x Z ZZ', 'L LL LLL LLLL l ll lll llll LT LTS', '[at] HH [o\'clock: MM] mm\\m:ss\\s:SSS\\m\\s', 'MM/DD/YYYY h:mm:ss a', '[no:] 100% – ü',
  ];
  it.each(zones)('writes what Moment writes, in %s', (zone) => {
    for (const format of formats) expect(moments.map((at) => writeTime(at, format, zone)), format).toEqual(moments.map((at) => moment.tz(at, zone).format(format)));
  });
  it('writes years before the first and what is no moment', () => {
    for (const at of [Date.UTC(-5, 3, 2), new Date(0).setUTCFullYear(42, 1, 3)]) expect(writeTime(at, 'YYYY-MM-DD', 'utc')).toBe(moment.utc(at).format('YYYY-MM-DD'));
    expect([NaN, Infinity, 9e15].map((at) => writeTime(at, 'YYYY', 'utc'))).toEqual(['Invalid date', 'Invalid date', 'Invalid date']);
  });
});

describe('dates of @grafana/data', () => {
  beforeEach(() => { vi.useFakeTimers({ now: Date.UTC(2026, 4, 6, 12, 30) }); });
  afterEach(() => { vi.useRealTimers(); });

  it('reads texts as Moment does', () => {
    const texts = [
      '2026-05-06', '2026-05-06T07:08', '2026-05-06 07:08:09', '2026-05-06T07:08:09.123456Z', '2026-05-06T07:08:09+02:00', '2026-05-06T07:08:09-0330', '2026-05-06T07+01', '20260506T070809', '2026-05', '2026',
      'Wed, 06 May 2026 07:08:09 GMT', 'May 6 2026 07:08', 'nothing', '', '2026-13-40', '1700000000000',
    ];
    moment.suppressDeprecationWarnings = true;
    for (const t of texts) {
      expect(toUtc(t).valueOf(), t).toBe(moment.utc(t).valueOf());
      expect(dateTime(t).valueOf(), t).toBe(moment(t).valueOf());
    }
    expect(dateTimeParse('2026-05-06 07:08:09').unix()).toBe(moment('2026-05-06 07:08:09').unix());
    expect(toUtc(null).isValid()).toBe(false);
    expect(toUtc().valueOf()).toBe(Date.now());
  });
  it('compares by order and by day', () => {
    expect(dateTime(1).isBefore(2)).toBe(true);
    expect(dateTime('2026-05-06T07:08:09Z').isBefore('2026-05-06T07:08:08Z')).toBe(false);
    const noon = new Date(2026, 4, 6, 12).getTime();
    expect([11, 13, -1].map((h) => dateTime(noon).isSame(noon + h * 36e5, 'day'))).toEqual([true, false, true]);
    expect(isDateTime(dateTime())).toBe(true);
    expect(isDateTime(new Date())).toBe(false);
  });
  it('tells how long ago a moment is as Moment does', () => {
    for (let ms = 500; ms < 4e11; ms = ms * 1.09 + 777) {
      for (const at of [Date.now() - ms, Date.now() + ms]) expect(dateTimeFormatTimeAgo(at), String(ms)).toBe(moment.utc(at).fromNow());
    }
  });
  it('tells it in Chinese, too', () => {
    vi.stubGlobal('document', { documentElement: { lang: '' } });
    setLanguage('zh');
    const now = Date.now();
    expect([5e3, 6e4, 36e5, 5 * 864e5, 40 * 864e5, 800 * 864e5].map((ms) => dateTimeFormatTimeAgo(now - ms))).toEqual(['几秒前', '1 分钟前', '1 小时前', '5 天前', '1 个月前', '2 年前']);
    expect(dateTimeFormatTimeAgo(now + 3 * 36e5 + 1000)).toBe('3 小时后');
    setLanguage('en');
    vi.unstubAllGlobals();
  });
  it('formats in the zone that is asked for, and in the browser\'s where there is none of that name', () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    expect(dateTimeFormat(at, { timeZone: 'Asia/Kolkata' })).toBe('2026-01-02 08:34:05');
    expect(dateTimeFormat(at, { timeZone: 'utc', defaultWithMS: true })).toBe('2026-01-02 03:04:05.006');
    expect(dateTimeFormat(at, { timeZone: 'No/Such' })).toBe(moment(at).format('YYYY-MM-DD HH:mm:ss'));
    expect(dateTimeFormat('x', { timeZone: 'utc' })).toBe('Invalid date');
  });
  it('refuses what no display asks for', () => {
    expect(() => toDuration(1, 'days' as never)).toThrow('days');
    expect(() => dateTime().isSame(1, 'month' as never)).toThrow('month');
  });
  it('is what units of @grafana/data display by', () => {
    const at = Date.UTC(2026, 4, 6, 3, 4, 5);
    const shown = (unit: string, v: number): string => {
      const f = getValueFormat(unit)(v, undefined, null, 'Asia/Shanghai');
      return f.text + (f.suffix ?? '');
    };
    expect(['dateTimeAsIso', 'dateTimeAsUS', 'dateTimeFromNow', 'time:YYYY.MM.DD'].map((u) => shown(u, at))).toEqual(['2026-05-06 11:04:05', '05/06/2026 11:04:05 am', '9 hours ago', '2026.05.06'].map((t, i) => (i === 1 ? moment.tz(at, 'Asia/Shanghai').format('MM/DD/YYYY h:mm:ss a') : t)));
    expect([shown('clockms', 3_723_004), shown('clocks', 59.5), shown('clockms', 5)]).toEqual(['1h:02m:03s:004ms', '59s:500ms', '005ms']);
    const display = getDisplayProcessor({ field: { type: FieldType.time, config: {}, values: ['2026-05-06T03:04:05Z', '2026-05-06T03:04:35Z'] }, theme: themes.dark, timeZone: 'utc' });
    expect(display('2026-05-06T03:04:05.678Z').text).toBe('2026-05-06 03:04:05.678');
  });
});
