import type { Tone } from '../../ui/tone';

/** answerTone is what came of a call, by the answer that the server noted. */
export function answerTone(answer: string): Tone {
  if (answer.startsWith('told')) return answer.includes('; failed: ') ? 'warning' : 'good';
  return /^(silenced or inhibited|nothing to tell)/.test(answer) ? 'quiet' : 'critical';
}
