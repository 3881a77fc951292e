import type { Message } from '../i18n';
import type { IconName } from '../ui/icons';

/** Something that the palette finds. */
export interface Found {
  id: string;
  icon: IconName;
  label: string;
  hint?: string;
  /** Whether it is over, as an incident that was closed. */
  over?: boolean;
  /** A path below /ui, with its query where it has one. */
  to: string;
}

/** A kind of things that the palette looks among. */
export interface Source {
  name: Message;
  find: (text: string, signal: AbortSignal) => Promise<Found[]>;
}

/** rank tells how well a text fits what was typed: higher is better, 0 is not at all. */
export function rank(text: string, typed: string): number {
  const t = text.toLowerCase();
  const q = typed.trim().toLowerCase();
  if (q === '') return 1;
  if (t === q) return 100;
  if (t.startsWith(q)) return 80;
  const at = t.indexOf(q);
  if (at >= 0) return /[\s_\-/:.]/.test(t[at - 1] ?? ' ') || /[a-z][A-Z]/.test(text.slice(at - 1, at + 1)) ? 60 : 40;
  let i = 0;
  for (const c of t) if (c === q[i]) i++;
  return i === q.length ? 10 : 0;
}
