// Edits of a dashboard in schema v2, each written where that has it: all else of the document stays as it is.
import type { Message } from '../../../i18n';
import { everyPanel } from '../../../model';
// A document is read again for each edit.
import '../../../model/old';
import { num, object, objects, text, type Json } from '../../../model/read';
import { headOf, panelOf, specOf } from '../../../model/v2';
import type { Spot } from '../arrange';
import { below, makeRoom } from '../room';
import type { PanelJSON } from '../draft';
import { type Edited, type Form, provideForm } from '../forms';
import { cellAt, Document, type Found, hasRows, isAuto, isGrid, itemFor, itemsOf, listOf, putSpot, spotOf } from './document';
import { writeHead } from './head';
import { changed, inner, members, same, set } from './nodes';
import { elementOf, writePanel } from './panel';

const m = {
  fields: (names: string[]): Message => ({ en: `Schema v2 has no place for ${names.slice(0, 10).join(', ')}: that is left out.`, zh: `v2 架构中没有 ${names.slice(0, 10).join('、')} 的位置，已略去。` }),
  size: { en: 'An automatic grid gives all of its panels one size: the panel keeps it.', zh: '自动网格中的面板大小一致，该面板的大小保持不变。' },
  condition: { en: 'Only automatic grids have conditions for single panels: the panel has none any more.', zh: '只有自动网格支持单个面板的显示条件，该面板的条件已去除。' },
  repeat: { en: 'An automatic grid decides itself how repeated panels stand: direction and number per row are left out.', zh: '自动网格自行排列重复的面板，方向和每行数量已略去。' },
  oldRows: { en: 'Rows within a grid, as the first version of schema v2 had them, can only be edited as JSON: nothing is changed.', zh: 'v2 架构早期版本的网格内的行只能以 JSON 编辑，未作更改。' },
  gone: { en: 'There is no such panel any more: nothing is changed.', zh: '该面板已不存在，未作更改。' },
  bar: { en: 'A bar of tabs can only be edited as JSON: nothing is changed.', zh: '标签栏只能以 JSON 编辑，未作更改。' },
  layout: { en: 'The layout of this place is not known: nothing is added.', zh: '此处的布局未知，未添加任何内容。' },
};

const done = (d: Document, ...lost: (Message | undefined)[]): Edited => ({ dashboard: d.json, lost: lost.filter((x) => x !== undefined) });

/** missing says why something cannot be edited: what the rows of old grids are shown as has no place that edits know. */
function missing(d: Document, id: number, found: Found | undefined): Message {
  if (found) return m.bar;
  return everyPanel(d.model.panels).some((p) => p.id === id) ? m.oldRows : m.gone;
}

/** change writes a panel, a row or the place of either that the editor gives. */
function change(dashboard: Json, id: number, to: PanelJSON): Edited {
  const d = new Document(dashboard);
  const found = d.find(id);
  if (!found) return done(d, missing(d, id, found));
  if (found.panel.type === 'row') return changeRow(d, found, to);
  if (found.at.name === '') return done(d, m.bar);
  const { at, panel } = found;
  const before = { ...panelOf(d.element(at)), gridPos: undefined };
  const differs = changed(before, { ...to, gridPos: undefined }).some((k) => !['id', 'repeat', 'repeatDirection', 'maxPerRow', 'conditions'].includes(k));
  const fields = differs ? writePanel(d.ownElement(found), before, to, d) : [];
  const lost: (Message | undefined)[] = [repeat(found, to)];
  if (!same(to.conditions, panel.raw.conditions)) fields.push('conditions');
  const spot = object(to.gridPos);
  if (to.gridPos !== undefined && !same(spot, panel.gridPos)) {
    if (!isGrid(at.layout)) lost.push(m.size);
    else putSpot(at.node, { x: num(spot.x) ?? 0, y: Math.max(0, spotOf(at.node).y + (num(spot.y) ?? 0) - panel.gridPos.y), w: num(spot.w) ?? 12, h: num(spot.h) ?? 8 });
  }
  return done(d, ...lost, fields.length > 0 ? m.fields(fields) : undefined);
}

/** repeat writes by which variable a panel repeats. */
function repeat({ at, panel }: Found, to: PanelJSON): Message | undefined {
  const keys = ['repeat', 'repeatDirection', 'maxPerRow'] as const;
  if (keys.every((k) => same(to[k], panel.raw[k]))) return undefined;
  const spec = inner(at.node, 'spec');
  const value = text(to.repeat);
  if (value === '') {
    delete spec.repeat;
    return undefined;
  }
  const r = inner(spec, 'repeat');
  r.mode ??= 'variable';
  r.value = value;
  if (isAuto(at.layout)) return to.repeatDirection !== undefined || to.maxPerRow !== undefined ? m.repeat : undefined;
  set(r, 'direction', to.repeatDirection);
  set(r, 'maxPerRow', to.maxPerRow);
  return undefined;
}

function changeRow(d: Document, { panel, at }: Found, to: PanelJSON): Edited {
  const old = object(at.node.spec);
  const spec = inner(at.node, 'spec');
  const fields: string[] = [];
  for (const key of changed(panel.raw, { ...to, gridPos: panel.raw.gridPos, panels: panel.raw.panels })) {
    const value = to[key];
    switch (key) {
      case 'title': {
        // A row within a row is shown with the names of both.
        const outer = panel.title.slice(0, panel.title.length - text(old.title).length);
        spec.title = text(value).startsWith(outer) ? text(value).slice(outer.length) : text(value);
        break;
      }
      case 'collapsed':
        spec.collapse = value === true;
        break;
      case 'repeat':
        set(spec, 'repeat', text(value) === '' ? undefined : { mode: 'variable', ...object(spec.repeat), value });
        break;
      // What the editor fills in for any panel says nothing about a row.
      case 'id': case 'type': case 'options': case 'fieldConfig': case 'datasource': case 'targets':
        break;
      default:
        fields.push(key);
    }
  }
  return done(d, fields.length > 0 ? m.fields(fields) : undefined);
}

/** remove takes a panel away. What stood in a row stays, without a heading. */
function remove(dashboard: Json, id: number): Edited {
  const d = new Document(dashboard);
  const found = d.find(id);
  if (!found || found.panel.tabs) return done(d, missing(d, id, found));
  const { at } = found;
  const list = listOf(at.layout, at.node);
  const layout = object(object(at.node.spec).layout);
  if (found.panel.type === 'row' && !((isGrid(layout) || isAuto(layout)) && objects(object(layout.spec).items).length === 0)) {
    const spec = inner(at.node, 'spec');
    spec.hideHeader = true;
    delete spec.collapse;
    delete spec.repeat;
    delete spec.conditionalRendering;
    return done(d);
  }
  list.splice(list.indexOf(at.node), 1);
  if (at.name !== '') d.forget(at.name);
  return done(d);
}

const blank = (): Json => ({ kind: 'GridLayout', spec: { items: [] } });

/** lastRow is the row that something new goes into. What is put into one that is closed would not be seen. */
function lastRow(layout: Json): Json | undefined {
  const all = objects(object(layout.spec).rows).map(([r]) => r);
  return all.findLast((r) => object(r.spec).collapse !== true) ?? all.at(-1);
}

/** holderFor is where something new goes: within the tabs that are shown, for a panel in the last row where there are rows. */
function holderFor(d: Document, panel: boolean, shown: ReadonlyMap<number, number>): Json {
  let holder = d.spec;
  for (let depth = 0; depth < 8; depth++) {
    const layout = object(holder.layout);
    const tabs = objects(object(layout.spec).tabs);
    if (layout.kind === 'TabsLayout' && tabs.length > 0) {
      const bar = d.by(layout);
      const [tab] = tabs[(bar && shown.get(bar.panel.id)) ?? 0] ?? tabs[0]!;
      holder = inner(tab, 'spec');
    } else if (layout.kind === 'RowsLayout' && panel) {
      const row = lastRow(layout) ?? { kind: 'RowsLayoutRow', spec: { title: '', hideHeader: true } };
      const rows = members(inner(layout, 'spec'), 'rows');
      if (!rows.includes(row)) rows.push(row);
      holder = inner(row, 'spec');
    } else {
      break;
    }
  }
  if (text(object(holder.layout).kind) === '') holder.layout = blank();
  return holder;
}

/** add puts a panel below all others, in the last row where there are rows, or adds a row. */
function add(dashboard: Json, panel: PanelJSON, shown: ReadonlyMap<number, number>): Edited {
  const d = new Document(dashboard);
  const holder = holderFor(d, panel.type !== 'row', shown);
  const layout = object(holder.layout);
  if (panel.type === 'row') {
    const row = { kind: 'RowsLayoutRow', spec: { title: text(panel.title), collapse: false, layout: blank() } };
    if (layout.kind === 'RowsLayout') members(inner(layout, 'spec'), 'rows').push(row);
    else if (!isGrid(layout) && !isAuto(layout)) return done(d, m.layout);
    // What was there before stands above it, and has no heading.
    else holder.layout = { kind: 'RowsLayout', spec: { rows: itemsOf(layout).length === 0 ? [row] : [{ kind: 'RowsLayoutRow', spec: { title: '', hideHeader: true, layout } }, row] } };
    return done(d);
  }
  if (!isGrid(layout) && !isAuto(layout)) return done(d, m.layout);
  const id = d.free();
  const { element, lost } = elementOf(panel, id, d);
  const size = object(panel.gridPos);
  const items = itemsOf(layout);
  const y = below(objects(items).map(([i]) => spotOf(i)));
  items.push(itemFor(layout, d.keep(element, id), { x: 0, y, w: num(size.w) ?? 12, h: num(size.h) ?? 8 }));
  return { ...done(d, lost.length > 0 ? m.fields(lost) : undefined), id };
}

/** duplicate puts a copy beside a panel, or below it where there is no room; that of a row follows it. */
function duplicate(dashboard: Json, id: number): Edited {
  const d = new Document(dashboard);
  const found = d.find(id);
  if (!found || found.panel.tabs) return done(d, missing(d, id, found));
  const { at } = found;
  const list = listOf(at.layout, at.node);
  const copy = structuredClone(at.node);
  const place = list.indexOf(at.node) + 1;
  if (at.name === '') {
    copyElements(d, copy);
    list.splice(place, 0, copy);
    return done(d);
  }
  const made = copyElements(d, copy);
  if (isAuto(at.layout) || hasRows(at.layout)) {
    list.splice(place, 0, copy);
    return { ...done(d), id: made };
  }
  const s = spotOf(at.node);
  const beside = s.x + 2 * s.w <= 24 ? { ...s, x: s.x + s.w } : { ...s, y: s.y + s.h };
  list.push(copy);
  arrange(itemsOf(at.layout), copy, beside);
  return { ...done(d), id: made };
}

/** copyElements gives each item within a node an element of its own, and the number of the last. */
function copyElements(d: Document, node: Json): number {
  let made = 0;
  const walk = (v: unknown): void => {
    if (Array.isArray(v)) return v.forEach(walk);
    if (typeof v !== 'object' || v === null) return;
    const o = v as Json;
    const name = text(object(o.element).name);
    if (name !== '' && Object.hasOwn(d.elements, name)) {
      const element = structuredClone(object(d.elements[name]));
      made = d.free();
      inner(element, 'spec').id = made;
      inner(o, 'element').name = d.keep(element, made);
      return;
    }
    Object.values(o).forEach(walk);
  };
  walk(node);
  return made;
}

/** arrange puts an item of a grid at a spot, and the others make room. */
function arrange(items: unknown[], moved: Json, to: Spot): void {
  const nodes = objects(items).map(([i]) => i);
  for (const [node, spot] of makeRoom(new Map(nodes.map((n) => [n, spotOf(n)])), moved, to)) putSpot(node, spot);
}

/** move puts a panel at a spot of the list that it stands in, or a row with all that it has between others. */
function move(dashboard: Json, id: number, to: Spot): Edited {
  const d = new Document(dashboard);
  const found = d.find(id);
  if (!found || found.panel.tabs) return done(d, missing(d, id, found));
  const { panel, at } = found;
  if (panel.type === 'row') return moveRow(d, found, to.y);
  if (hasRows(at.layout)) return done(d, m.oldRows);
  // The rows beside it say where it comes to stand: in the last one that begins above.
  const rows = d.beside(id).filter((p) => p.type === 'row').flatMap((p) => d.find(p.id) ?? []);
  const own = rows.find((r) => object(object(r.at.node.spec).layout) === at.layout);
  const above = rows.filter((r) => (r.panel.bare ? r.panel.gridPos.y <= to.y : r.panel.gridPos.y < to.y)).at(-1);
  const target = above && above !== own && !above.panel.collapsed ? object(object(above.at.node.spec).layout) : at.layout;
  const top = (r: Found | undefined): number => (r ? r.panel.gridPos.y + (r.panel.bare ? 0 : 1) : 0);
  if (target === at.layout || !(isGrid(target) || isAuto(target))) {
    const start = panel.gridPos.y - (isGrid(at.layout) ? spotOf(at.node).y : 0);
    if (isGrid(at.layout)) {
      arrange(itemsOf(at.layout), at.node, { ...to, y: Math.max(0, to.y - start) });
      return done(d);
    }
    const list = itemsOf(at.layout);
    const first = d.on(at.layout)[0]?.panel.gridPos.y ?? 0;
    list.splice(list.indexOf(at.node), 1);
    list.splice(Math.min(cellAt(at.layout, to, first), list.length), 0, at.node);
    return done(d, to.w !== panel.gridPos.w || to.h !== panel.gridPos.h ? m.size : undefined);
  }
  const from = listOf(at.layout, at.node);
  from.splice(from.indexOf(at.node), 1);
  const spec = object(at.node.spec);
  const spot = { ...to, y: Math.max(0, to.y - top(above)) };
  const list = itemsOf(target);
  if (isGrid(target)) {
    const item = isGrid(at.layout) ? at.node : itemFor(target, at.name, spot, spec.repeat);
    list.push(item);
    arrange(list, item, spot);
    return done(d, item !== at.node && spec.conditionalRendering !== undefined ? m.condition : undefined);
  }
  list.splice(Math.min(cellAt(target, spot, 0), list.length), 0, isAuto(at.layout) ? at.node : itemFor(target, at.name, spot, spec.repeat));
  const { direction, maxPerRow } = object(spec.repeat);
  const lines = isGrid(at.layout) && (direction !== undefined || maxPerRow !== undefined);
  return done(d, isGrid(at.layout) ? m.size : undefined, lines ? m.repeat : undefined);
}

/** moveRow puts a row before or behind others of its list, one at least. */
function moveRow(d: Document, { panel, at }: Found, y: number): Edited {
  const list = listOf(at.layout, at.node);
  if (at.node.kind !== 'RowsLayoutRow' || y === panel.gridPos.y) return done(d);
  const from = list.indexOf(at.node);
  const lines = list.map((r) => d.lineOf(object(r)));
  const to = y > panel.gridPos.y
    ? Math.max(lines.findLastIndex((l) => l !== undefined && l <= y), from + 1)
    : Math.min(lines.findIndex((l) => l !== undefined && l >= y), from - 1);
  if (to < 0 || to >= list.length) return done(d);
  list.splice(from, 1);
  list.splice(to, 0, at.node);
  return done(d);
}

export const form: Form = {
  head: (d) => headOf(d),
  settle: (dashboard, head) => {
    const json = structuredClone(dashboard);
    const lost = writeHead(json, head);
    return { dashboard: json, lost: lost.length > 0 ? [m.fields(lost)] : [] };
  },
  title: (d) => text(specOf(d).title),
  named: (dashboard, title) => {
    const json = structuredClone(dashboard);
    specOf(json).title = title;
    return json;
  },
  change, remove, move, duplicate, add,
};

provideForm(form);
