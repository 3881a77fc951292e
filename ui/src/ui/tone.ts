import type { IconName } from './icons';

/** What a state means to the reader; its colour and icon follow from that. */
export type Tone = 'critical' | 'warning' | 'info' | 'good' | 'quiet';

export const toneIcon: Record<Tone, IconName> = { critical: 'critical', warning: 'warning', info: 'info', good: 'check', quiet: 'quiet' };

/** severityTone is the tone of a label severity. */
export function severityTone(severity: string | undefined): Tone {
  switch ((severity ?? '').toLowerCase()) {
    case 'critical':
    case 'page':
    case 'error':
    case 'p1':
      return 'critical';
    case 'warning':
    case 'warn':
    case 'p2':
      return 'warning';
    case 'none':
      return 'quiet';
    default:
      return 'info';
  }
}

const order: Tone[] = ['critical', 'warning', 'info', 'quiet'];

/** needsPerson tells whether somebody has to look at an alert: not at what only informs, nor at the watchdog, which fires as long as all is well. */
export const needsPerson = (labels: Record<string, string>): boolean => labels.alertname !== 'Watchdog' && !['none', 'info'].includes(labels.severity ?? '');

/** rank orders severities, the worst first. */
export const rank = (severity: string | undefined): number => order.indexOf(severityTone(severity));

/** worst is the tone of the worst of some severities, "good" where there is none. */
export function worst(severities: readonly (string | undefined)[]): Tone {
  const tones = new Set(severities.map(severityTone));
  return order.find((t) => tones.has(t)) ?? 'good';
}
