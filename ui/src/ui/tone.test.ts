import { expect, it } from 'vitest';

import { needsPerson } from './tone';

it('needsPerson leaves out what only informs, and the watchdog', () => {
  const needs = (labels: Record<string, string>): boolean => needsPerson({ alertname: 'X', ...labels });
  expect([needs({ severity: 'critical' }), needs({ severity: 'sev3' }), needs({})]).toEqual([true, true, true]);
  expect([needs({ severity: 'info' }), needs({ severity: 'none' }), needs({ alertname: 'Watchdog', severity: 'critical' })]).toEqual([false, false, false]);
});
