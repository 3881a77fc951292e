import { describe, expect, it } from 'vitest';

import { interpolate, interpolateQuery, loadFilterInto } from './interpolate';
import { allKey, type Current, type Scope } from './scope';

const current = (name: string, value: string[], more: Partial<Current> = {}): Current => ({
  name, type: 'query', value, text: value.map((v) => v.toUpperCase()), multi: value.length > 1, several: value.length > 1, allValue: undefined, options: [], filters: [], ...more,
});
const scope: Scope = {
  raw: { from: 'now-1h', to: 'now' }, range: { from: Date.UTC(2026, 0, 2, 3, 4, 5), to: Date.UTC(2026, 0, 2, 4, 4, 5) }, zone: 'utc', interval: 30_000, rateInterval: 60_000,
  dashboard: { title: 'D', uid: 'du' }, user: { id: 3, login: 'kim', email: 'k@x' }, org: { id: 1, name: 'Main' },
  values: {
    one: current('one', ['a.b']), many: current('many', ['a.b', "c'd"]), all: current('all', [allKey], { multi: true, several: true, options: [{ text: 'X', value: 'x' }, { text: 'Y', value: 'y' }] }),
    own: current('own', [allKey], { several: true, multi: true, allValue: '.*' }), single: current('single', ['a.b'], { multi: true, several: true }), step: current('step', ['$__auto'], { type: 'interval', auto: { count: 10, min: '10s' } }),
  },
};

describe('interpolate', () => {
  it.each([
    ['$one ${one} [[one]]', 'a.b a.b a.b'], ['$oneself $nope ${nope:csv}', '$oneself $nope ${nope:csv}'], ['${many}', "{a.b,c'd}"], ['${many:csv}', "a.b,c'd"], ['[[many:pipe]]', "a.b|c'd"], ['${many:regex}', "(a\\.b|c'd)"],
    ['${many:json}', '["a.b","c\'d"]'], ['${many:distributed}', "a.b,many=c'd"], ['${many:doublequote}', '"a.b","c\'d"'], ['${many:singlequote}', "'a.b','c\\'d'"], ['${many:sqlstring}', "'a.b','c''d'"],
    ['${many:lucene}', '("a.b" OR "c\'d")'], ['${many:percentencode}', '%7Ba.b%2Cc%27d%7D'], ['${many:queryparam}', 'var-many=a.b&var-many=c%27d'], ['${many:text}', "A.B + C'D"], ['${many:join: and }', "a.b and c'd"], ['${many:raw}', "a.b,c'd"],
    ['${many:uriencode}', '%7Ba.b,c%27d%7D'], ['${many:nonsense}', "{a.b,c'd}"], ['${all:csv}', 'x,y'], ['${all:text}', 'All'], ['$own', '.*'], ['${many:html}', "a.b, c&#39;d"],
    ['$__interval $__interval_ms $__rate_interval', '30s 30000 1m'], ['$__range $__range_s $__range_ms', '3600s 3600 3600000'], ['$__from ${__to}', '1767323045000 1767326645000'],
    ['${__from:date}', '2026-01-02T03:04:05.000Z'], ['${__from:date:seconds}', '1767323045'], ['${__from:date:YYYY-MM-DD HH:mm}', '2026-01-02 03:04'], ['$__dashboard ${__dashboard.uid}', 'D du'], ['${__user.login} ${__user.email} ${__user.id}', 'kim k@x 3'],
    ['$__org ${__org.name}', '1 Main'], ['$__url_time_range', 'from=now-1h&to=now'], ['$step', '5m'], ['${__series.name}', '${__series.name}'],
  ])('%s', (text, want) => expect(interpolate(text, scope)).toBe(want));
  it('leaves what a file has for "all" as it is written, but for other variables in it', () => {
    const values = { ...scope.values, of: current('of', [allKey], { several: true, multi: true, allValue: '$one-.*|$of' }) };
    const fill = (text: string): string => interpolate(text, { ...scope, values });
    expect(['$own', '${own:regex}', '${own:json}', '${own:text}', '${own:queryparam}'].map(fill)).toEqual(['.*', '.*', '.*', 'All', 'var-own=.%2A']);
    expect(interpolate('$own', { ...scope, values }, 'text')).toBe('All');
    expect(fill('${of:regex}')).toBe('a.b-.*|$of');
    expect(interpolateQuery('up{a=~"$of"}', { ...scope, values })).toBe('up{a=~"a.b-.*|$of"}');
  });
  it('prefers the value of a repeat', () => expect(interpolate('$many', { ...scope, scoped: { many: { value: 'q', text: 'Q' } } })).toBe('q'));
  it('writes all variables into links', () => expect(interpolate('$__all_variables', { ...scope, values: { many: scope.values.many! } })).toBe("var-many=a.b&var-many=c'd"));
  it('asks the data', () => expect(interpolate('${__field.labels.job}', { ...scope, lookup: (n, p) => `${n}/${p}` })).toBe('__field/labels.job'));
  it('refuses to grow without end', () => {
    const big: Scope = { ...scope, values: { x: current('x', [allKey], { several: true, options: Array.from({ length: 20_000 }, (_, i) => ({ text: '', value: `value-${i}` })) }) } };
    expect(() => interpolate('$x '.repeat(100_000), big)).toThrow(/more than 4 MB/);
    const chain = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`c${i}`, current(`c${i}`, [allKey], { several: true, allValue: i < 39 ? `$c${i + 1}$c${i + 1}` : '$empty' })]));
    expect(() => interpolate('$c0', { ...scope, values: { ...chain, empty: current('empty', ['']) } })).toThrow(/more than 4 MB/);
  });
});

describe('interpolateQuery', () => {
  it.each([
    ['up{a="$one"}', 'up{a="a.b"}'], ['up{a=~"$many"}', 'up{a=~"(a\\\\.b|c\\\\\'d)"}'], ['up{a=~"$all"}', 'up{a=~"(x|y)"}'], ['up{a=~"$own"}', 'up{a=~".*"}'], ['up{a=~"$single"}', 'up{a=~"a\\\\.b"}'],
    ['up{a="$single"}', 'up{a="a.b"}'], ['up{b=~"x", a!="$single"}', 'up{b=~"x", a!="a.b"}'], ['rate(x[$__rate_interval])', 'rate(x[1m])'], ['up{a=~"${many:pipe}"}', "up{a=~\"a.b|c'd\"}"], ['up{a="${own:raw}"}', 'up{a=".*"}'],
  ])('%s', (expr, want) => expect(interpolateQuery(expr, scope)).toBe(want));
  it('escapes the value of a repeat like the variable\'s', () => {
    expect(interpolateQuery('up{a=~"$many"}', { ...scope, scoped: { many: { value: 'a.b', text: 'a.b' } } })).toBe('up{a=~"a\\\\.b"}');
    expect(interpolateQuery('up{a="$many"}', { ...scope, scoped: { many: { value: 'a.b', text: 'a.b' } } })).toBe('up{a="a.b"}');
  });
  it('keeps a backslash of a value', () => {
    expect(interpolateQuery('up{a="$w"}', { ...scope, values: { w: current('w', ['C:\\x']) } })).toBe('up{a="C:\\\\x"}');
    expect(interpolateQuery('up{a=~"$w"}', { ...scope, values: { w: current('w', ['C:\\x'], { several: true }) } })).toBe('up{a=~"C:\\\\\\\\x"}');
  });
});

describe('ad hoc filters', () => {
  const filtered = (filters: Current['filters']): Scope => ({ ...scope, values: { f: current('f', [], { type: 'adhoc', filters }) } });
  const job = { key: 'job', operator: '=' as const, value: 'a"b', values: ['a"b'] };
  it.each([
    ['up', 'up{job="a\\"b"}'], ['up{x="1"}', 'up{x="1",job="a\\"b"}'], ['up{x="1",}', 'up{x="1",job="a\\"b"}'], ['up{}', 'up{job="a\\"b"}'], ['{x="1"}', '{x="1",job="a\\"b"}'],
    ['sum by (a) (rate(x[5m])) / on(b) y{c="{"} offset 1h', 'sum by (a) (rate(x{job="a\\"b"}[5m])) / on(b) y{c="{",job="a\\"b"} offset 1h'], ['1 + time()', '1 + time()'], ['sum(', 'sum('],
  ])('%s', async (expr, want) => expect(interpolateQuery(expr, filtered([job]), await loadFilterInto())).toBe(want));
  it('knows one of several, and labels that need quotes', async () => {
    const f = [{ key: 'http.code', operator: '=|' as const, value: '', values: ['a.b', 'c'] }];
    expect(interpolateQuery('up', filtered(f), await loadFilterInto())).toBe('up{"http.code"=~"a\\\\.b|c"}');
  });
  it('does not let a query go without them', () => expect(() => interpolateQuery('up', filtered([job]))).toThrow(/loadFilterInto/));
});
