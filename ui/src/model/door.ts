// What ../grafana/frames exports. It loads @grafana/data, so it is imported
// lazily; this is its contract, for whoever needs the types alone.
import type { DataFrame, Field, FieldDisplay } from '@grafana/data';

import type { QueryData } from '../api/prometheus';
import type { Zone } from '../time/range';
import type { Panel, Warning } from './dashboard';
import type { PanelRequest } from './queries';
import type { Scope } from './scope';

export type ThemeMode = 'dark' | 'light';

export interface Drawn {
  frames: DataFrame[];
  warnings: Warning[];
}

export interface LegendCalc {
  id: string;
  title: string;
  text: string;
  value: number | undefined;
}

export interface LegendRow {
  name: string;
  /** Places in the frames that it is about. */
  frame: number;
  field: number;
  color: string;
  calcs: LegendCalc[];
}

export interface Shown {
  text: string;
  color: string | undefined;
  numeric: number;
}

export interface GrafanaDoor {
  framesOf(request: PanelRequest, data: QueryData, scope: Scope): DataFrame[];
  /** framesInSlices gives what framesOf gives, and lets the page answer to the reader in between. */
  framesInSlices(request: PanelRequest, data: QueryData, scope: Scope): Promise<DataFrame[]>;
  exemplarFrames(request: PanelRequest, data: unknown): DataFrame[];
  /** pipeline runs the transformations and applies field options: every field has display, state.displayName and config. */
  pipeline(panel: Panel, frames: DataFrame[], scope: Scope, mode: ThemeMode, zone: Zone): Promise<Drawn>;
  /** display is the text and colour of a value, as Grafana would show it. */
  display(field: Field, value: unknown): Shown;
  legendRows(frames: DataFrame[], calcs: string[], mode: ThemeMode): LegendRow[];
  statValues(panel: Panel, frames: DataFrame[], scope: Scope, mode: ThemeMode, zone: Zone): FieldDisplay[];
}
