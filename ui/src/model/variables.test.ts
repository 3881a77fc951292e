import { describe, expect, it } from 'vitest';

import type { Option, Variable } from './dashboard';
import { normalize } from './normalize';
import type { Scope } from './scope';
import { addressOf, currentOf, dependsOn, filtersFrom, optionsFrom, queryOf, scrapeOf, sorted, variableOrder, wantedFrom } from './variables';

const variable = (v: object): Variable => normalize({ panels: [], templating: { list: [{ name: 'v', type: 'query', ...v }] } }).variables[0]!;
const scope: Scope = { values: {}, raw: { from: 'now-1h', to: 'now' }, range: { from: 3_600_000, to: 7_200_000 }, zone: 'utc' };
const withValue = (name: string, value: string[], more: object = {}): Scope => ({ ...scope, values: { [name]: { ...currentOf(variable({ name, type: 'custom', query: value.join(','), ...more }), value.map((x) => ({ text: x, value: x })), value) } } });
const times = { start: '3600', end: '7200' };

describe('queryOf', () => {
  it.each<[string | object, string, object]>([
    ['label_values(up, job)', '/label/job/values', { 'match[]': 'up', ...times }],
    ['label_values(up{a="x,y",b=~"(1|2)"}, job)', '/label/job/values', { 'match[]': 'up{a="x,y",b=~"(1|2)"}', ...times }],
    ['label_values(job)', '/label/job/values', times],
    ['label_values({}, job)', '/label/job/values', times],
    ['label_values(up{j="$j"}, instance)', '/label/instance/values', { 'match[]': 'up{j="a.b"}', ...times }],
    ['label_values(up, "http.status")', '/label/U__http_2e_status/values', { 'match[]': 'up', ...times }],
    ['label_names()', '/labels', times],
    ['label_names(up)', '/labels', { 'match[]': 'up', ...times }],
    ['metrics(node_.*)', '/label/__name__/values', times],
    ['query_result(topk(2, sum by (a) (up)))', '/query', { query: 'topk(2, sum by (a) (up))', time: '7200' }],
    ['up{x="1"}', '/series', { 'match[]': 'up{x="1"}', ...times }],
    [{ query: 'label_values(up,job)', refId: 'A', qryType: 1 }, '/label/job/values', { 'match[]': 'up', ...times }],
    [{ qryType: 1, label: 'job', metric: 'up', labelFilters: [{ label: 'a', op: '=~', value: 'b' }] }, '/label/job/values', { 'match[]': 'up{a=~"b"}', ...times }],
    [{ qryType: 3, varQuery: 'count(up)' }, '/query', { query: 'count(up)', time: '7200' }],
  ])('%j', (query, path, params) => {
    expect(queryOf(variable({ query }), withValue('j', ['a.b']))).toMatchObject({ path, params });
  });
  it('takes steps from how often the source scrapes', () => {
    const of = (scrape?: number) => queryOf(variable({ query: 'query_result(rate(x[$__rate_interval]) > $__interval_ms)' }), scope, scrape);
    expect(of()).toMatchObject({ params: { query: 'rate(x[1m]) > 15000' } });
    expect(of(60_000)).toMatchObject({ params: { query: 'rate(x[4m]) > 60000' } });
    expect([scrapeOf(undefined), scrapeOf({ uid: 'a', name: 'a', type: 'prometheus', interval: '30s' })]).toEqual([15_000, 30_000]);
  });
  it('says what it cannot ask', () => {
    expect(queryOf(variable({ query: 'label_values(x, y)', datasource: { type: 'loki', uid: 'l' } }), scope)).toMatchObject({ kind: 'unsupported', warning: { path: '$v' } });
    expect(queryOf(variable({ query: '' }), scope).kind).toBe('unsupported');
  });
});

describe('optionsFrom', () => {
  const of = (v: object, answer?: unknown, s = scope) => optionsFrom(variable(v), answer, s);
  const values = (v: object, answer?: unknown, s = scope): string[] => of(v, answer, s).options.map((o) => (o.text === o.value ? o.value : `${o.text}=${o.value}`));
  it('splits custom values', () => {
    expect(values({ type: 'custom', query: 'a, b : 2, c\\,d,,https://x:9090' })).toEqual(['a', 'b=2', 'c,d', 'https://x:9090']);
    expect(values({ type: 'custom', query: '[{"text":"A","value":"1"}, "b"]' })).toEqual(['A=1', 'b']);
  });
  it('reads intervals', () => {
    expect(values({ type: 'interval', query: '1m,10m,1h', auto: true })).toEqual(['auto=$__auto', '1m', '10m', '1h']);
    expect(of({ type: 'interval', query: '1m,never' })).toMatchObject({ options: [{ value: '1m' }], warnings: [{ en: expect.stringContaining('never') as string }] });
  });
  it('writes the series of query_result as Grafana does', () => {
    const answer = { resultType: 'vector', result: [{ metric: { __name__: 'up', a: 'x' }, value: [1.5, '3'] }] };
    expect(values({ query: 'query_result(up)' }, answer)).toEqual(['up{a="x"} 3 1500']);
    expect(values({ query: 'query_result(up)', regex: '/.*a="([^"]+).*/' }, answer)).toEqual(['x']);
    expect(values({ query: 'query_result(up)', regex: '/(?<text>\\w+)\\{.* (?<value>\\d+) \\d+$/' }, answer)).toEqual(['up=3']);
  });
  it('keeps what the regex matches, once, sorted', () => {
    expect(values({ query: 'label_values(x)', regex: '/^node-(\\d+)/', sort: 4 }, ['node-2', 'node-10', 'x', 'node-2'])).toEqual(['10', '2']);
    expect(values({ query: 'metrics(node_)' }, ['node_a', 'x'])).toEqual(['node_a']);
  });
  it('wants a bare regex to match the whole, and one between slashes anywhere', () => {
    const of = (regex: string) => values({ query: 'label_values(x)', regex }, ['prod', 'prod-eu', 'preprod']);
    expect([of('prod'), of('/prod/'), of('prod.*')]).toEqual([['prod'], ['prod', 'prod-eu', 'preprod'], ['prod', 'prod-eu']]);
  });
  it('keeps a value whole where its regex has no group, however often it matches', () => {
    expect(values({ query: 'label_values(x)', regex: '/a/g' }, ['banana', 'x'])).toEqual(['banana']);
    expect(values({ query: 'label_values(x)', regex: '/(an)/g' }, ['banana'])).toEqual(['an']);
  });
  it('does not freeze on a regex that explodes', () => {
    const begin = performance.now();
    const r = of({ query: 'label_values(x)', regex: '/^(a+)+$/' }, ['a'.repeat(5000) + '!']);
    expect(performance.now() - begin).toBeLessThan(200);
    expect(r.warnings[0]!.en).toMatch(/repetition within a repetition/);
    expect(r.options).toHaveLength(1);
  });
  it('offers the sources of a type', () => {
    const sources = [{ uid: 'p1', name: 'Prod', type: 'prometheus' }, { uid: 'l', name: 'Logs', type: 'loki' }, { uid: 'p2', name: 'Test', type: 'prometheus' }];
    expect(values({ type: 'datasource', query: 'prometheus' }, sources)).toEqual(['Prod=p1', 'Test=p2']);
    expect(values({ type: 'datasource', query: 'prometheus', regex: '/^T/' }, sources)).toEqual(['Test=p2']);
    expect(of({ type: 'datasource', query: 'prometheus', regex: '/nowhere/' }, sources)).toMatchObject({ options: [{}, {}], warnings: [{}] });
  });
});

describe('sorted', () => {
  const o = (...s: string[]): Option[] => s.map((x) => ({ text: x, value: x }));
  it.each([[0, 'b2,a10,A1'], [1, 'A1,a10,b2'], [2, 'b2,a10,A1'], [3, 'A1,b2,a10'], [4, 'a10,b2,A1'], [5, 'A1,a10,b2'], [6, 'b2,a10,A1'], [7, 'A1,a10,b2'], [8, 'b2,a10,A1']])('%i gives %s', (how, want) => {
    expect(sorted(o('b2', 'a10', 'A1'), how).map((x) => x.value).join()).toBe(want);
  });
});

describe('variableOrder', () => {
  const list = (...of: [string, string][]): Variable[] => normalize({ panels: [], templating: { list: of.map(([name, query]) => ({ name, type: 'query', query })) } }).variables;
  it('puts what is named before what names it', () => {
    const l = list(['c', 'label_values(x{b="$b"}, c)'], ['b', 'label_values(x{a="${a:regex}"}, b)'], ['a', 'label_values(a)'], ['z', 'label_values(z)']);
    expect(variableOrder(l).levels.map((level) => level.map((v) => v.name))).toEqual([['a', 'z'], ['b'], ['c']]);
    expect(dependsOn(l[0]!, l)).toEqual(['b']);
  });
  it('names a circle, and loads all the same', () => {
    const r = variableOrder(list(['a', 'label_values(x{b="$b"}, a)'], ['b', 'label_values(x{a="[[a]]"}, b)'], ['c', 'label_values(x{a="$a"}, c)']));
    expect(r.warnings[0]!.en).toContain('a → b → a');
    expect(r.levels.flat().map((v) => v.name).sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('currentOf', () => {
  const options = ['a', 'b', 'c'].map((x) => ({ text: x.toUpperCase(), value: x }));
  const pick = (v: object, wanted?: string[], from = options) => currentOf(variable(v), from, wanted).value;
  it.each<[string, object, string[] | undefined, string[]]>([
    ['what is wanted', { multi: true }, ['b', 'c'], ['b', 'c']], ['one where one may be', {}, ['b', 'c'], ['b']], ['by text', {}, ['C'], ['c']], ['what is saved', { current: { value: 'b' } }, undefined, ['b']],
    ['the first', { current: { value: 'gone' } }, undefined, ['a']], ['all where the first would be', { includeAll: true, current: {} }, undefined, ['$__all']], ['all as saved', { includeAll: true, current: { text: 'All', value: ['$__all'] } }, undefined, ['$__all']],
    ['a value of its own', {}, ['z'], ['z']], ['none of its own where that is not allowed', { allowCustomValue: false }, ['z'], ['a']],
  ])('chooses %s', (_, v, wanted, want) => expect(pick(v, wanted)).toEqual(want));
  it('has no value where there is no option', () => expect(pick({}, undefined, [])).toEqual([]));
  it('keeps what is typed into a text box, also when it is empty', () => {
    expect(pick({ type: 'textbox', query: 'x' }, [''])).toEqual(['']);
    expect(pick({ type: 'textbox', query: 'x' })).toEqual(['x']);
  });
});

describe('addresses', () => {
  it('reads and writes var-NAME', () => {
    const vs = normalize({ panels: [], templating: { list: [{ name: 'v', type: 'custom', query: 'a,b', multi: true }, { name: 'f', type: 'adhoc' }, { name: 's', type: 'custom', query: 'a', skipUrlSync: true }] } }).variables;
    const wanted = wantedFrom(new URLSearchParams('var-v=a&var-v=b&var-f=job|%3D|x__gfp__y&from=now&var-__proto__=1'));
    expect(Object.keys(wanted).sort()).toEqual(['__proto__', 'f', 'v']);
    const values = Object.fromEntries(vs.map((v) => [v.name, currentOf(v, optionsFrom(v, undefined, scope).options, wanted[v.name])]));
    expect(values.f!.filters).toEqual([{ key: 'job', operator: '=', value: 'x|y', values: ['x|y'] }]);
    expect(addressOf(values, vs)).toEqual([['var-v', 'a'], ['var-v', 'b'], ['var-f', 'job|=|x__gfp__y']]);
  });
  it('drops filters that are none', () => expect(filtersFrom(['a', 'a|?|b', '|=|b'])).toEqual([]));
});
