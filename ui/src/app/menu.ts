import type { Message } from '../i18n';
import type { IconName } from '../ui/icons';
import { areas } from './areas';

export interface MenuEntry {
  /** The path below /ui. */
  to: string;
  icon: IconName;
  label: Message;
  /** The key after g that goes there. */
  key: string;
  /** Whether a phone's bottom bar has it; the others are in its last entry. */
  phone?: boolean;
  /** Other paths that belong to it. */
  also?: string[];
}

/** The pages of the rail, in its order. What is not there yet is not in it. */
export const menu: MenuEntry[] = areas.flatMap((a) => a.menu);
