import { describe, expect, it } from 'vitest';

import { inOrder, type OpenIncident, standOf } from './needs';

const now = Date.parse('2026-05-04T12:00:00Z');
const incident = (more: Partial<OpenIncident>): OpenIncident => ({ id: 1, title: 'x', severity: 'critical', state: 'firing', opened_at: '2026-05-04T11:00:00Z', ...more });

describe('what needs a person', () => {
  it('is untaken, taken or snoozed', () => {
    expect(standOf(incident({}), now)).toBe('untaken');
    expect(standOf(incident({ state: 'acknowledged', acknowledged_by: 'ada' }), now)).toBe('taken');
    expect(standOf(incident({ assignee: 'ada' }), now)).toBe('taken');
    expect(standOf(incident({ state: 'acknowledged', snoozed_until: '2026-05-04T13:00:00Z' }), now)).toBe('snoozed');
    expect(standOf(incident({ snoozed_until: '2026-05-04T11:30:00Z' }), now), 'a snooze that is over').toBe('untaken');
  });

  it('has first what nobody has taken, the worst of it before, and what is snoozed last', () => {
    const need = (what: string, stand: 'untaken' | 'taken' | 'snoozed', severity: string, since: number) => ({ what, stand, severity, since });
    const found = inOrder([
      need('snoozed', 'snoozed', 'critical', 9), need('taken', 'taken', 'critical', 8), need('new warning', 'untaken', 'warning', 7),
      need('old critical', 'untaken', 'critical', 1), need('new critical', 'untaken', 'critical', 2), need('info', 'untaken', 'info', 6),
    ]);
    expect(found.map((n) => n.what)).toEqual(['new critical', 'old critical', 'new warning', 'info', 'taken', 'snoozed']);
  });
});
