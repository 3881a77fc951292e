import { expect, it } from 'vitest';

import { normalize } from '../../model';
import { annotationQueries, isOn } from './annotations';

const on = (d: object, search: Record<string, unknown> = {}): string[] => annotationQueries(normalize({ panels: [], ...d }), false).filter((q) => isOn(q, search)).map((q) => q.name);

it('shows alerts where a dashboard asks for them, or the address', () => {
  expect(on({ uid: 'node' })).toEqual(['Deployments', 'Incidents']);
  expect(on({ uid: 'node' }, { 'ann-on': 'Alerts', 'ann-off': 'Incidents' })).toEqual(['Alerts', 'Deployments']);
  expect(on({ uid: 'touchline-hosts' })).toEqual(['Alerts', 'Deployments', 'Incidents']);
  expect(on({ uid: 'touchline-hosts' }, { 'ann-off': 'Alerts' })).toEqual(['Deployments', 'Incidents']);
  expect(on({ uid: 'node', annotations: { list: [{ name: 'Alerts', enable: true, datasource: { type: 'touchline', uid: 'touchline:alerts' } }] } })).toEqual(['Alerts', 'Deployments', 'Incidents']);
});

it('asks for none of ours by a link', () => {
  expect(annotationQueries(normalize({ uid: 'touchline-hosts', panels: [] }), true)).toEqual([]);
});
