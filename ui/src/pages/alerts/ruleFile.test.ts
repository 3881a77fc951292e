import { expect, it } from 'vitest';

import type { RuleGroup } from '../../api/prometheus';
import { ruleFileYAML } from './ruleFile';

const rest = { health: 'ok' as const, evaluationTime: 0, lastEvaluation: '' };

it('writes the groups in force as a rule file', () => {
  const groups: RuleGroup[] = [{
    name: 'db: all', file: 'db.yml', interval: 15, limit: 10, evaluationTime: 0, lastEvaluation: '',
    rules: [
      { ...rest, type: 'recording', name: 'job:up:sum', query: 'sum by (job) (up)', labels: {} },
      { ...rest, type: 'alerting', name: 'Down', query: 'up{job="db"}\n== 0', duration: 300, keepFiringFor: 60, labels: { severity: 'critical', team: '' }, annotations: { summary: '{{ $labels.instance }}: down' }, alerts: [], state: 'inactive' },
    ],
  }];
  expect(ruleFileYAML(groups)).toBe(`groups:
  - name: 'db: all'
    interval: 15s
    limit: 10
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: |-
          up{job="db"}
          == 0
        for: 300s
        keep_firing_for: 60s
        labels:
          severity: critical
          team: ''
        annotations:
          summary: '{{ $labels.instance }}: down'
`);
});

it('keeps intervals and times that are no whole seconds', () => {
  expect(ruleFileYAML([{ name: 'g', file: '', interval: 0.5, limit: 0, evaluationTime: 0, lastEvaluation: '', rules: [] }])).toContain('interval: 500ms');
});
