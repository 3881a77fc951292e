// What panels take and give: the only part that pages need to know.
import type { DataFrame, FieldConfigSource } from '@grafana/data';
import type { ReactNode } from 'react';

import type { Mode } from '../grafana/theme';
import type { Range, Zone } from '../time/range';

export interface PanelLink {
  title: string;
  url: string;
  targetBlank?: boolean;
}

/** A panel as a dashboard's model has it. Its options are as Grafana writes them; nothing about them is trusted. */
export interface PanelSpec {
  id: number;
  type: string;
  title?: string;
  description?: string;
  transparent?: boolean;
  options?: Record<string, unknown>;
  fieldConfig?: FieldConfigSource;
  links?: PanelLink[];
}

/** Something that happened, drawn over time. Milliseconds. */
export interface Mark {
  id: string;
  time: number;
  /** The end of a region. */
  timeEnd?: number;
  title?: string;
  text?: string;
  tags?: string[];
  color?: string;
  /** Is a line where it begins, even if it lasted. */
  thin?: boolean;
}

/** How far the panel's queries are. */
export type QueryState = 'loading' | 'done' | 'error';

/** What the panel's element says of itself. */
export type PanelState = 'loading' | 'data' | 'empty' | 'error' | 'unsupported';

/** What the drawing of each type gets. Sizes are in pixels, and are those of the drawing. */
export interface BodyProps {
  panel: PanelSpec;
  frames: DataFrame[];
  range: Range;
  zone: Zone;
  mode: Mode;
  width: number;
  height: number;
  /** Fills in variables of texts and links. */
  replace: (text: string, format?: 'html' | 'text') => string;
  marks: Mark[];
  /** Called with milliseconds. */
  onZoom?: (from: number, to: number) => void;
  /** Panels with the same key share their crosshair. */
  sync?: string;
  /** Whether the tooltips of the others are shown too, as Grafana's graphTooltip 2 does. */
  syncTips?: boolean;
  /** Adds a filter, such as from a cell of a table. */
  onFilter?: (label: string, value: string, equal: boolean) => void;
}

export interface PanelViewProps extends Omit<BodyProps, 'replace' | 'marks'> {
  state: QueryState;
  /** Nothing has been asked, since the panel has no query yet. */
  unasked?: boolean;
  error?: string;
  /** What is not as it should be, although there is data. */
  warnings?: string[];
  onRetry?: () => void;
  replace?: BodyProps['replace'];
  annotations?: Mark[];
  /** A menu or buttons, at the end of the title's line. */
  actions?: ReactNode;
  /** Words beside the title, such as a time range of its own. */
  hint?: ReactNode;
}
