import { expect, it } from 'vitest';

import { answerTone } from './answer';

it('tells a call that was taken from one that was muted or that failed', () => {
  const answers = ['told', 'told before', 'told; failed: slack[0]: 503', 'silenced or inhibited', 'nothing to tell: send_resolved is off', 'slack[0]: 503 Service Unavailable'];
  expect(answers.map(answerTone)).toEqual(['good', 'good', 'warning', 'quiet', 'quiet', 'critical']);
});
