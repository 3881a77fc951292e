// A rule file of what is in force, to be changed and replayed.

import type { Labels, RuleGroup } from '../../api/prometheus';
import { scalar, value } from '../explore/alert';

/** Durations of rule files are whole numbers of a unit. */
const seconds = (n: number): string => (Number.isInteger(n) ? `${n}s` : `${Math.round(n * 1000)}ms`);

/** ruleFileYAML writes groups as a rule file. The API of rules has no query_offset, and neither has the file. */
export function ruleFileYAML(groups: readonly RuleGroup[]): string {
  const lines = ['groups:'];
  const named = (name: string, labels: Labels | undefined): void => {
    const entries = Object.entries(labels ?? {});
    if (entries.length > 0) lines.push(`        ${name}:`, ...entries.map(([n, v]) => `          ${n}: ${v === '' ? "''" : value(v, '            ')}`));
  };
  for (const g of groups) {
    lines.push(`  - name: ${scalar(g.name)}`, `    interval: ${seconds(g.interval)}`);
    if (g.limit > 0) lines.push(`    limit: ${g.limit}`);
    lines.push('    rules:');
    for (const r of g.rules) {
      lines.push(`      - ${r.type === 'alerting' ? 'alert' : 'record'}: ${scalar(r.name)}`, `        expr: ${value(r.query, '          ')}`);
      if (r.type === 'alerting') {
        if (r.duration > 0) lines.push(`        for: ${seconds(r.duration)}`);
        if (r.keepFiringFor > 0) lines.push(`        keep_firing_for: ${seconds(r.keepFiringFor)}`);
      }
      named('labels', r.labels);
      if (r.type === 'alerting') named('annotations', r.annotations);
    }
  }
  return `${lines.join('\n')}\n`;
}
