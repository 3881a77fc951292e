import { useComputedColorScheme } from '@mantine/core';
import { memo, type ReactNode, useCallback, useEffect, useMemo } from 'react';

import { useT } from '../../i18n';
import { type FilterInto, label, type Panel, type Placed, type Scope, type SourceInfo } from '../../model';
import { PanelView } from '../../panels/PanelView';
import type { Zone } from '../../time/range';
import { annotationsOf, type Group } from './annotations';
import { PanelMenu } from './PanelMenu';
import { type PanelData, usePanelData } from './panelData';

const m = {
  source: { en: '{ref}: nothing here asks a data source of the type {type}. Prometheus ones are drawn.', zh: '{ref}：不支持类型为 {type} 的数据源，仅支持 Prometheus。' },
  missing: { en: '{ref}: there is no such data source here. Add it to the provisioned ones, or choose another in the panel.', zh: '{ref}：找不到该数据源。请在预置文件中添加，或在面板中另选。' },
};

/** isUnasked tells a panel of Prometheus's without any query, such as a new one. */
export const isUnasked = (p: Panel): boolean => p.libraryPanel === '' && p.targets.every((q) => q.expr.trim() === '' && q.panelId === undefined && (q.datasource.type === '' || q.datasource.type === 'prometheus'));

/** What all panels of a page share. */
export interface Shared {
  scope: Scope;
  sources: readonly SourceInfo[];
  /** Puts ad hoc filters into queries, where the dashboard has any. */
  filterInto: FilterInto | undefined;
  now: number;
  zone: Zone;
  ready: boolean;
  graphTooltip: 0 | 1 | 2;
  annotations: Group[];
  find: (id: number) => Panel | undefined;
  /** Called when a panel begins or ends to load. */
  busy: (key: string, loading: boolean) => void;
  onZoom: (from: number, to: number) => void;
  onFilter?: (label: string, value: string, equal: boolean) => void;
  /** Undefined where nothing can be changed. */
  edit?: { open: (id: number) => void; duplicate: (id: number) => void; remove: (id: number) => void };
  /** Shows one panel alone; none for all. */
  view: (id: number | undefined) => void;
  viewed?: number;
  title: string;
}

/** Slot is one panel: its data, its menu and its drawing. */
export const Slot = memo(function Slot({ placed, width, height, active, shared, onData, bare }: {
  placed: Placed; width: number; height: number; active: boolean; shared: Shared; onData?: (d: PanelData) => void; bare?: boolean;
}): ReactNode {
  const t = useT();
  const mode = useComputedColorScheme('dark');
  const { panel, key } = placed;
  const scope = useMemo<Scope>(() => ({ ...shared.scope, scoped: { ...shared.scope.scoped, ...placed.scoped } }), [shared.scope, placed.scoped]);
  const unsupported = useCallback((ref: string, type: string) => (type === 'prometheus' || type === '' ? t(m.missing, { ref }) : t(m.source, { ref, type })), [t]);
  const [data, again] = usePanelData({
    panel, scope, sources: shared.sources, filterInto: shared.filterInto, width, now: shared.now, zone: shared.zone, mode, active: active && shared.ready && panel.type !== 'row', find: shared.find, unsupported,
  });
  const { busy } = shared;
  const loading = active && data.fetching && panel.type !== 'row';
  useEffect(() => {
    busy(key, loading);
    return () => busy(key, false);
  }, [busy, key, loading]);
  useEffect(() => onData?.(data), [data, onData]);
  const marks = useMemo(() => annotationsOf(shared.annotations, panel.id), [shared.annotations, panel.id]);
  const inner = data.queries?.scope ?? scope;
  const replace = useCallback((text: string, format?: 'html' | 'text') => label(text, inner, format ?? 'glob'), [inner]);
  return (
    <PanelView panel={panel} frames={data.frames} state={data.state} unasked={isUnasked(panel)} error={data.error} warnings={data.warnings} onRetry={again} range={inner.range} zone={shared.zone} mode={mode}
      width={width} height={height} replace={replace} annotations={marks} onZoom={shared.onZoom} onFilter={shared.onFilter}
      sync={shared.graphTooltip > 0 ? 'dashboard' : undefined} syncTips={shared.graphTooltip === 2} hint={data.queries?.timeInfo && t(data.queries.timeInfo)}
      actions={bare ? undefined : <PanelMenu panel={panel} data={data} shared={shared} scope={inner} />} />
  );
});
