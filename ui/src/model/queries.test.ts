import { describe, expect, it } from 'vitest';

import { panelFrom } from './normalize';
import { panelRange, queriesOf, sourceOf, type QueryContext } from './queries';
import { allKey, type Scope } from './scope';
import type { SourceInfo } from './variables';

const now = Date.parse('2026-01-02T12:00:07Z');
const sources: SourceInfo[] = [{ uid: 'touchline', name: 'Touchline', type: 'prometheus', default: true }, { uid: 'p2', name: 'Other', type: 'prometheus' }, { uid: 'l', name: 'Logs', type: 'loki' }];
const scope: Scope = { values: {}, raw: { from: 'now-6h', to: 'now' }, range: { from: now - 6 * 36e5, to: now }, zone: 'utc' };
const panel = (p: object) => panelFrom({ id: 1, type: 'timeseries', ...p }).panel!;
const ask = (p: object, context: Partial<QueryContext> = {}, s = scope, among: readonly SourceInfo[] = sources) => queriesOf(panel(p), s, { width: 1000, now, ...context }, (ref) => sourceOf(ref, s, among));

describe('queriesOf', () => {
  // Steps worked out by hand from Grafana's rules: 6 h over 1000 points is 21.6 s, which rounds to 20 s;
  // the window of a rate is four scrapes at least, of 15 s unless another is known.
  it.each<[string, object, object, Partial<QueryContext> & { scrape?: string }, number, string]>([
    // The panel's least step is no pause between scrapes: 2 m and one scrape.
    ['the width', {}, {}, {}, 20, 'x[20s] y[1m]'],
    ['a narrower panel', {}, {}, { width: 500 }, 30, 'x[30s] y[1m]'],
    ['maxDataPoints', { maxDataPoints: 100 }, {}, {}, 300, 'x[5m] y[315s]'],
    ['the scrape interval', {}, {}, { scrape: '60s' }, 60, 'x[1m] y[4m]'],
    ['the panel\'s least step', { interval: '2m' }, {}, {}, 120, 'x[2m] y[135s]'],
    ['the target\'s own', {}, { interval: '5m' }, {}, 300, 'x[5m] y[20m]'],
    ['intervalFactor', {}, { intervalFactor: 3 }, {}, 60, 'x[1m] y[1m]'],
    ['the rate interval as a step', {}, { interval: '$__rate_interval' }, {}, 60, 'x[1m] y[1m]'],
    ['the step itself as a step', {}, { interval: '$__interval' }, {}, 20, 'x[20s] y[80s]'],
    ['the rate interval of a source that scrapes slowly', {}, { interval: '$__rate_interval' }, { scrape: '1m' }, 240, 'x[4m] y[4m]'],
    ['a target finer than its panel', { interval: '2m' }, { interval: '10s' }, {}, 20, 'x[20s] y[130s]'],
    // The panel's own step is not below a scrape, and the window is a step and the target's.
    ['a step below a second', {}, { interval: '500ms' }, { width: 5000 }, 5, 'x[5s] y[15500ms]'],
  ])('steps by %s', (_, p, t, { scrape, ...context }, step, expr) => {
    const { requests } = ask({ ...p, targets: [{ expr: 'x[$__interval] y[$__rate_interval]', ...t }] }, context, scope, [{ ...sources[0]!, interval: scrape }]);
    expect(requests).toHaveLength(1);
    expect(requests[0]!.step).toBe(step);
    expect(requests[0]!.expr).toBe(expr);
  });
  it('lets steps begin at multiples of themselves, so that points stay where they are', () => {
    const { requests } = ask({ targets: [{ expr: 'up' }] });
    expect(requests[0]!.start % 20).toBe(0);
    expect(requests[0]!.end % 20).toBe(0);
    expect(requests[0]!.end).toBe(now / 1000 - 7);
  });
  it('never asks for more points than Prometheus answers', () => {
    const s: Scope = { ...scope, range: { from: now - 400 * 864e5, to: now } };
    const { requests } = ask({ targets: [{ expr: 'up', interval: '1s' }], maxDataPoints: 20_000 }, {}, s);
    expect((requests[0]!.end - requests[0]!.start) / requests[0]!.step).toBeLessThanOrEqual(11_000);
  });
  it('asks for ranges, instants and exemplars', () => {
    const kinds = (t: object): string[] => ask({ targets: [{ expr: 'up', ...t }] }).requests.map((r) => r.kind);
    expect(kinds({})).toEqual(['range']);
    expect(kinds({ instant: true })).toEqual(['instant']);
    expect(kinds({ instant: true, range: true, exemplar: true })).toEqual(['range', 'instant', 'exemplars']);
    expect(kinds({ hide: true })).toEqual([]);
  });
  it('gives equal requests equal keys', () => {
    const [a, b, c] = ask({ targets: [{ expr: 'up', legendFormat: 'x' }, { expr: 'up', legendFormat: 'y' }, { expr: 'up ' }] }).requests;
    expect(a!.key).toBe(b!.key);
    expect(a!.key).toBe(c!.key);
    expect(a!.legendFormat).not.toBe(b!.legendFormat);
  });
  it('names the columns of several tables apart', () => {
    const names = (n: number): string[] => ask({ targets: Array.from({ length: n }, () => ({ expr: 'up', format: 'table' })) }).requests.map((r) => r.valueName);
    expect(names(1)).toEqual(['Value']);
    expect(names(2)).toEqual(['Value #A', 'Value #B']);
  });
  it('tells what cannot be asked, and what another panel has', () => {
    const q = ask({ datasource: { uid: '-- Mixed --' }, targets: [{ expr: '{a="b"}', datasource: { uid: 'l', type: 'loki' } }, { datasource: '-- Dashboard --', panelId: 4 }, { expr: 'up', datasource: { uid: 'p2', type: 'prometheus' } }, { expr: '' }] });
    expect(q.unsupported).toEqual([{ refId: 'A', datasource: { uid: 'l', type: 'loki' } }]);
    expect(q.shared).toEqual([{ refId: 'B', panelId: 4, withTransforms: false }]);
    expect(q.requests.map((r) => r.datasource.uid)).toEqual(['p2']);
  });
  it('says that another source answers', () => {
    const q = ask({ datasource: { uid: 'PBFA97', type: 'prometheus' }, targets: [{ expr: 'a' }, { expr: 'b' }] });
    expect(q.requests[0]!.datasource.uid).toBe('touchline');
    expect(q.warnings.map((w) => w.en)).toEqual(['there is no data source PBFA97 here; Touchline answers instead']);
  });
  it('sends no query without the filters', () => {
    const f: Scope = { ...scope, values: { f: { name: 'f', type: 'adhoc', value: [], text: [], multi: false, several: false, allValue: undefined, options: [], filters: [{ key: 'a', operator: '=', value: 'b', values: ['b'] }] } } };
    const q = ask({ targets: [{ expr: 'up' }] }, {}, f);
    expect(q.requests).toEqual([]);
    expect(q.warnings[0]!.en).toMatch(/was not sent/);
    expect(ask({ targets: [{ expr: 'up' }] }, { filterInto: (e) => `${e}{a="b"}` }, f).requests[0]!.expr).toBe('up{a="b"}');
  });
});

describe('sourceOf', () => {
  const variable = (value: string[], sourceType: string): Scope => ({ ...scope, values: { ds: { name: 'ds', type: 'datasource', value, text: value, multi: false, several: false, allValue: undefined, options: [], filters: [], sourceType } } });
  it.each<[string, { uid: string; type: string }, Scope, string | undefined]>([
    ['the default', { uid: '', type: '' }, scope, 'touchline'], ['the default of a type', { uid: '', type: 'loki' }, scope, 'l'], ['a uid', { uid: 'p2', type: 'prometheus' }, scope, 'p2'], ['a name', { uid: 'Other', type: '' }, scope, 'p2'],
    ['a variable', { uid: '${ds}', type: 'prometheus' }, variable(['p2'], 'prometheus'), 'p2'], ['a variable of another type', { uid: '$ds', type: '' }, variable([], 'elasticsearch'), undefined],
    ['a variable that is not there', { uid: '${DS_PROMETHEUS}', type: 'prometheus' }, scope, 'touchline'], ['Grafana itself', { uid: '-- Grafana --', type: 'datasource' }, scope, undefined], ['an unknown one without a type', { uid: 'gdev-mysql', type: '' }, scope, undefined],
    ['all sources', { uid: '$ds', type: '' }, variable([allKey], 'prometheus'), 'touchline'],
  ])('finds %s', (_, ref, s, want) => expect(sourceOf(ref, s, sources)?.uid).toBe(want));
});

describe('panelRange', () => {
  const at = (p: object, s = scope) => {
    const r = panelRange(panel(p), s, now);
    return [new Date(r.range.from).toISOString(), new Date(r.range.to).toISOString(), r.info?.en];
  };
  it.each<[object, string, string, string | undefined]>([
    [{}, '2026-01-02T06:00:07.000Z', '2026-01-02T12:00:07.000Z', undefined],
    [{ timeFrom: '1h' }, '2026-01-02T11:00:07.000Z', '2026-01-02T12:00:07.000Z', 'Last hour'],
    [{ timeFrom: 'now/d' }, '2026-01-02T00:00:00.000Z', '2026-01-02T23:59:59.999Z', 'now/d'],
    [{ timeShift: '1d' }, '2026-01-01T06:00:07.000Z', '2026-01-01T12:00:07.000Z', 'shifted by -1d'],
    [{ timeFrom: '2h', timeShift: '1h' }, '2026-01-02T09:00:07.000Z', '2026-01-02T11:00:07.000Z', 'Last 2 hours, shifted by -1h'],
  ])('%j', (p, from, to, info) => expect(at(p)).toEqual([from, to, info]));
  it('shifts an absolute range, and keeps it from timeFrom', () => {
    const s: Scope = { ...scope, raw: { from: String(now - 1000), to: String(now) }, range: { from: now - 1000, to: now } };
    expect(at({ timeFrom: '1h' }, s)[0]).toBe(new Date(now - 1000).toISOString());
    expect(at({ timeShift: '1h' }, s)[0]).toBe(new Date(now - 1000 - 36e5).toISOString());
  });
  it('says what is no span of time', () => expect(panelRange(panel({ timeFrom: 'soon' }), scope, now).warnings[0]!.en).toContain('soon'));
});
