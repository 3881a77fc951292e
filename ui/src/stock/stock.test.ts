import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import dictionary from '../../../stack/dashboards.zh.json';
import rules from '../../../stack/rules.zh.json';
import { editableJSON } from '../pages/dashboards/editable';
import { normalize } from '../model';
import { fits, retitled, titleOf } from '.';
import * as chinese from './chinese';

const folder = `${import.meta.dirname}/../../../stack/dashboards/`;
const files = readdirSync(folder).filter((f) => f.endsWith('.json'));
const read = (f: string): Record<string, unknown> => JSON.parse(readFileSync(folder + f, 'utf8')) as Record<string, unknown>;
const words = dictionary as Record<string, string>;

/** What stands for something else: labels of series, variables. */
const placeholders = (s: string): string[] => [...s.matchAll(/\{\{[^}]*\}\}|\$\{?\w+\}?|`[^`]*`/g)].map((x) => x[0]).sort();
const hasWords = (s: string): boolean => /[a-z]/i.test(s.replace(/\{\{[^}]*\}\}|\$\{?\w+\}?/g, '')) && s !== '__auto';

/** written finds what people read in the JSON itself, without the code that translates. */
function written(v: unknown, key = '', inside = ''): string[] {
  if (typeof v === 'string') {
    const named = ['title', 'description', 'legendFormat', 'label', 'noValue', 'displayName', 'content'].includes(key) || inside === 'renameByName' || inside === 'mappings' && key === 'text';
    return named && hasWords(v) ? [v] : [];
  }
  if (typeof v !== 'object' || v === null) return [];
  return Object.entries(v).flatMap(([k, x]) => written(x, k, Array.isArray(v) ? inside : k === 'renameByName' || k === 'mappings' ? k : key === 'mappings' || inside === 'mappings' ? 'mappings' : key === 'renameByName' ? key : ''));
}

describe('stock dashboards in Chinese', () => {
  it('are all there, and said in full, without anything that is no longer said', () => {
    expect(files.length).toBeGreaterThanOrEqual(5);
    const all = new Set(files.flatMap((f) => written(read(f))));
    const asked = new Set<string>();
    for (const f of files) chinese.localize(normalize(read(f)), (s) => { if (hasWords(s)) asked.add(s); return s; });
    const known = new Set(Object.keys(words));
    expect([...all].filter((s) => !known.has(s)), 'without a translation').toEqual([]);
    expect([...all].filter((s) => !asked.has(s)), 'in a field that is not translated').toEqual([]);
    expect([...known].filter((s) => !all.has(s)), 'no longer said').toEqual([]);
    expect(known.size).toBeGreaterThan(150);
  });

  it.each(Object.entries(words))('%s keeps its placeholders', (en, zh) => {
    expect(zh.trim()).not.toBe('');
    expect(placeholders(zh)).toEqual(placeholders(en));
    if (!/^[A-Z]/.test(en) || en.includes(' ')) expect(/\p{Script=Han}|Goroutine|CPU/u.test(zh), zh).toBe(true);
  });

  it.each(files)('of %s only what is read changes', (f) => {
    const before = normalize(read(f));
    const after = chinese.localize(before);
    expect(after.title).toBe(words[before.title]);
    before.panels.forEach((p, i) => {
      const q = after.panels[i]!;
      expect(q.targets.map(({ legendFormat: _, ...rest }) => rest)).toEqual(p.targets.map(({ legendFormat: _, ...rest }) => rest));
      const units = (x: typeof p): unknown => [x.fieldConfig.defaults.unit, x.fieldConfig.defaults.thresholds, x.fieldConfig.overrides.map((o) => o.properties.filter((y) => y.id !== 'displayName'))];
      expect(units(q)).toEqual(units(p));
      expect([q.id, q.type, q.gridPos, q.datasource]).toEqual([p.id, p.type, p.gridPos, p.datasource]);
      expect(q.raw).toBe(p.raw);
    });
    // What is edited, saved and made a patch of comes from this.
    expect(editableJSON(after)).toEqual(editableJSON(before));
    expect(JSON.stringify(after.raw)).toBe(JSON.stringify(read(f)));
  });

  it('names the columns that overrides and sorting name', () => {
    const table = chinese.localize(normalize(read('hosts.json'))).panels.find((p) => p.type === 'table')!;
    const organize = table.transformations.find((t) => t.id === 'organize')!.options;
    expect(organize.renameByName).toMatchObject({ 'Value #C': '使用率', mountpoint: '挂载点' });
    expect(organize.indexByName).toMatchObject({ 'Value #C': 5 });
    expect(table.fieldConfig.overrides[0]!.matcher.options).toBe('使用率');
    expect(table.options.sortBy).toEqual([{ displayName: '使用率', desc: true }]);
  });

  it('changes the titles of what ships only, and finds them', () => {
    const list = [{ uid: 'touchline-hosts', title: 'Hosts', shipped: true }, { uid: 'mine', title: 'Hosts' }];
    expect(retitled(list, chinese).map((d) => d.title)).toEqual(['主机', 'Hosts']);
    expect(retitled(list, undefined)).toBe(list);
    expect(list[0]!.title).toBe('Hosts');
    expect([titleOf(list[0]!, undefined), titleOf(list[1]!, chinese)]).toEqual(['Hosts', 'Hosts']);
    expect([fits('系统概览', '概览'), fits('系统概览', '系统 告警'), fits('CPU 用途', 'cpu')]).toEqual([true, false, true]);
  });
});

describe('summaries of stock rules in Chinese', () => {
  const rulesFolder = `${folder}../rules/`;
  const all = readdirSync(rulesFolder).filter((f) => f.endsWith('.yml')).flatMap((f) => [...readFileSync(rulesFolder + f, 'utf8').matchAll(/^\s+summary: (.*)$/gm)].map((x) => x[1]!.replace(/^'(.*)'$/, '$1')));

  it('are all there, and no other', () => {
    expect(all.length).toBeGreaterThan(40);
    expect(Object.keys(rules).sort()).toEqual([...new Set(all)].sort());
  });

  it.each(Object.entries(rules))('%s keeps its labels', (en, zh) => {
    expect(placeholders(zh)).toEqual(placeholders(en));
    expect(zh).toMatch(/\p{Script=Han}/u);
  });

  it('have the labels filled in', () => {
    expect(chinese.summary('File system /dev/sda1 of web-1 is full')).toBe('web-1 的文件系统 /dev/sda1 已满');
    expect(chinese.summary('Touchline stores no samples')).toBe('Touchline 未存储样本');
    expect(chinese.summary('HostDiskFull: File system /dev/sda1 of web-1 is full')).toBe('HostDiskFull: web-1 的文件系统 /dev/sda1 已满');
    for (const own of ['Checkout is slow', 'Checkout: slow', 'HostDiskFull on web-1']) expect(chinese.summary(own)).toBe(own);
  });
});
