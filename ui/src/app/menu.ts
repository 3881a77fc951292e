import type { Message } from '../i18n';
import type { IconName } from '../ui/icons';

export interface MenuEntry {
  /** The path below /ui. */
  to: string;
  icon: IconName;
  label: Message;
  /** The key after g that goes there. */
  key: string;
  /** Whether a phone's bottom bar has it. */
  phone?: boolean;
  /** Paths that belong to it as well. */
  also?: string[];
}

/** The pages of the rail, in its order. What is not there yet is not in it. */
export const menu: MenuEntry[] = [
  { to: '/', icon: 'overview', label: { en: 'Overview', zh: '总览' }, key: 'o', phone: true },
];
