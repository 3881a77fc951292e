import { describe, expect, it } from 'vitest';

import { annotationIsFor, annotationRequest, annotationsFrom, ownAnnotations } from './annotations';
import { normalize } from './normalize';
import type { Scope } from './scope';

const query = (a: object) => normalize({ panels: [], annotations: { list: [{ name: 'n', iconColor: 'blue', ...a }] } }).annotations[0]!;
const scope: Scope = { values: {}, raw: { from: 'now-1h', to: 'now' }, range: { from: 0, to: 36e5 }, zone: 'utc' };

describe('annotations', () => {
  it('asks Prometheus, and joins points of one step to a region', () => {
    const q = query({ expr: 'changes(x[$__range]) > 0', step: '60s', titleFormat: '{{alertname}} on {{instance}}', textFormat: '{{nope}}!', tagKeys: 'job, none' });
    const request = annotationRequest(q, scope);
    expect(request).toEqual({ kind: 'range', datasource: { uid: '', type: '' }, expr: 'changes(x[3600s]) > 0', start: 0, end: 3600, step: 60 });
    const found = annotationsFrom(q, request, { resultType: 'matrix', result: [{ metric: { alertname: 'A', instance: 'i', job: 'j' }, values: [[60, '1'], [120, '1'], [180, '0'], [600, '1']] }] });
    expect(found.map((a) => [a.time, a.timeEnd, a.title, a.text, a.tags])).toEqual([[60_000, 120_000, 'A on i', '!', ['j']], [600_000, undefined, 'A on i', '!', ['j']]]);
    expect(new Set(found.map((a) => a.id)).size).toBe(2);
  });
  it('fills in the step, and a window for rates', () => {
    expect(annotationRequest(query({ expr: 'rate(x[$__rate_interval]) > $__interval_ms', step: '60s' }), scope)).toMatchObject({ expr: 'rate(x[4m]) > 60000' });
  });
  it('takes the value for the time', () => {
    const q = query({ expr: 'x', useValueForTime: 'on' });
    expect(annotationsFrom(q, annotationRequest(q, scope), { result: [{ metric: {}, values: [[60, '5000'], [120, '5000']] }] }).map((a) => a.time)).toEqual([5000]);
  });
  it('asks nothing for Grafana\'s own, and says what is no PromQL', () => {
    expect(annotationRequest(query({ builtIn: 1, datasource: '-- Grafana --' }), scope)).toEqual({ kind: 'none' });
    expect(annotationRequest(query({ datasource: { type: 'loki' }, expr: '{a="b"}' }), scope)).toMatchObject({ kind: 'none', warning: { path: 'annotations' } });
  });
  it('reads alerts, deployments and incidents', () => {
    const [alerts, deploys, incidents] = ownAnnotations as [never, never, never];
    expect(annotationRequest(alerts, scope)).toMatchObject({ kind: 'range', expr: 'ALERTS{alertstate="firing", severity!~"none|info", alertname!="Watchdog"}', datasource: { uid: 'touchline' } });
    expect(annotationsFrom(alerts, annotationRequest(alerts, scope), { result: [{ metric: { __name__: 'ALERTS', alertname: 'Down', alertstate: 'firing', job: 'j' }, values: [[60, '1']] }] })[0]).toMatchObject({ title: 'Down', text: 'job=j', color: 'red' });
    const d = annotationRequest(deploys, scope);
    expect(d).toMatchObject({ kind: 'get', path: '/touchline/v1/deployments', params: { from: '1970-01-01T00:00:00.000Z' } });
    expect(annotationsFrom(deploys, d, { deployments: [{ id: 1, at: '1970-01-01T00:10:00Z', ended: '1970-01-01T00:11:00Z', title: 'v2', failed: true }, { at: 'never' }] })).toEqual([{ id: 'deploy-1', time: 600_000, timeEnd: 660_000, title: 'v2', text: '', tags: ['failed'], color: 'red', thin: true }]);
    expect(annotationsFrom(incidents, annotationRequest(incidents, scope), { incidents: [{ id: 7, title: 'I', severity: 'critical', state: 'firing', opened_at: '1970-01-01T00:10:00Z', labels: { a: 'b' } }] })[0]).toMatchObject({ id: 'incident-7', url: '/incidents/7', tags: ['critical', 'firing'], text: 'a=b' });
  });
  it('is for the panels that it names', () => {
    expect([1, 2].map((id) => annotationIsFor(query({ filter: { exclude: false, ids: [1] } }), id))).toEqual([true, false]);
    expect([1, 2].map((id) => annotationIsFor(query({ filter: { exclude: true, ids: [1] } }), id))).toEqual([false, true]);
  });
});
