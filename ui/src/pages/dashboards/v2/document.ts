// A document of schema v2 that is being edited, with where all that is shown of it stands.
import { type Dashboard, everyPanel, normalize, type Panel } from '../../../model';
import { isObject, num, object, objects, text, type Json } from '../../../model/read';
import { autoCells, type Origin, originOf, specOf } from '../../../model/v2';
import type { Spot } from '../arrange';
import { inner, members, spellingOf } from './nodes';

export interface Found {
  panel: Panel;
  at: Origin;
}

/** Document is a copy that edits write into. */
export class Document {
  readonly json: Json;
  readonly spec: Json;
  readonly elements: Json;
  readonly model: Dashboard;
  readonly alpha: boolean;
  readonly byKind: boolean | undefined;
  /** The panels that show an element, by its name. Of several each is changed apart from the others. */
  private readonly showing = new Map<string, Panel[]>();
  private readonly found: readonly Found[];
  /** The highest number of a panel, those that were given here too. */
  private most: number | undefined;
  private readonly byId: ReadonlyMap<number, Found>;
  private readonly byNode: ReadonlyMap<Json, Found>;

  constructor(of: Json) {
    this.json = structuredClone(of);
    this.spec = specOf(this.json);
    this.elements = inner(this.spec, 'elements');
    this.model = normalize(this.json);
    ({ alpha: this.alpha, byKind: this.byKind } = spellingOf(this.json));
    this.found = everyPanel(this.model.panels).flatMap((panel) => {
      const at = originOf(panel.raw);
      return at ? [{ panel, at }] : [];
    });
    this.byId = new Map(this.found.map((f) => [f.panel.id, f]));
    this.byNode = new Map(this.found.map((f) => [f.at.node, f]));
    for (const { panel, at } of this.found) {
      if (at.name === '') continue;
      const others = this.showing.get(at.name);
      if (others) {
        others.push(panel);
        continue;
      }
      // A number that the reader made up would be another one after an edit.
      if (num(object(this.element(at).spec).id) !== panel.id) inner(this.element(at), 'spec').id = panel.id;
      this.showing.set(at.name, [panel]);
    }
  }

  find(id: number): Found | undefined {
    return this.byId.get(id);
  }

  /** by is what a node is shown as: that of a layout of tabs is its bar. */
  by(node: Json): Found | undefined {
    return this.byNode.get(node);
  }

  /** on are the panels of a grid, in its order. */
  on(layout: Json): Found[] {
    return this.found.filter((f) => f.at.layout === layout && f.at.name !== '');
  }

  /** lineOf is where a row of the file begins. One with rows in it begins with the first of them. */
  lineOf(row: Json): number | undefined {
    const own = this.by(row);
    if (own) return own.panel.gridPos.y;
    for (const [inside] of objects(object(object(object(row.spec).layout).spec).rows)) {
      const line = this.lineOf(inside);
      if (line !== undefined) return line;
    }
    return undefined;
  }

  /** beside is the list that has a panel: that of the dashboard, a tab, or a closed row. */
  beside(id: number): Panel[] {
    const look = (list: Panel[]): Panel[] | undefined => {
      if (list.some((p) => p.id === id)) return list;
      for (const p of list) {
        const found = look(p.panels) ?? (p.tabs ?? []).reduce<Panel[] | undefined>((f, t) => f ?? look(t.panels), undefined);
        if (found) return found;
      }
      return undefined;
    };
    return look(this.model.panels) ?? [];
  }

  element(at: Origin): Json {
    return object(this.elements[at.name]);
  }

  /** ownElement is an element that no other panel shows. */
  ownElement({ panel, at }: Found): Json {
    const others = (this.showing.get(at.name) ?? []).filter((p) => p !== panel);
    if (others.length === 0) return this.element(at);
    const copy = structuredClone(this.element(at));
    // The number that the element has goes with the copy: the others keep theirs.
    if (num(object(copy.spec).id) === panel.id) inner(this.element(at), 'spec').id = others[0]!.id;
    inner(copy, 'spec').id = panel.id;
    inner(inner(at.node, 'spec'), 'element').name = this.keep(copy, panel.id);
    return copy;
  }

  /** keep puts an element in under a free name, as Grafana names them. */
  keep(element: Json, id: number): string {
    let name = `panel-${id}`;
    for (let n = 2; Object.hasOwn(this.elements, name); n++) name = `panel-${id}-${n}`;
    this.elements[name] = element;
    return name;
  }

  /** free is a number that no panel has. Rows and bars of tabs have numbers of their own, far above. */
  free(): number {
    if (this.most === undefined) {
      this.most = 0;
      for (const f of this.found) if (f.at.name !== '') this.most = Math.max(this.most, f.panel.id);
      for (const e of Object.values(this.elements)) this.most = Math.max(this.most, num(object(object(e).spec).id) ?? 0);
    }
    return ++this.most;
  }

  /** forget takes an element away that no panel shows any more. */
  forget(name: string): void {
    const named = (v: unknown): boolean => (Array.isArray(v) ? v.some(named) : isObject(v) && (object(v.element).name === name || Object.values(v).some(named)));
    if (!named(this.spec.layout)) delete this.elements[name];
  }
}

/** listOf is the list that has a node of a layout. Old grids have rows with lists of their own. */
export function listOf(layout: Json, node: Json): unknown[] {
  const spec = object(layout.spec);
  for (const key of ['items', 'rows']) {
    const list = spec[key];
    if (!Array.isArray(list)) continue;
    if (list.includes(node)) return list;
    for (const [row] of objects(list)) {
      const { elements } = object(row.spec);
      if (Array.isArray(elements) && elements.includes(node)) return elements as unknown[];
    }
  }
  return [];
}

export const isGrid = (layout: Json): boolean => text(layout.kind) === 'GridLayout';
export const isAuto = (layout: Json): boolean => text(layout.kind) === 'AutoGridLayout' || text(layout.kind) === 'ResponsiveGridLayout';
/** hasRows tells an old grid with rows in it. */
export const hasRows = (layout: Json): boolean => objects(object(layout.spec).items).some(([i]) => i.kind === 'GridLayoutRow');

/** spotOf is where the file has a panel in its grid. */
export function spotOf(node: Json): Spot {
  const s = object(node.spec);
  return { x: num(s.x) ?? 0, y: num(s.y) ?? 0, w: num(s.width) ?? 12, h: num(s.height) ?? 8 };
}

/** putSpot writes what differs. */
export function putSpot(node: Json, to: Spot): void {
  const s = inner(node, 'spec');
  const was = spotOf(node);
  if (was.x !== to.x) s.x = to.x;
  if (was.y !== to.y) s.y = to.y;
  if (was.w !== to.w || s.width === undefined) s.width = to.w;
  if (was.h !== to.h || s.height === undefined) s.height = to.h;
}

/** itemFor names an element in a grid, with what of another grid's item has a place there. */
export function itemFor(layout: Json, name: string, spot: Spot, repeat?: unknown): Json {
  const auto = isAuto(layout);
  const element = { kind: 'ElementReference', name };
  const { mode, value } = object(repeat);
  const again = repeat === undefined ? {} : { repeat: auto ? { mode, value } : repeat };
  if (!auto) return { kind: 'GridLayoutItem', spec: { x: spot.x, y: spot.y, width: spot.w, height: spot.h, element, ...again } };
  return { kind: text(layout.kind) === 'ResponsiveGridLayout' ? 'ResponsiveGridLayoutItem' : 'AutoGridLayoutItem', spec: { element, ...again } };
}

/** cellAt is the place in an automatic grid's order that a spot means, which begins at top. */
export function cellAt(layout: Json, spot: Spot, top: number): number {
  const { columns, w, h } = autoCells(object(layout.spec));
  return Math.max(0, Math.round((spot.y - top) / h)) * columns + Math.min(Math.max(0, Math.round(spot.x / w)), columns - 1);
}

/** itemsOf is the list of a grid. */
export const itemsOf = (layout: Json): unknown[] => members(inner(layout, 'spec'), 'items');
