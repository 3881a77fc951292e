import { describe, expect, it } from 'vitest';

import { duration, durationText, resolve, resolveTime, stepFor } from './range';
import { isZone } from './zone';
import { timeSearch } from './state';

const now = Date.parse('2026-03-29T01:30:15.250Z'); // the night on which Berlin's clocks go forward at 01:00 UTC

describe('resolveTime', () => {
  it.each([
    ['now', false, 'utc', '2026-03-29T01:30:15.250Z'],
    ['now-1h', false, 'utc', '2026-03-29T00:30:15.250Z'],
    ['now/d', false, 'utc', '2026-03-29T00:00:00.000Z'],
    ['now/d', true, 'utc', '2026-03-29T23:59:59.999Z'],
    ['now/d', false, 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['now/d', true, 'Europe/Berlin', '2026-03-29T21:59:59.999Z'],
    ['now-1d', false, 'Europe/Berlin', '2026-03-28T02:30:15.250Z'],
    ['now-1d/d', false, 'utc', '2026-03-28T00:00:00.000Z'],
    ['now/w', false, 'utc', '2026-03-23T00:00:00.000Z'],
    ['now/M', false, 'utc', '2026-03-01T00:00:00.000Z'],
    ['now-1M', false, 'utc', '2026-02-28T01:30:15.250Z'],
    ['now/y', true, 'utc', '2026-12-31T23:59:59.999Z'],
    ['now-6M/Q', false, 'utc', '2025-07-01T00:00:00.000Z'],
    ['1700000000', false, 'utc', '2023-11-14T22:13:20.000Z'],
    ['1700000000000', false, 'utc', '2023-11-14T22:13:20.000Z'],
    ['2026-01-02T03:04:05Z', false, 'utc', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05+02:00', false, 'Asia/Shanghai', '2026-01-02T01:04:05.000Z'],
    ['2026-01-02T03:04:05.5', false, 'Asia/Shanghai', '2026-01-01T19:04:05.500Z'],
    ['2026-01-02 03:04', false, 'utc', '2026-01-02T03:04:00.000Z'],
    ['2026-07-02', false, 'Europe/Berlin', '2026-07-01T22:00:00.000Z'],
  ])('reads %s (end: %s) in %s', (text, up, zone, want) => {
    expect(new Date(resolveTime(text, now, up, zone)!).toISOString()).toBe(want);
  });
  it.each(['', 'no', 'now-', 'now-1', 'now/x', 'now-1h)', '2026-13-01', '2026-01-02T25:00'])('refuses %j', (text) => expect(resolveTime(text, now)).toBeUndefined());
});

describe('zones', () => {
  it('knows which there are', () => expect(['browser', 'utc', 'UTC', 'Asia/Shanghai', 'Mars/Olympus', 'x'].map(isZone)).toEqual([true, true, true, true, false, false]));
  it('leaves one that is none out of an address', () => {
    expect([timeSearch({ timezone: 'Mars/Olympus' }).timezone, timeSearch({ tz: 'utc' }).timezone]).toEqual([undefined, 'utc']);
  });
});

describe('resolve', () => {
  it('puts an end before the start behind it', () => {
    expect(resolve({ from: 'now', to: 'now-1h' }, now, 'utc')).toEqual({ from: now, to: now + 1000 });
  });
  it('takes the last hour for what it cannot read', () => {
    expect(resolve({ from: 'x', to: 'y' }, now)).toEqual({ from: now - 36e5, to: now });
  });
});

describe('durations', () => {
  it.each([['90s', 9e4], ['1h30m', 54e5], ['1d', 864e5], ['250ms', 250]])('reads %s', (text, ms) => expect(duration(text)).toBe(ms));
  it.each(['', '5', 'm', '5x', '-5m'])('refuses %j', (text) => expect(duration(text)).toBeUndefined());
  it.each([[9e4, '90s'], [36e5, '1h'], [864e5, '1d'], [1, '1ms']])('writes %d', (ms, text) => expect(durationText(ms)).toBe(text));
});

describe('stepFor', () => {
  it('asks for about as many points as there are', () => {
    expect(stepFor({ from: 0, to: 36e5 }, 600)).toBe(10);
    expect(stepFor({ from: 0, to: 1000 }, 600)).toBe(1);
    expect(stepFor({ from: 0, to: 864e5 * 365 }, 300)).toBe(2 * 86400);
  });
});
