// Reads any Grafana dashboard into the one model of this console.
import type { AnnotationQuery, Dashboard, DashboardLink, DatasourceRef, Panel, Warning } from './dashboard';
import { old } from './late';
import { oldAnnotation, readAnnotation } from './read-annotation';
import { readLink } from './read-link';
import { PanelReader } from './read-panel';
import { readVariables } from './read-variable';
import { clip, flag, isObject, list, num, object, objects, text, texts, Warnings, whole, type Json } from './read';
import { isV2 } from './versions';

/** What a stranger may send. */
export const limits = { bytes: 10 << 20, panels: 5000, depth: 100, nodes: 1_000_000, variables: 500, annotations: 200, targets: 200, links: 100, transformations: 200 } as const;

/** Newest version of the classic schema that the migrations here know. */
const newest = 42;

const blank = (raw: Json | undefined, warnings: Warning[]): Dashboard => ({
  uid: '', title: '', description: '', tags: [], time: { from: 'now-6h', to: 'now' }, refresh: '', timezone: 'browser', fiscalYearStartMonth: 0, graphTooltip: 0,
  editable: true, links: [], annotations: [], variables: [], panels: [], schemaVersion: 0, warnings, raw,
});

/** normalize reads any Grafana dashboard, given as text or parsed. It never throws: what is wrong is a warning. */
export function normalize(json: unknown): Dashboard {
  const w = new Warnings();
  let raw: Json | undefined;
  try {
    raw = unwrap(json, w);
    return raw ? read(raw, w) : blank(undefined, w.all());
  } catch (e) {
    w.add('', { en: `the dashboard cannot be read: ${clip(String(e))}`, zh: `无法读取该仪表盘：${clip(String(e))}` });
    return blank(raw, w.all());
  }
}

/** unwrap parses, and takes off what dashboards are sent in. */
function unwrap(json: unknown, w: Warnings): Json | undefined {
  let v = json;
  if (typeof v === 'string') {
    if (v.length > limits.bytes) {
      w.add('', { en: 'the dashboard is larger than 10 MB; split it into several', zh: '该仪表盘超过 10 MB，请拆分为多个' });
      return undefined;
    }
    try {
      v = JSON.parse(v);
    } catch (e) {
      w.add('', { en: `this is no JSON: ${clip((e as Error).message, 160)}`, zh: `不是有效的 JSON：${clip((e as Error).message, 160)}` });
      return undefined;
    }
  }
  const size = measure(v);
  if (size !== '') {
    w.add('', size === 'deep'
      ? { en: `the dashboard nests deeper than ${limits.depth} levels; flatten it`, zh: `该仪表盘的嵌套超过 ${limits.depth} 层，请减少嵌套` }
      : { en: `the dashboard has more than ${limits.nodes} values; split it into several`, zh: `该仪表盘超过 ${limits.nodes} 个值，请拆分为多个` });
    return undefined;
  }
  for (let i = 0; i < 3 && isObject(v) && isObject(v.dashboard) && !Array.isArray(v.panels) && !Array.isArray(v.rows); i++) v = v.dashboard;
  if (!isObject(v)) {
    w.add('', { en: 'a dashboard is a JSON object with a title and panels; this is none', zh: '仪表盘应为包含 title 与 panels 的 JSON 对象，此内容不是' });
    return undefined;
  }
  if (isV2(v)) return old().fromV2(v, w);
  // Resources of the v1 API have the classic JSON in their spec.
  if (isObject(v.spec) && typeof v.apiVersion === 'string') {
    const meta = object(v.metadata);
    return { uid: text(meta.name), ...v.spec };
  }
  return v;
}

/** measure walks without recursion, so that depth alone cannot exhaust the stack. */
function measure(v: unknown): '' | 'deep' | 'large' {
  const stack: [unknown, number][] = [[v, 0]];
  let nodes = 0;
  for (let top = stack.pop(); top; top = stack.pop()) {
    const [value, depth] = top;
    if (++nodes > limits.nodes) return 'large';
    if (typeof value !== 'object' || value === null) continue;
    if (depth > limits.depth) return 'deep';
    for (const child of Object.values(value)) stack.push([child, depth + 1]);
  }
  return '';
}

function read(raw: Json, w: Warnings): Dashboard {
  const version = num(raw.schemaVersion) ?? 0;
  if (raw.schemaVersion !== undefined && num(raw.schemaVersion) === undefined) {
    w.add('schemaVersion', { en: `schemaVersion is no number: ${clip(text(raw.schemaVersion, typeof raw.schemaVersion))}; read as an old one`, zh: `schemaVersion 不是数字：${clip(text(raw.schemaVersion, typeof raw.schemaVersion))}，按旧版本读取` });
  }
  if (version > newest) {
    w.add('schemaVersion', { en: `schemaVersion ${version} is newer than ${newest}, the newest known here; parts may be left out`, zh: `schemaVersion ${version} 比此处已知的最新版本 ${newest} 更新，部分内容可能缺失` });
  }
  const inputs = inputsOf(raw, w);
  const time = object(raw.time);
  const out = blank(raw, []);
  out.schemaVersion = version;
  out.uid = text(raw.uid);
  out.title = text(raw.title);
  out.description = text(raw.description);
  out.tags = texts(raw.tags).slice(0, 100);
  out.time = { from: timeText(time.from, 'now-6h'), to: timeText(time.to, 'now') };
  out.refresh = typeof raw.refresh === 'string' ? raw.refresh : '';
  out.timezone = zone(raw.timezone, w);
  out.fiscalYearStartMonth = whole(raw.fiscalYearStartMonth, 0, 11) ?? 0;
  // sharedCrosshair is what schema 13 and older had.
  out.graphTooltip = (whole(raw.graphTooltip, 0, 2) ?? (raw.sharedCrosshair === true ? 1 : 0)) as 0 | 1 | 2;
  out.editable = flag(raw.editable, true);
  out.links = objects(raw.links).slice(0, limits.links).flatMap(([l, i]) => dashboardLink(l, `links[${i}]`, w));
  out.annotations = annotations(raw, w);
  out.variables = readVariables(raw.templating, w, limits.variables, inputs);
  out.panels = panels(raw, w, inputs);
  out.warnings = w.all();
  if (raw.panels !== undefined && !Array.isArray(raw.panels)) out.warnings.push({ path: 'panels', en: 'panels is no list', zh: 'panels 不是列表' });
  return out;
}

const timeText = (v: unknown, otherwise: string): string => {
  const s = text(v).trim();
  return s === '' || s.length > 64 ? otherwise : s;
};

function zone(v: unknown, w: Warnings): string {
  const s = text(v);
  // "default" is the reader's own setting, which is the browser's here.
  if (s === '' || s === 'browser' || s === 'default') return 'browser';
  if (s.toLowerCase() === 'utc') return 'utc';
  try {
    new Intl.DateTimeFormat('en', { timeZone: s });
    return s;
  } catch {
    w.add('timezone', { en: `no such time zone: ${clip(s)}; the browser's is used`, zh: `没有该时区：${clip(s)}，使用浏览器时区` });
    return 'browser';
  }
}

/** inputsOf gives what stands for the "${DS_X}" of an export: the constant's value, or a reference by type alone. */
function inputsOf(raw: Json, w: Warnings): ReadonlyMap<string, DatasourceRef | string> {
  const out = new Map<string, DatasourceRef | string>();
  for (const [input, i] of objects(raw.__inputs)) {
    const name = text(input.name);
    if (name === '') w.add(`__inputs[${i}]`, { en: 'an input without a name', zh: '缺少 name 的输入项' });
    else if (input.type === 'datasource') out.set(name, { uid: '', type: text(input.pluginId) });
    else out.set(name, text(input.value));
  }
  return out;
}

function dashboardLink(l: Json, path: string, w: Warnings): DashboardLink[] {
  const type = l.type === 'dashboards' ? 'dashboards' : 'link';
  const tags = texts(l.tags).length > 0 ? texts(l.tags) : texts(l.tag);
  const common = {
    tags, asDropdown: flag(l.asDropdown), icon: text(l.icon), tooltip: text(l.tooltip), includeVars: flag(l.includeVars), keepTime: flag(l.keepTime),
  };
  if (type === 'dashboards') return [{ type, title: text(l.title), url: '', targetBlank: flag(l.targetBlank), ...common }];
  const link = readLink(l, path, w);
  return link ? [{ type, ...common, ...link }] : [];
}

function annotations(raw: Json, w: Warnings): AnnotationQuery[] {
  const holder = object(raw.annotations);
  const found = objects(holder.list);
  if (found.length > limits.annotations) w.add('annotations.list', { en: `more than ${limits.annotations} annotations; the rest is left out`, zh: `注释超过 ${limits.annotations} 条，其余已省略` });
  const out = found.slice(0, limits.annotations).map(([a, i]) => readAnnotation(a, `annotations.list[${i}]`));
  return out.length > 0 ? out : oldAnnotation(raw);
}

function panels(raw: Json, w: Warnings, inputs: ReadonlyMap<string, DatasourceRef | string>): Panel[] {
  const reader = new PanelReader(w, limits, inputs);
  const source = Array.isArray(raw.rows) && list(raw.panels).length === 0 ? old().rowsToPanels(raw.rows, w, limits.panels) : { panels: list(raw.panels), path: (i: number) => `panels[${i}]` };
  return reader.readAll(source.panels, source.path);
}

/** classicOf gives a dashboard of schema v2 in the classic one, where tabs are rows. */
export const classicOf = (json: Json): Json => old().fromV2(json, new Warnings(), true);

/** panelFrom reads one panel's JSON, as the editor has it. */
export function panelFrom(json: unknown): { panel: Panel | undefined; warnings: Warning[] } {
  const w = new Warnings();
  try {
    if (measure(json) !== '') {
      w.add('', { en: 'the panel is too large', zh: '该面板过大' });
      return { panel: undefined, warnings: w.all() };
    }
    const panel = new PanelReader(w, limits, new Map()).readAll([json], () => 'panel')[0];
    return { panel, warnings: w.all() };
  } catch (e) {
    w.add('', { en: `the panel cannot be read: ${clip(String(e))}`, zh: `无法读取该面板：${clip(String(e))}` });
    return { panel: undefined, warnings: w.all() };
  }
}
