// The one shape of a dashboard that the console works with, whatever the age of
// the JSON that it came as.
import type { FieldConfigSource } from '@grafana/data';

import type { Message } from '../i18n';
import type { RawRange, Zone } from '../time/range';

/** Something about a dashboard that is not as it should be. The rest of the dashboard lives on. */
export interface Warning extends Message {
  /** Where in the JSON, such as "panels[3].targets[0].expr"; "" is the whole. */
  path: string;
}

export interface DatasourceRef {
  /** As the file has it: a uid, an old name, or a variable such as "${DS_PROMETHEUS}". Empty is the default source. */
  uid: string;
  /** "prometheus", "loki", …; empty where the file does not say. */
  type: string;
}

/** In cells of a grid of 24 columns; a cell is 30 px high, with gaps of 8 px. */
export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Link {
  title: string;
  url: string;
  targetBlank: boolean;
}

/** A link in the head of a dashboard. */
export interface DashboardLink extends Link {
  type: 'link' | 'dashboards';
  /** For "dashboards": those with all of the tags. */
  tags: string[];
  asDropdown: boolean;
  icon: string;
  tooltip: string;
  includeVars: boolean;
  keepTime: boolean;
}

export type TargetFormat = 'time_series' | 'table' | 'heatmap';

export interface Target {
  refId: string;
  datasource: DatasourceRef;
  hide: boolean;
  /** The PromQL; empty for sources of other kinds. */
  expr: string;
  legendFormat: string;
  format: TargetFormat;
  instant: boolean;
  range: boolean;
  exemplar: boolean;
  /** The least step, such as "1m"; may hold variables. */
  interval: string;
  intervalFactor: number;
  /** For the source "-- Dashboard --": the panel whose answer is shown, and whether after its transformations. */
  panelId: number | undefined;
  withTransforms: boolean;
  /** The whole target as the file has it. */
  raw: Record<string, unknown>;
}

export interface Transformation {
  id: string;
  options: Record<string, unknown>;
  disabled: boolean;
  /** Which frames it is about: a frame matcher of Grafana. All where there is none. */
  filter: { id: string; options: unknown } | undefined;
  topic: 'series' | 'annotations' | undefined;
}

/** A group of conditions as the file has it. */
export type Condition = Record<string, unknown>;

/** A tab has a grid of its own, which begins at its top. */
export interface Tab {
  title: string;
  /** The variable of which there is a tab for each value. */
  repeat: string;
  conditions?: Condition[];
  panels: Panel[];
}

export interface Panel {
  /** Unique within the dashboard; given where the file has none or the same twice. */
  id: number;
  /** As migrated: "graph" is "timeseries", "singlestat" is "stat" or "gauge". */
  type: string;
  /** As the file has it. */
  originalType: string;
  title: string;
  description: string;
  transparent: boolean;
  gridPos: GridPos;
  datasource: DatasourceRef;
  targets: Target[];
  fieldConfig: FieldConfigSource;
  options: Record<string, unknown>;
  transformations: Transformation[];
  links: Link[];
  /** The variable of which there is a panel for each value. */
  repeat: string;
  repeatDirection: 'h' | 'v';
  maxPerRow: number;
  maxDataPoints: number | undefined;
  /** The least step of the queries, such as "1m"; may hold variables. */
  interval: string;
  timeFrom: string;
  timeShift: string;
  hideTimeOverride: boolean;
  /** Rows only: whether closed at first. */
  collapsed: boolean;
  /** Rows only: the panels of one that is closed. Those of an open row follow it in the dashboard. */
  panels: Panel[];
  /** Rows only: whether it has no heading, and so cannot be closed. */
  bare?: boolean;
  /** Bars of tabs only, which are of the type "tabs". */
  tabs?: Tab[];
  /** Schema v2: what of variables and time all has to hold for it to be shown. */
  conditions?: Condition[];
  libraryPanel: string;
  /** As the file has it, for the editor. */
  raw: Record<string, unknown>;
}

export type VariableType =
  | 'query' | 'datasource' | 'custom' | 'interval' | 'textbox' | 'constant' | 'adhoc' | 'groupby' | 'switch' | 'system' | 'unknown';

/** What an editor shows of a variable: label and value, the label only, or nothing. */
export type Hide = 'none' | 'label' | 'variable';

export interface Option {
  text: string;
  value: string;
}

export interface Filter {
  key: string;
  operator: '=' | '!=' | '=~' | '!~' | '=|' | '!=|' | '<' | '>' | '<=' | '>=';
  value: string;
  values: string[];
}

export interface Variable {
  name: string;
  type: VariableType;
  label: string;
  description: string;
  hide: Hide;
  /** The text of a query, custom, interval, textbox or constant variable; the type of source of a datasource one. */
  query: string;
  /** What Grafana's query editor wrote beside the text (qryType, label, metric, …). */
  queryObject: Record<string, unknown> | undefined;
  datasource: DatasourceRef;
  regex: string;
  /** Whether the regex is about the text or the value of an option. */
  regexApplyTo: 'value' | 'text';
  /** 0 none; 1, 2 alphabetical; 3, 4 numerical; 5, 6 alphabetical without case; 7, 8 natural; odd is ascending. */
  sort: number;
  /** 0 never, 1 on load, 2 when the time range changes. */
  refresh: number;
  multi: boolean;
  includeAll: boolean;
  /** What stands for "all" in queries; undefined joins all options. */
  allValue: string | undefined;
  allowCustomValue: boolean;
  /** Interval variables. */
  auto: boolean;
  autoCount: number;
  autoMin: string;
  /** Ad hoc and group-by variables. */
  filters: Filter[];
  /** What the file was saved with. */
  current: { value: string[]; text: string[] };
  options: Option[];
  skipUrlSync: boolean;
}

export interface AnnotationQuery {
  name: string;
  enable: boolean;
  hide: boolean;
  builtIn: boolean;
  color: string;
  datasource: DatasourceRef;
  /** Prometheus: the expression, and the texts that its labels fill in. */
  expr: string;
  step: string;
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: boolean;
  /** Panels that it is about: all, only these, or all but these. */
  panels: { exclude: boolean; ids: number[] } | undefined;
  raw: Record<string, unknown>;
}

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  time: RawRange;
  /** "" is off. */
  refresh: string;
  timezone: Zone;
  /** 0 January. */
  fiscalYearStartMonth: number;
  /** 0 none, 1 a shared crosshair, 2 a shared tooltip. */
  graphTooltip: 0 | 1 | 2;
  editable: boolean;
  links: DashboardLink[];
  annotations: AnnotationQuery[];
  variables: Variable[];
  /** In the order of reading; rows are panels of type "row". */
  panels: Panel[];
  /** Of the file; 0 where it has none. The v2 schema is 42 here. */
  schemaVersion: number;
  warnings: Warning[];
  /** The dashboard as read, in the classic schema, for the editor; undefined where there was nothing to read. */
  raw: Record<string, unknown> | undefined;
}
