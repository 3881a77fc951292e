// Schema v2 (apiVersion dashboard.grafana.app/v2…): elements, and a layout that
// names them. It is brought to the classic JSON, which the rest reads.
import { isData } from './conditions';
import { clip, flag, given, isObject, list, num, object, objects, safeKey, text, type Json, type Warnings } from './read';
import { isSpec } from './versions';

/** fromV2 reads one. flat makes rows of tabs, as the classic schema has no others. */
export function fromV2(v: Json, w: Warnings, flat = false): Json {
  const spec = specOf(v);
  return { ...headOf(v), panels: new Layout(object(spec.elements), w, flat).panels(spec) };
}

/** specOf is what a document says, whatever it is wrapped in. */
export const specOf = (v: Json): Json => (isSpec(v) ? v : object(v.spec));

/** headOf is all but the panels, in the classic schema. */
export function headOf(v: Json): Json {
  const spec = specOf(v);
  const time = object(spec.timeSettings);
  const cursor: Record<string, number> = { Off: 0, Crosshair: 1, Tooltip: 2 };
  return {
    uid: text(object(v.metadata).name) || text(spec.uid),
    title: spec.title, description: spec.description, tags: spec.tags, editable: spec.editable, links: spec.links,
    time: { from: time.from, to: time.to },
    refresh: time.autoRefresh, timezone: time.timezone, fiscalYearStartMonth: time.fiscalYearStartMonth,
    graphTooltip: cursor[text(spec.cursorSync)] ?? 0,
    schemaVersion: 42,
    annotations: { list: objects(spec.annotations).map(([a]) => annotationOf(a)) },
    templating: { list: objects(spec.variables).map(([x]) => variableOf(x)) },
  };
}

/** source finds the reference to a data source, which the versions of the schema keep in different places. */
function source(holder: Json, query: Json): Json | undefined {
  const own = isObject(query.datasource) ? query.datasource : isObject(holder.datasource) ? holder.datasource : {};
  const kind = text(query.kind);
  const type = text(query.group) || text(own.type) || text(holder.group) || (kind === 'DataQuery' ? '' : kind);
  const uid = text(own.name) || text(own.uid);
  return uid === '' && type === '' ? undefined : given({ uid: uid || undefined, type: type || undefined });
}

export function annotationOf(node: Json): Json {
  const a = object(node.spec);
  const query = object(a.query);
  const legacy = object(a.legacyOptions);
  return { ...legacy, ...object(query.spec), name: a.name, enable: a.enable, hide: a.hide, iconColor: a.iconColor, builtIn: a.builtIn, filter: a.filter, datasource: source(a, query), target: query.spec };
}

export const hides: Record<string, number> = { dontHide: 0, hideLabel: 1, hideVariable: 2, inControlsMenu: 0 };
export const refreshes: Record<string, number> = { never: 0, onDashboardLoad: 1, onTimeRangeChanged: 2 };
export const sorts = ['disabled', 'alphabeticalAsc', 'alphabeticalDesc', 'numericalAsc', 'numericalDesc', 'alphabeticalCaseInsensitiveAsc', 'alphabeticalCaseInsensitiveDesc', 'naturalAsc', 'naturalDesc'];
export const kinds: Record<string, string> = {
  QueryVariable: 'query', DatasourceVariable: 'datasource', CustomVariable: 'custom', TextVariable: 'textbox', ConstantVariable: 'constant', IntervalVariable: 'interval', AdhocVariable: 'adhoc',
  GroupByVariable: 'groupby', SwitchVariable: 'switch',
};

export function variableOf(outer: Json): Json {
  const kind = text(outer.kind);
  const v = object(outer.spec);
  const query = isObject(v.query) ? v.query : {};
  const inner = object(query.spec);
  const type = kinds[kind] ?? text(kind, 'unknown');
  const plain = text(inner.__legacyStringValue) || inner;
  return given({
    ...v, type,
    hide: hides[text(v.hide)] ?? v.hide,
    refresh: refreshes[text(v.refresh)] ?? v.refresh,
    sort: sorts.includes(text(v.sort)) ? sorts.indexOf(text(v.sort)) : v.sort,
    query: type === 'query' ? plain : type === 'datasource' ? v.pluginId : v.query,
    datasource: source(v, query) ?? (text(outer.group) !== '' ? given({ type: text(outer.group), uid: text(object(outer.datasource).name) || undefined }) : undefined),
    definition: v.definition,
  });
}

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Origin is where in its document something of the model stands. */
export interface Origin {
  /** The item of a grid, the row, or the layout of a bar of tabs. */
  node: Json;
  /** The layout that lists the node; of a bar of tabs the node itself. */
  layout: Json;
  /** What has that layout as its "layout". */
  holder: Json;
  /** The name in elements; "" for rows and tabs. */
  name: string;
}

const origins = new WeakMap<object, Origin>();

/** originOf tells where the raw JSON of a panel, a row or a bar of tabs comes from. */
export const originOf = (raw: object): Origin | undefined => origins.get(raw);

class Layout {
  private depth = 0;
  private readonly used = new Set<string>();
  private rows: number;

  constructor(private readonly elements: Json, private readonly w: Warnings, private readonly flat: boolean) {
    // Rows and bars have no number in the file. What they are given is apart from the panels', so that a new panel does not change it.
    this.rows = 1000;
    while (this.rows < 1e9 && Object.values(elements).some((e) => (num(object(object(e).spec).id) ?? 0) > this.rows)) this.rows *= 10;
  }

  panels(spec: Json): Json[] {
    const out: Json[] = [];
    this.place(spec, 0, '', out);
    const unused = Object.keys(this.elements).filter((name) => !this.used.has(name));
    if (unused.length > 0) this.w.add('elements', { en: `not in the layout, and so not shown: ${clip(unused.join(', '))}`, zh: `未出现在布局中，因此不显示：${clip(unused.join(', '))}` });
    return out;
  }

  /** place puts what the layout of its holder has below y, and gives the y below that. */
  private place(holder: Json, y: number, title: string, out: Json[]): number {
    if (++this.depth > 8) {
      this.w.add('layout', { en: 'the layout nests deeper than 8 levels; the rest is left out', zh: '布局嵌套超过 8 层，其余已省略' });
      this.depth--;
      return y;
    }
    const layout = object(holder.layout);
    const spec = object(layout.spec);
    let bottom = y;
    switch (text(layout.kind)) {
      case 'GridLayout':
        bottom = this.gridItems(list(spec.items), y, { layout, holder }, out);
        break;
      case 'AutoGridLayout':
      case 'ResponsiveGridLayout':
        bottom = this.autoGrid(spec, y, { layout, holder }, out);
        break;
      case 'RowsLayout':
        for (const [row] of objects(spec.rows)) {
          const s = object(row.spec);
          bottom = this.section(row, { layout, holder }, bottom, [title, text(s.title)].filter((t) => t !== '').join(' / '), out);
        }
        break;
      case 'TabsLayout': {
        if (this.flat) {
          for (const [tab, i] of objects(spec.tabs)) {
            const s = object(tab.spec);
            const name = [title, text(s.title)].filter((t) => t !== '').join(' / ');
            bottom = this.section({ ...tab, spec: { ...s, collapse: i > 0, hideHeader: false } }, { layout, holder }, bottom, name, out);
          }
          break;
        }
        const id = ++this.rows;
        const tabs = objects(spec.tabs).map(([tab]) => {
          const s = object(tab.spec);
          const panels: Json[] = [];
          this.place(s, 0, '', panels);
          return { title: text(s.title), repeat: repeatOf(s.repeat).repeat, ...this.conditions(s), panels };
        });
        const bar = { id, type: 'tabs', gridPos: { x: 0, y, w: 24, h: 1 }, tabs };
        origins.set(bar, { node: layout, layout, holder, name: '' });
        out.push(bar);
        bottom = y + 1;
        break;
      }
      default:
        this.w.add('layout', { en: `no such layout: ${clip(text(layout.kind, 'none'))}; its panels are left out`, zh: `未知布局：${clip(text(layout.kind, 'none'))}，其面板已省略` });
    }
    this.depth--;
    return bottom;
  }

  private conditions(spec: Json): { conditions?: Json[] } {
    const own = objects(spec.variables).map(([v]) => text(object(v.spec).name)).filter((n) => n !== '');
    if (own.length > 0) {
      this.w.add('layout', { en: `variables of a row or a tab are not read: ${clip(own.join(', '))}; move them to the dashboard`, zh: `不读取行或标签页自身的变量：${clip(own.join(', '))}；请移到仪表盘中` });
    }
    if (!isObject(spec.conditionalRendering)) return {};
    if (objects(object(spec.conditionalRendering.spec).items).some(([item]) => isData(item))) {
      this.w.add('layout', { en: 'a condition about data is not judged: what it is about is shown with and without data', zh: '不判断与数据有关的显示条件：无论有无数据都会显示' });
    }
    return this.flat ? {} : { conditions: [spec.conditionalRendering] };
  }

  /** section is a row with what it holds. Rows inside of it follow as rows of their own, because the grid has one level. */
  private section(node: Json, at: Pick<Origin, 'layout' | 'holder'>, y: number, title: string, out: Json[]): number {
    const s = object(node.spec);
    const conditions = this.conditions(s);
    const kind = text(object(s.layout).kind);
    if (kind === 'RowsLayout' || (this.flat && (kind === 'TabsLayout' || flag(s.hideHeader)))) {
      const { repeat } = repeatOf(s.repeat);
      if (repeat !== undefined) this.w.add('layout', { en: `a row with rows in it is not repeated by $${clip(text(repeat), 40)}`, zh: `内含行的行不会按 $${clip(text(repeat), 40)} 重复` });
      if (flag(s.collapse) && kind === 'RowsLayout') this.w.add('layout', { en: `a closed row with rows in it is shown open: ${clip(title)}`, zh: `内含行的折叠行会展开显示：${clip(title)}` });
      const inner: Json[] = [];
      const bottom = this.place(s, y, title, inner);
      for (const p of inner) if (conditions.conditions) p.conditions = [...list(p.conditions), ...conditions.conditions];
      out.push(...inner);
      return bottom;
    }
    const bare = flag(s.hideHeader);
    const closed = flag(s.collapse) && !bare;
    const row: Json = { id: ++this.rows, type: 'row', title, collapsed: closed, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [], repeat: repeatOf(s.repeat).repeat, ...(bare ? { bare } : {}), ...conditions };
    origins.set(row, { node, ...at, name: '' });
    out.push(row);
    if (!closed) return this.place(s, bare ? y : y + 1, title, out);
    this.place(s, y + 1, title, row.panels as Json[]);
    return y + 1;
  }

  private gridItems(items: unknown[], y: number, at: Pick<Origin, 'layout' | 'holder'>, out: Json[]): number {
    let bottom = y;
    for (const [item] of objects(items)) {
      const s = object(item.spec);
      if (text(item.kind) === 'GridLayoutRow') {
        const top = y + (num(s.y) ?? 0);
        const row: Json = { id: ++this.rows, type: 'row', title: text(s.title), collapsed: flag(s.collapsed), gridPos: { x: 0, y: top, w: 24, h: 1 }, panels: [], repeat: repeatOf(s.repeat).repeat };
        out.push(row);
        const below = this.gridItems(list(s.elements), flag(s.collapsed) ? top + 1 : y, at, flag(s.collapsed) ? (row.panels as Json[]) : out);
        bottom = Math.max(bottom, top + 1, flag(s.collapsed) ? 0 : below);
        continue;
      }
      const box: Box = { x: num(s.x) ?? 0, y: y + (num(s.y) ?? 0), w: num(s.width) ?? 12, h: num(s.height) ?? 8 };
      this.element(item, box, at, out);
      bottom = Math.max(bottom, box.y + box.h);
    }
    return bottom;
  }

  private autoGrid(spec: Json, y: number, at: Pick<Origin, 'layout' | 'holder'>, out: Json[]): number {
    const { columns, w, h } = autoCells(spec);
    const items = objects(spec.items);
    items.forEach(([item], i) => this.element(item, { x: (i % columns) * w, y: y + Math.floor(i / columns) * h, w, h }, at, out));
    return y + Math.ceil(items.length / columns) * h;
  }

  private element(item: Json, box: Box, at: Pick<Origin, 'layout' | 'holder'>, out: Json[]): void {
    const s = object(item.spec);
    const name = text(object(s.element).name);
    const found = safeKey(name) && Object.hasOwn(this.elements, name) ? this.elements[name] : undefined;
    if (!isObject(found)) {
      this.w.add('layout', { en: `the layout names an element that is not there: ${clip(name)}`, zh: `布局引用了不存在的元素：${clip(name)}` });
      return;
    }
    this.used.add(name);
    const made: Json = { ...panelOf(found), ...repeatOf(s.repeat), ...this.conditions(s), gridPos: { ...box } };
    origins.set(made, { node: item, ...at, name });
    out.push(made);
  }
}

/** autoCells is how an automatic grid divides the page: panels beside each other, and the size of one in cells. */
export function autoCells(spec: Json): { columns: number; w: number; h: number } {
  const columns = Math.min(Math.max(Math.trunc(num(spec.maxColumnCount) ?? 3), 1), 12);
  const heights: Record<string, number> = { short: 6, standard: 9, tall: 14 };
  const custom = num(spec.rowHeight);
  const h = heights[text(spec.rowHeightMode)] ?? (custom === undefined ? 9 : Math.min(Math.max(Math.round(custom / 38), 2), 100));
  return { columns, w: Math.floor(24 / columns), h };
}

function repeatOf(v: unknown): Json {
  const r = object(v);
  return given({ repeat: text(r.value) || undefined, repeatDirection: text(r.direction) || undefined, maxPerRow: num(r.maxPerRow) });
}

/** panelOf is an element in the classic schema. */
export function panelOf(element: Json): Json {
  const s = object(element.spec);
  const viz = object(s.vizConfig);
  const vizSpec = object(viz.spec);
  const kind = text(viz.kind);
  const data = object(object(s.data).spec);
  const targets = objects(data.queries).map(([q]): Json => {
    const spec = object(q.spec);
    const query = object(spec.query);
    return given({ ...object(query.spec), refId: spec.refId, hide: spec.hidden, datasource: source(spec, query) });
  });
  const library = element.kind === 'LibraryPanel' ? object(s.libraryPanel) : undefined;
  return given({
    id: s.id, title: s.title, description: s.description, links: s.links, transparent: s.transparent,
    libraryPanel: library,
    type: kind === 'VizConfig' ? text(viz.group) : library ? 'library-panel' : kind,
    pluginVersion: viz.version ?? vizSpec.pluginVersion,
    options: vizSpec.options, fieldConfig: vizSpec.fieldConfig,
    // One source of all queries is the panel's.
    datasource: targets.length === 0 || targets.every((t) => JSON.stringify(t.datasource) === JSON.stringify(targets[0]!.datasource)) ? targets[0]?.datasource : { type: 'datasource', uid: '-- Mixed --' },
    targets,
    transformations: objects(data.transformations).map(([t]) => ({ ...object(t.spec), id: text(t.group) || text(object(t.spec).id) || text(t.kind) })),
    ...object(data.queryOptions),
  });
}
