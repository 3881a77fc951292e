// The door to the model of dashboards. All of it is pure; what needs
// @grafana/data at run time (frames, transformations, display) is in ../grafana/frames.
import type { QueryData } from '../api/prometheus';
import type { Range, RawRange, Zone } from '../time/range';
import type { AnnotationQuery, Dashboard, DatasourceRef, Filter, GridPos, Option, Panel, Target, TargetFormat, Variable, Warning } from './dashboard';
import type { Current, Scope, Scoped, Values } from './scope';

export type * from './dashboard';
export type * from './scope';

// --- reading -------------------------------------------------------------------------------

/** normalize reads any Grafana dashboard, given as text or parsed. It never throws: what is wrong is a warning. */
export declare function normalize(json: unknown): Dashboard;
/** panelFrom reads one panel's JSON, as the editor has it. */
export declare function panelFrom(json: unknown): { panel: Panel | undefined; warnings: Warning[] };

// --- variables -----------------------------------------------------------------------------

/** A request of Prometheus's API that a variable's options come from. */
export interface ApiRequest {
  /** Below /api/v1, such as "/label/job/values". */
  path: string;
  params: Record<string, string | string[]>;
}
export type VariableQuery =
  /** Its options follow from the file alone: call optionsFrom with undefined. */
  | { kind: 'none' }
  /** Call optionsFrom with GET /touchline/v1/datasources as a list. */
  | { kind: 'datasources' }
  /** The answer's data goes to optionsFrom. */
  | ({ kind: 'label_values' | 'label_names' | 'metrics' | 'query_result'; datasource: DatasourceRef } & ApiRequest)
  | { kind: 'unsupported'; datasource: DatasourceRef; warning: Warning };
export interface SourceInfo { uid: string; name: string; type: string; default?: boolean }
/** variableOrder sorts variables so that each comes after those that it names. levels may be loaded in parallel. */
export declare function variableOrder(variables: Variable[]): { levels: Variable[][]; warnings: Warning[] };
/** dependsOn names the variables of the list that one names. */
export declare function dependsOn(v: Variable, all: readonly Variable[]): string[];
export declare function queryOf(v: Variable, scope: Scope): VariableQuery;
export declare function optionsFrom(v: Variable, answer: unknown, scope: Scope): { options: Option[]; warnings: Warning[] };
/** currentOf chooses among options: what is wanted (from the address), what the file was saved with, the first. */
export declare function currentOf(v: Variable, options: Option[], wanted?: string[]): Current;
/** wantedFrom reads var-NAME of an address; "key|op|value" for filters. */
export declare function wantedFrom(params: URLSearchParams): Record<string, string[]>;
/** addressOf gives the var-NAME entries of an address, variables with skipUrlSync left out. */
export declare function addressOf(values: Values, variables: Variable[]): [name: string, value: string][];
export declare function filtersFrom(wanted: string[]): Filter[];

// --- texts ---------------------------------------------------------------------------------

export type Formatter = string | ((value: string | string[], c?: Current) => string);
/** interpolate fills in $x, ${x}, ${x:format} and [[x]], with Grafana's formats. Unknown variables stay as they are. */
export declare function interpolate(text: string, scope: Scope, format?: Formatter): string;
/** interpolateQuery does so as Grafana's Prometheus source: several values become (a|b), escaped for a regex in PromQL; ad hoc filters are put into the selectors. */
export declare function interpolateQuery(expr: string, scope: Scope): string;

// --- queries -------------------------------------------------------------------------------

export interface QueryContext {
  /** Pixels; the number of points that are asked for where the panel does not say. */
  width: number;
  /** Milliseconds; 15,000 where nothing is known. */
  scrapeInterval?: number;
  now: number;
}
/** One request of Prometheus's API. Equal keys may share an answer. */
export interface PanelRequest {
  key: string;
  refId: string;
  kind: 'range' | 'instant' | 'exemplars';
  datasource: DatasourceRef;
  expr: string;
  /** Seconds; for instant, end is the moment. */
  start: number;
  end: number;
  step: number;
  legendFormat: string;
  format: TargetFormat;
  /** Milliseconds that times of the answer are moved by (timeShift). */
  shift: number;
}
export interface PanelQueries {
  requests: PanelRequest[];
  /** Targets that show another panel's data. */
  shared: { refId: string; panelId: number; withTransforms: boolean }[];
  unsupported: { refId: string; datasource: DatasourceRef }[];
  /** The scope with __interval and its like, and the panel's own range. */
  scope: Scope;
  /** Such as "Last 24 hours", where the panel's range is not the dashboard's. */
  timeInfo: string;
  warnings: Warning[];
}
/** queriesOf tells what a panel asks for. resolve gives the type of a source by uid or name, after variables were filled in. */
export declare function queriesOf(panel: Panel, scope: Scope, context: QueryContext, resolve: (ref: DatasourceRef) => SourceInfo | undefined): PanelQueries;
/** sourceOf finds what a reference means among the sources there are: by uid, by name, by variable, the default. */
export declare function sourceOf(ref: DatasourceRef, scope: Scope, sources: readonly SourceInfo[]): SourceInfo | undefined;
/** panelRange applies timeFrom and timeShift. */
export declare function panelRange(panel: Panel, scope: Scope, now: number): { raw: RawRange; range: Range; shift: number; info: string };

// --- layout --------------------------------------------------------------------------------

export interface Placed {
  /** Unique, and the same as long as panel and repeated values are. */
  key: string;
  panel: Panel;
  gridPos: GridPos;
  /** Values of the repeats that it stands in. */
  scoped: Record<string, Scoped>;
  /** Rows only. */
  open: boolean;
  /** Key of the row that it belongs to; "" for none. */
  row: string;
}
/** layoutOf repeats rows and panels, and places all that is seen. open says which rows were opened or closed by hand, by key. */
export declare function layoutOf(dashboard: Dashboard, values: Values, open?: ReadonlyMap<string, boolean>): { placed: Placed[]; warnings: Warning[] };

// --- annotations ---------------------------------------------------------------------------

export interface Annotation {
  id: string;
  time: number;
  timeEnd?: number;
  title: string;
  text: string;
  tags: string[];
  color: string;
  url?: string;
}
export type AnnotationRequest =
  | { kind: 'range'; datasource: DatasourceRef; expr: string; start: number; end: number; step: number }
  | { kind: 'get'; path: string; params: Record<string, string> }
  | { kind: 'none'; warning?: Warning };
/** Our own sources of annotations, offered on every dashboard. */
export declare const ownAnnotations: AnnotationQuery[];
export declare function annotationRequest(q: AnnotationQuery, scope: Scope): AnnotationRequest;
export declare function annotationsFrom(q: AnnotationQuery, request: AnnotationRequest, answer: unknown): Annotation[];
export declare function annotationIsFor(q: AnnotationQuery, panelId: number): boolean;

// --- ../grafana/frames (loads @grafana/data; import it lazily) ------------------------------

/** What ../grafana/frames exports, written down here for whoever works against it. */
export interface GrafanaDoor {
  framesOf(request: PanelRequest, data: QueryData, scope: Scope): import('@grafana/data').DataFrame[];
  exemplarFrames(request: PanelRequest, data: unknown): import('@grafana/data').DataFrame[];
  /** pipeline runs the transformations and applies field options: every field has display, state.displayName and config. */
  pipeline(panel: Panel, frames: import('@grafana/data').DataFrame[], scope: Scope, mode: 'dark' | 'light', zone: Zone): Promise<{ frames: import('@grafana/data').DataFrame[]; annotations: import('@grafana/data').DataFrame[]; warnings: Warning[] }>;
  /** display is the text and colour of a value, as Grafana would show it. */
  display(field: import('@grafana/data').Field, value: unknown): { text: string; color: string | undefined; numeric: number };
  legendRows(frames: import('@grafana/data').DataFrame[], calcs: string[]): { name: string; frame: number; field: number; color: string; calcs: { id: string; title: string; text: string; value: number | undefined }[] }[];
  statValues(panel: Panel, frames: import('@grafana/data').DataFrame[], scope: Scope, mode: 'dark' | 'light', zone: Zone): import('@grafana/data').FieldDisplay[];
}
export type { Dashboard, GridPos, Target };
