import './dash.css';

import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { byLink } from '../../api/client';
import { type DataSource, dataSources, listDashboards } from '../../api/dashboards';
import { useMe } from '../../api/me';
import { keepTime } from '../../app/Frame';
import { useLanguage, useT } from '../../i18n';
import { addressOf, type Current, type Dashboard, type DashboardLink, everyPanel, filterText, hasSight, label, layoutOf, loadFilterInto, type Panel, type Placed, type Scope, type Sight, sourceOf } from '../../model';
import { linkProps } from '../../panels/links';
import { retitled, stock } from '../../stock';
import { useTime } from '../../time/state';
import { zoneName } from '../../time/zone';
import { clock } from '../../ui/format';
import { Icon } from '../../ui/icons';
import { Empty, Failed, Loading, Notice } from '../../ui/parts';
import { Toggle } from '../../ui/Toggle';
import type { Spot } from './arrange';
import { annotationQueries, isOn, useAnnotations } from './annotations';
import { Grid } from './Grid';
import { readRows, writeRows } from './rows';
import { type Shared, Slot } from './Slot';
import { useVariables, withVariable } from './variables';
import { VariableBar } from './VariableBar';

const PanelEditor = lazy(() => import('./edit/PanelEditor').then((x) => ({ default: x.PanelEditor })));

const m = {
  empty: { en: 'This dashboard has no panels', zh: '此仪表盘没有面板' },
  emptyWhy: { en: 'Add the first one, or import JSON in the settings.', zh: '添加第一个面板，或在设置中导入 JSON。' },
  add: { en: 'Add a panel', zh: '添加面板' },
  notes: { en: '{n} notes about this dashboard', zh: '关于此仪表盘的 {n} 条提示' },
  back: { en: 'Back to the dashboard', zh: '返回仪表盘' },
  noPanel: { en: 'There is no panel {id} in this dashboard', zh: '此仪表盘中没有面板 {id}' },
  annotation: { en: 'Annotation {name} could not be read: {error}', zh: '无法读取注释 {name}：{error}' },
  links: { en: 'Dashboards', zh: '仪表盘' },
  all: { en: 'All', zh: '全部' },
  printed: { en: 'printed {at}', zh: '打印于 {at}' },
};

/** What tells where something dragged comes to stand. */
const drop = (): Promise<typeof import('./drop')> => import('./drop');

const noSources: DataSource[] = [];
/** Those of annotations that every dashboard has. */
const ownNames: Record<string, string> = { Alerts: '告警', Deployments: '部署', Incidents: '事件' };

/** What of a dashboard can be edited, where it can. */
export interface Editing {
  duplicate: (id: number) => void;
  remove: (id: number) => void;
  move: (id: number, to: Spot) => void;
  change: (id: number, to: Record<string, unknown>) => void;
  add: () => void;
}

/**
 * View draws a dashboard: variables, annotations, links and panels. sheet is the length of a printed one, in pixels.
 * turned is told which tab each bar shows, by the id of the bar.
 */
export function View({ dashboard, uid, arranging, editing, sheet, turned }: { dashboard: Dashboard; uid: string; arranging: boolean; editing?: Editing; sheet?: number; turned?: { current: ReadonlyMap<number, number> } }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const time = useTime({ from: dashboard.time.from, to: dashboard.time.to, refresh: dashboard.refresh, timezone: dashboard.timezone });
  const { me } = useMe();
  const sources = useQuery({ queryKey: ['datasources'], queryFn: ({ signal }) => dataSources(signal), staleTime: 60_000 });
  const login = me?.name ?? '';
  const { from, to } = time.raw;
  const base = useMemo(() => ({
    raw: { from, to }, range: time.range, zone: time.zone, dashboard: { title: dashboard.title, uid }, user: { login }, org: { id: 1, name: 'Touchline' },
  }), [from, to, time.range, time.zone, dashboard.title, uid, login]);
  const variables = useVariables(dashboard, base, search, sources.data);
  const scope = useMemo<Scope>(() => ({ ...base, values: variables.values }), [base, variables.values]);
  const open = useMemo(() => readRows(search.rows), [search.rows]);
  const turns = useMemo(() => hasSight(dashboard.panels), [dashboard.panels]);
  const sight = useMemo<Sight | undefined>(() => (turns ? {
    scope, all: sheet !== undefined, hidden: arranging,
    asked: (param) => {
      const v = [search[param]].flat()[0];
      return typeof v === 'string' ? v : undefined;
    },
  } : undefined), [turns, scope, search, sheet, arranging]);
  const layout = useMemo(() => layoutOf(dashboard, variables.values, open, sight), [dashboard, variables.values, open, sight]);

  useEffect(() => {
    if (turned) turned.current = new Map(layout.placed.flatMap(({ panel, bar }) => (bar ? [[panel.id, bar.tabs[bar.at]!.index] as const] : [])));
  }, [layout, turned]);

  const change = useCallback((by: (old: Record<string, unknown>) => Record<string, unknown>, replace = false) => void navigate({ to: '.', search: by, replace } as never), [navigate]);
  const toggle = useCallback((key: string, is: boolean) => change((old) => ({ ...old, rows: writeRows(new Map(readRows(old.rows)).set(key, is)) }), true), [change]);
  const turn = useCallback((param: string, slug: string) => change((old) => ({ ...old, [param]: slug })), [change]);
  const setVariable = useCallback((name: string, value: string[]) => change((old) => withVariable(old, name, value)), [change]);

  const adhoc = dashboard.variables.find((v) => v.type === 'adhoc');
  const grammar = useQuery({ queryKey: ['grammar', 'filters'], queryFn: loadFilterInto, enabled: adhoc !== undefined, staleTime: Infinity, structuralSharing: false });
  const filterInto = grammar.data;
  const settled = variables.ready && (adhoc === undefined || filterInto !== undefined || grammar.isError);

  const allAnnotations = useMemo(() => annotationQueries(dashboard, byLink()), [dashboard]);
  const onKey = allAnnotations.filter((q) => isOn(q, search)).map((q) => q.name).join('\n');
  const asked = useMemo(() => allAnnotations.filter((q) => onKey.split('\n').includes(q.name)), [allAnnotations, onKey]);
  const { groups: annotations, errors: annotationErrors } = useAnnotations(asked, scope, sources.data ?? noSources, filterInto, settled, uid, time.tick);

  const [loading, setLoading] = useState(0);
  const busySet = useRef(new Set<string>());
  const busy = useCallback((key: string, is: boolean) => {
    if (is) busySet.current.add(key);
    else busySet.current.delete(key);
    setLoading(busySet.current.size);
  }, []);
  const byId = useMemo(() => new Map(everyPanel(dashboard.panels).map((p) => [p.id, p])), [dashboard.panels]);
  // What has just been added is seen.
  const known = useRef(byId);
  useEffect(() => {
    const before = known.current;
    known.current = byId;
    if (!arranging || before === byId || byId.size !== before.size + 1) return;
    const added = [...byId.keys()].find((id) => !before.has(id));
    const frame = requestAnimationFrame(() => document.querySelector(`[data-panel-id="${added}"]`)?.scrollIntoView({ block: 'nearest' }));
    return () => cancelAnimationFrame(frame);
  }, [byId, arranging]);
  const find = useCallback((id: number): Panel | undefined => byId.get(id), [byId]);
  const view = useCallback((id: number | undefined) => change((old) => ({ ...old, viewPanel: id, editPanel: undefined })), [change]);
  const { zoom } = time;
  const zoomTo = useRef(zoom);
  zoomTo.current = zoom;
  const onZoom = useCallback((a: number, b: number) => zoomTo.current(a, b), []);
  const values = useRef(variables.values);
  values.current = variables.values;
  const onFilter = useMemo(() => (adhoc ? (key: string, value: string, equal: boolean) => {
    const old = (values.current[adhoc.name]?.filters ?? []).map(filterText);
    setVariable(adhoc.name, [...old, filterText({ key, operator: equal ? '=' : '!=', value, values: [] })]);
  } : undefined), [adhoc, setVariable]);
  const edits = useRef(editing);
  edits.current = editing;
  const canEdit = editing !== undefined;
  const placed = useRef(layout.placed);
  placed.current = layout.placed;
  const move = useCallback((p: Placed, to: Spot) => {
    const all = placed.current;
    void drop().then(({ dropped }) => edits.current?.move(p.panel.id, dropped(all, p, to)));
  }, []);
  useEffect(() => {
    if (arranging) void drop();
  }, [arranging]);
  const viewed = idOf(search.viewPanel);
  const edited = idOf(search.editPanel);
  const sourceList = sources.data ?? noSources;
  const shared = useMemo<Shared>(() => ({
    scope, sources: sourceList, filterInto, now: time.tick, zone: time.zone, ready: settled, graphTooltip: dashboard.graphTooltip, annotations, find, busy, onZoom, onFilter, view, viewed, title: dashboard.title,
    edit: canEdit ? {
      open: (id) => change((old) => ({ ...old, editPanel: id, viewPanel: undefined })),
      duplicate: (id) => edits.current?.duplicate(id),
      remove: (id) => edits.current?.remove(id),
    } : undefined,
  }), [scope, sourceList, filterInto, time.tick, time.zone, settled, dashboard.graphTooltip, dashboard.title, annotations, find, busy, onZoom, onFilter, view, viewed, canEdit, change]);

  // Escape leaves a panel that fills the page, and then kiosk mode.
  const leaves = viewed !== undefined ? 'viewPanel' : search.kiosk !== undefined && search.share === undefined && !canEdit ? 'kiosk' : undefined;
  useEffect(() => {
    if (leaves === undefined) return;
    const onKey = (e: KeyboardEvent): void => {
      const within = e.target instanceof Element && e.target.closest('input, textarea, select, [contenteditable], [role=dialog], [role=menu], [role=listbox]');
      if (e.key !== 'Escape' || e.defaultPrevented || within || document.querySelector('[role=dialog], [role=menu]')) return;
      change((old) => ({ ...old, [leaves]: undefined }));
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [leaves, change]);
  const near = useRef(false);
  useEffect(() => { near.current = true; });
  const ready = sources.isError || (settled && loading === 0 && near.current);
  const notes = [...dashboard.warnings, ...variables.warnings, ...layout.warnings];
  const one = edited ?? viewed;
  const single = one === undefined ? undefined : layout.placed.find((p) => p.panel.id === one) ?? alone(find(one));
  return (
    <div data-dashboard-state={ready ? 'ready' : 'loading'} data-dashboard-uid={uid}>
      {sheet === undefined ? <VariableBar variables={dashboard.variables} state={variables} sourceFor={(v) => sourceOf(v.datasource, scope, sourceList)?.uid} onChange={setVariable} extra={<>
        {allAnnotations.filter((q) => !q.hide).map((q) => (
          <Toggle key={q.name} checked={isOn(q, search)} onChange={(on) => change(toggled(q.name, q.enable, on))}>{l === 'zh' ? ownNames[q.name] ?? q.name : q.name}</Toggle>
        ))}
        {dashboard.links.map((link, i) => <HeadLink key={i} link={link} scope={scope} variables={dashboard} />)}
      </>} /> : <Printed dashboard={dashboard} scope={scope} />}
      {sources.error && <Failed error={sources.error} retry={() => void sources.refetch()} />}
      {annotationErrors.map((e) => <Notice key={e} tone="warning">{t(m.annotation, { name: e.slice(0, e.indexOf(':')), error: e.slice(e.indexOf(':') + 2) })}</Notice>)}
      {notes.length > 0 && sheet === undefined && (
        <details style={{ marginBottom: 8 }}>
          <summary className="muted">{t(m.notes, { n: notes.length })}</summary>
          <ul>{notes.slice(0, 100).map((w, i) => <li key={i}><code>{w.path}</code> {w[l]}</li>)}</ul>
        </details>
      )}
      {one !== undefined ? (
        <>
          {sheet === undefined && <div style={{ marginBottom: 8 }}><Button variant="default" onClick={() => view(undefined)}>{t(m.back)}</Button></div>}
          {!single ? <Empty title={t(m.noPanel, { id: one })} /> :
            edited !== undefined && editing ? (
              <Suspense fallback={<Loading height={400} />}>
                <PanelEditor key={edited} placed={single} shared={shared} onChange={(to) => editing.change(edited, to)} />
              </Suspense>
            ) : <Full placed={single} shared={shared} />}
        </>
      ) : dashboard.panels.length === 0 ? (
        <Empty title={t(m.empty)} action={editing && <Button onClick={editing.add}>{t(m.add)}</Button>}>{t(m.emptyWhy)}</Empty>
      ) : (
        <Grid placed={layout.placed} shared={shared} toggle={toggle} turn={turn} onMove={arranging && editing ? move : undefined} sheet={sheet} />
      )}
    </div>
  );
}

/** Printed says in words what the controls of a dashboard are set to. */
function Printed({ dashboard, scope }: { dashboard: Dashboard; scope: Scope }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { range, zone, now } = { range: scope.range, zone: scope.zone ?? 'browser', now: Date.now() };
  const set = dashboard.variables
    .filter((v) => v.hide !== 'variable' && v.type !== 'constant' && v.type !== 'system' && v.type !== 'unknown')
    .map((v) => ({ name: v.label || v.name, value: written(scope.values[v.name], t(m.all)) }))
    .filter((v) => v.value !== '');
  return (
    <p className="muted" style={{ margin: '0 0 12px' }} data-printed>
      {clock(range.from, l, zone, true)} – {clock(range.to, l, zone, true)} {zoneName(zone) ?? ''} · {t(m.printed, { at: clock(now, l, zone, true) })}
      {set.map((v) => <span key={v.name}> · {v.name}: <b>{v.value}</b></span>)}
    </p>
  );
}

/** written is what a variable is set to, by the texts of its options. */
function written(current: Current | undefined, all: string): string {
  if (!current) return '';
  if (current.filters && current.filters.length > 0) return current.filters.map((f) => `${f.key} ${f.operator} ${f.values.length > 1 ? f.values.join(', ') : f.value}`).join(', ');
  return current.value.map((v) => (v === '$__all' ? all : current.options.find((o) => o.value === v)?.text || v)).join(', ');
}

function idOf(v: unknown): number | undefined {
  const text = typeof v === 'string' ? v.replace(/^panel-/, '') : typeof v === 'number' ? String(v) : '';
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** alone places a panel of a row that is closed, or of a tab that is not shown. */
const alone = (panel: Panel | undefined): Placed | undefined => panel && { key: String(panel.id), panel, gridPos: panel.gridPos, scoped: {}, open: true, row: '', within: [], top: 0 };

/** toggled changes one annotation of the address, and says nothing of what is as the file has it. */
function toggled(name: string, enabled: boolean, on: boolean): (old: Record<string, unknown>) => Record<string, unknown> {
  return (old) => {
    const without = (v: unknown): string[] => (typeof v === 'string' && v !== '' ? v.split(',') : []).filter((n) => n !== name);
    const [offs, ons] = [without(old['ann-off']), without(old['ann-on'])];
    if (on && !enabled) ons.push(name);
    if (!on && enabled) offs.push(name);
    return { ...old, 'ann-off': offs.join(',') || undefined, 'ann-on': ons.join(',') || undefined };
  };
}

function Full({ placed, shared }: { placed: Placed; shared: Shared }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const look = (): void => {
      const r = box.current?.getBoundingClientRect();
      if (r) setSize({ width: Math.floor(r.width), height: Math.max(240, Math.floor(window.innerHeight - r.top - window.scrollY - 20)) });
    };
    look();
    window.addEventListener('resize', look);
    return () => window.removeEventListener('resize', look);
  }, []);
  return <div ref={box}>{size.width > 0 && <Slot placed={placed} width={size.width} height={size.height} active shared={shared} />}</div>;
}

function HeadLink({ link, scope, variables }: { link: DashboardLink; scope: Scope; variables: Dashboard }): ReactNode {
  const t = useT();
  const keep = (old: Record<string, unknown>): Record<string, unknown> => {
    const out: Record<string, unknown> = link.keepTime ? keepTime(old) : {};
    if (link.includeVars) for (const [name, value] of addressOf(scope.values, variables.variables)) out[name] = name in out ? [out[name], value].flat() : value;
    return out;
  };
  const list = useQuery({
    queryKey: ['dashboards', 'link', link.tags], enabled: link.type === 'dashboards', staleTime: 60_000,
    queryFn: async ({ signal }) => (await listDashboards({ tag: link.tags[0] }, signal)).dashboards.filter((d) => link.tags.every((x) => d.tags.includes(x))).slice(0, 100),
  });
  const words = stock.use();
  const title = label(link.title, scope);
  if (link.type === 'link') {
    const url = label(link.url, scope, 'glob');
    const props = linkProps(url, link.targetBlank);
    if (!props) return null;
    const extra = new URLSearchParams();
    if (link.keepTime) for (const [k, v] of [['from', scope.raw.from], ['to', scope.raw.to]] as const) extra.append(k, v);
    if (link.includeVars) for (const [k, v] of addressOf(scope.values, variables.variables)) extra.append(k, v);
    const tail = extra.toString();
    return <a {...props} href={tail === '' ? props.href : `${props.href}${props.href.includes('?') ? '&' : '?'}${tail}`} title={link.tooltip || undefined}><Icon name="link" size={12} /> {title || url}</a>;
  }
  const items = retitled(list.data ?? [], words);
  if (items.length === 0) return null;
  const one = (d: { uid: string; title: string }): ReactNode => <Link key={d.uid} to={`/d/${encodeURIComponent(d.uid)}` as never} search={keep as never}>{d.title}</Link>;
  if (!link.asDropdown) return <>{items.map(one)}</>;
  return (
    <Menu>
      <Menu.Target><Button variant="default" size="compact-xs" rightSection={<Icon name="down" size={12} />}>{title || t(m.links)}</Button></Menu.Target>
      <Menu.Dropdown mah={400} style={{ overflow: 'auto' }}>{items.map((d) => <Menu.Item key={d.uid} component="div">{one(d)}</Menu.Item>)}</Menu.Dropdown>
    </Menu>
  );
}

