import { expect, it } from 'vitest';

import { withoutEmpty } from './Overrides';
import { found, isOwn, unitGroups } from './units';

const en = unitGroups('en');
const ids = (typed: string) => { const f = found(en, typed); return [f.exact?.value, ...f.groups.flatMap((g) => g.items.map((u) => u.value))]; };

it('finds units by id, with that very one first', () => {
  expect(ids('ops')[0]).toBe('ops');
  expect(ids('ops')).toContain('iops');
  expect(ids('reqps')).toEqual(['reqps']);
  expect(ids('percentunit')[0]).toBe('percentunit');
  expect(ids('BPS')[0]).toBe('Bps');
  expect(ids('bps')[0]).toBe('bps');
});

it('finds units by name and group, in Chinese too', () => {
  expect(ids('requests/sec')).toEqual([undefined, 'reqps']);
  expect(ids('Fahrenheit (°F)')).toEqual(['fahrenheit']);
  expect(ids('throughput')).toContain('cpm');
  const zh = unitGroups('zh');
  expect(found(zh, '请求').groups.map((g) => [g.group, g.items.map((u) => u.value)])).toEqual([['吞吐量', ['reqps']]]);
  expect(found(zh, 'requests/sec').groups[0]!.items[0]!.value).toBe('reqps');
  // Each group of Grafana's has its word.
  expect(zh.filter((g) => /[a-z]/.test(g.group))).toEqual([]);
});

it('tells a text of its own from a unit', () => {
  expect(['widgets', 'ops', '', 'suffix:x', 'si:W'].map((u) => isOwn(en, u))).toEqual([true, false, false, false, false]);
  expect(ids('widgets')).toEqual([undefined]);
});

it('leaves out overrides that say nothing, and only those', () => {
  const named = { matcher: { id: 'byName', options: 'a' }, properties: [] };
  const empty = { matcher: { id: 'byName', options: '' }, properties: [{ id: 'unit', value: '' }] };
  expect(withoutEmpty({ fieldConfig: { defaults: { x: 1 }, overrides: [named, empty] } })).toEqual({ fieldConfig: { defaults: { x: 1 }, overrides: [named] } });
  const kept = { fieldConfig: { overrides: [named] } };
  expect(withoutEmpty(kept)).toBe(kept);
});
