// Panels and their queries.
import type { Condition, DatasourceRef, GridPos, Panel, Tab, Target, TargetFormat, Transformation } from './dashboard';
import { old } from './late';
import { readFieldConfig } from './migrate/fields';
import { migrate } from './migrate/index';
import { pushedApart } from './overlaps';
import { clip, flag, isObject, list, num, object, objects, text, whole, type Json, type Warnings } from './read';
import { refOf } from './read-datasource';
import { readLink } from './read-link';

export interface PanelLimits {
  panels: number;
  targets: number;
  links: number;
  transformations: number;
}

export class PanelReader {
  private readonly taken = new Set<number>();
  private nextId = 1;
  private count = 0;
  private full = false;

  constructor(
    private readonly w: Warnings,
    private readonly limits: PanelLimits,
    private readonly inputs: ReadonlyMap<string, DatasourceRef | string>,
  ) {}

  readAll(source: unknown[], path: (i: number) => string): Panel[] {
    this.reserve(source);
    return this.readList(source, path, true);
  }

  /** reserve keeps the ids that a file has from being given to panels without one. */
  private reserve(source: unknown[]): void {
    for (const [p] of objects(source)) {
      const id = num(p.id);
      if (id !== undefined && Number.isSafeInteger(id)) this.nextId = Math.max(this.nextId, id + 1);
      this.reserve(list(p.panels));
      for (const [tab] of objects(p.tabs)) this.reserve(list(tab.panels));
    }
    if (!Number.isSafeInteger(this.nextId + this.limits.panels)) this.nextId = 1;
  }

  private readList(source: unknown[], path: (i: number) => string, top: boolean): Panel[] {
    const out: Panel[] = [];
    let bottom = 0;
    source.forEach((p, i) => {
      const at = path(i);
      if (!isObject(p)) {
        this.w.add(at, { en: `this panel is no object but ${clip(JSON.stringify(p) ?? 'nothing', 20)}; it is left out`, zh: '该面板不是对象，已省略' });
        return;
      }
      if (isLeftOver(p)) return;
      if (this.count >= this.limits.panels) {
        if (!this.full) this.w.add(at, { en: `more than ${this.limits.panels} panels; the rest is left out`, zh: `面板超过 ${this.limits.panels} 个，其余已省略` });
        this.full = true;
        return;
      }
      this.count++;
      try {
        const panel = this.read(p, at, bottom, top);
        bottom = Math.max(bottom, panel.gridPos.y + panel.gridPos.h);
        out.push(panel);
      } catch (e) {
        this.w.add(at, { en: `this panel cannot be read: ${clip(String(e))}`, zh: `无法读取该面板：${clip(String(e))}` });
      }
    });
    return pushedApart(out);
  }

  private id(p: Json, path: string): number {
    const wanted = num(p.id);
    if (wanted !== undefined && Number.isSafeInteger(wanted) && wanted > 0 && !this.taken.has(wanted)) {
      this.taken.add(wanted);
      return wanted;
    }
    while (this.taken.has(this.nextId)) this.nextId++;
    this.taken.add(this.nextId);
    // Files made by hand number every panel 0, or none.
    if (wanted !== undefined && wanted !== 0) this.w.add(`${path}.id`, { en: `the id ${clip(text(p.id))} is taken or no id; this panel is ${this.nextId}`, zh: `id ${clip(text(p.id))} 已被占用或无效，改为 ${this.nextId}` });
    return this.nextId;
  }

  private read(p: Json, path: string, bottom: number, top: boolean): Panel {
    const isTabs = p.type === 'tabs' && Array.isArray(p.tabs);
    const isRow = p.type === 'row' || isTabs;
    const nested = list(p.panels);
    if (isRow && !top && nested.length > 0) this.w.add(path, { en: 'a row within a row; its panels are left out', zh: '行中嵌套了行，其面板已省略' });
    const m = isRow ? { type: text(p.type), options: {}, fieldConfig: {}, transformations: [] } : migrate(p, path, this.w);
    const datasource = this.ref(p.datasource);
    return {
      id: this.id(p, path),
      type: m.type,
      originalType: text(p.type),
      title: text(p.title),
      description: text(p.description),
      transparent: flag(p.transparent),
      gridPos: isRow ? { ...grid(p.gridPos, bottom), x: 0, w: 24, h: 1 } : grid(p.gridPos, bottom),
      datasource,
      targets: this.targets(p, datasource, path),
      fieldConfig: readFieldConfig(m.fieldConfig, `${path}.fieldConfig`, this.w, m.type),
      options: m.options,
      transformations: this.transformations([...(m.transformations ?? []), ...list(p.transformations)], path),
      links: this.links(p.links, path),
      repeat: text(p.repeat),
      repeatDirection: p.repeatDirection === 'v' ? 'v' : 'h',
      maxPerRow: whole(p.maxPerRow, 1, 24) ?? (num(p.minSpan) ? Math.min(Math.max(Math.floor(24 / num(p.minSpan)!), 1), 24) : 4),
      maxDataPoints: ((n) => (n !== undefined && n > 0 ? Math.min(Math.round(n), 20_000) : undefined))(num(p.maxDataPoints)),
      interval: text(p.interval),
      timeFrom: text(p.timeFrom),
      timeShift: text(p.timeShift),
      hideTimeOverride: flag(p.hideTimeOverride),
      collapsed: isRow && (flag(p.collapsed) || p.collapse === true),
      ...(isTabs ? { tabs: this.tabs(p.tabs as unknown[], path) } : {}),
      ...(isRow && p.bare === true ? { bare: true } : {}),
      ...conditionsOf(p),
      panels: isRow && top ? this.readList(nested, (i) => `${path}.panels[${i}]`, false) : [],
      libraryPanel: text(object(p.libraryPanel).name) || text(object(p.libraryPanel).uid),
      raw: p,
    };
  }

  private tabs(tabs: unknown[], path: string): Tab[] {
    old(); // which places them later
    return objects(tabs).map(([t, i]): Tab => ({ title: text(t.title), repeat: text(t.repeat), ...conditionsOf(t), panels: this.readList(list(t.panels), (j) => `${path}.tabs[${i}].panels[${j}]`, true) }));
  }

  /** ref also puts in what an export asks for when it is imported: the default source of that type. */
  private ref(v: unknown, otherwise?: DatasourceRef): DatasourceRef {
    const r = refOf(v, otherwise);
    const name = /^\$\{(\w+)\}$|^\$(\w+)$/.exec(r.uid);
    const input = name ? this.inputs.get((name[1] ?? name[2])!) : undefined;
    return typeof input === 'object' ? { uid: '', type: input.type || r.type } : r;
  }

  private targets(p: Json, panel: DatasourceRef, path: string): Target[] {
    const found = objects(p.targets);
    if (p.targets !== undefined && p.targets !== null && !Array.isArray(p.targets)) this.w.add(`${path}.targets`, { en: 'targets is no list', zh: 'targets 不是列表' });
    if (found.length > this.limits.targets) this.w.add(`${path}.targets`, { en: `more than ${this.limits.targets} queries; the rest is left out`, zh: `查询超过 ${this.limits.targets} 条，其余已省略` });
    const taken = new Set<string>();
    return found.slice(0, this.limits.targets).map(([t]): Target => {
      const own = this.ref(t.datasource);
      const mixed = panel.uid === '-- Mixed --' || panel.uid === '';
      const datasource = own.type === '__expr__' || own.uid === '__expr__' ? own : mixed && (own.uid !== '' || own.type !== '') ? own : panel.uid === '-- Mixed --' ? { uid: '', type: '' } : panel;
      const instant = flag(t.instant) || t.queryType === 'instant';
      return {
        refId: refId(text(t.refId) || text(t.refID), taken),
        datasource,
        hide: flag(t.hide),
        expr: text(t.expr),
        legendFormat: text(t.legendFormat),
        format: (['table', 'heatmap'].includes(text(t.format)) ? t.format : 'time_series') as TargetFormat,
        instant,
        range: flag(t.range, !instant) || !instant,
        exemplar: flag(t.exemplar),
        interval: text(t.interval),
        intervalFactor: Math.min(Math.max(num(t.intervalFactor) ?? 1, 1), 100),
        panelId: datasource.uid === '-- Dashboard --' ? num(t.panelId) : undefined,
        withTransforms: flag(t.withTransforms),
        raw: t,
      };
    });
  }

  private transformations(v: unknown[], path: string): Transformation[] {
    return objects(v).slice(0, this.limits.transformations).flatMap(([t, i]): Transformation[] => {
      const id = text(t.id);
      if (id === '') {
        this.w.add(`${path}.transformations[${i}]`, { en: 'a transformation without an id is left out', zh: '缺少 id 的转换已省略' });
        return [];
      }
      const filter = object(t.filter);
      return [{
        id,
        options: object(t.options),
        disabled: flag(t.disabled),
        filter: text(filter.id) !== '' ? { id: text(filter.id), options: filter.options } : undefined,
        topic: t.topic === 'annotations' ? 'annotations' : t.topic === 'series' ? 'series' : undefined,
      }];
    });
  }

  private links(v: unknown, path: string): Panel['links'] {
    return objects(v).slice(0, this.limits.links).flatMap(([l, i]) => readLink(l, `${path}.links[${i}]`, this.w) ?? []);
  }
}

function conditionsOf(p: Json): { conditions?: Condition[] } {
  if (!Array.isArray(p.conditions)) return {};
  old(); // which judges them later
  return { conditions: objects(p.conditions).map(([c]) => c) };
}

/** isLeftOver tells a copy that Grafana made of a repeated panel or row and saved with it; it is made anew. */
const isLeftOver = (p: Json): boolean => (num(p.repeatPanelId) !== undefined || num(p.repeatRowId) !== undefined) && text(p.repeat) === '';

function refId(wanted: string, taken: Set<string>): string {
  let id = wanted;
  for (let n = 0; id === '' || taken.has(id); n++) {
    if (n >= 26 * 27) {
      id = `Q${n}`;
      if (!taken.has(id)) break;
      continue;
    }
    id = n < 26 ? String.fromCharCode(65 + n) : String.fromCharCode(64 + Math.floor(n / 26)) + String.fromCharCode(65 + (n % 26));
  }
  taken.add(id);
  return id;
}

function grid(v: unknown, bottom: number): GridPos {
  const g = object(v);
  const w = whole(g.w, 1, 24) ?? 12;
  return { x: Math.min(whole(g.x, 0, 23) ?? 0, 24 - w), y: whole(g.y, 0, 1_000_000) ?? bottom, w, h: whole(g.h, 1, 1000) ?? 8 };
}
