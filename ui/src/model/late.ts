// Readers of dashboards as they used to be, which few need: loaded when one of
// them is first asked for. Tests, and what edits JSON of anybody's, load them at once.
import type { Condition, Panel } from './dashboard';
import type { Layout, Place } from './layout';
import type { Migrated } from './migrate/migrated';
import type { Json, Warnings } from './read';
import type { Scope } from './scope';

export interface OldReaders {
  fromGraph(p: Json, path: string, w: Warnings): Migrated;
  fromSinglestat(p: Json, path: string, w: Warnings): Migrated;
  reduced(type: string, p: Json): Migrated;
  fromTable(p: Json, path: string, w: Warnings): Migrated;
  rowsToPanels(rows: unknown[], w: Warnings, most: number): { panels: unknown[]; path: (i: number) => string };
  fromV2(v: Json, w: Warnings, flat?: boolean): Json;
  holds(conditions: readonly Condition[], scope: Scope): boolean;
  placeTabs(layout: Layout, panel: Panel, y: number, place: Place): number;
}

let readers: OldReaders | undefined;
let missed = false;

/** provide is called by what has them. */
export function provide(to: OldReaders): void {
  readers = to;
}

/** old gives the readers of old dashboards. What reads without having loaded them fails, and whenRead tries again. */
export function old(): OldReaders {
  if (readers) return readers;
  missed = true;
  throw new Error('the readers of old dashboards are not loaded');
}

/** whenRead gives what read makes of a dashboard, once all that it needs for that is loaded. */
export async function whenRead<T>(read: () => T): Promise<T> {
  missed = false;
  const first = read();
  if (!missed) return first;
  await import('./old');
  return read();
}
