// What ../grafana/frames gives. It loads @grafana/data, so it is imported
// lazily; this is for whoever needs the types alone.
import type { DataFrame } from '@grafana/data';

import type { Warning } from './dashboard';

export type ThemeMode = 'dark' | 'light';

export interface Drawn {
  frames: DataFrame[];
  warnings: Warning[];
}
