// An edit of a panel in the classic schema, written into its element of schema v2.
import { list, object, objects, text, type Json } from '../../../model/read';
import { panelOf } from '../../../model/v2';
import { changed, inner, newQuery, pair, same, set, setSource, type Spelling } from './nodes';

/** Fields of the element itself. */
const plain = new Set(['title', 'description', 'links', 'transparent']);
const queryOptions = new Set(['timeFrom', 'timeTo', 'maxDataPoints', 'timeShift', 'queryCachingTTL', 'interval', 'cacheTimeout', 'hideTimeOverride', 'timeCompare']);
/** What the layout says, or what only stands for something else: the queries have their own sources. */
const elsewhere = new Set(['id', 'gridPos', 'repeat', 'repeatDirection', 'maxPerRow', 'conditions', 'datasource']);

/** writePanel writes what differs between before, which panelOf made of the element, and after. It gives the fields that have no place. */
export function writePanel(element: Json, before: Json, after: Json, spelling: Spelling): string[] {
  const lost: string[] = [];
  const spec = inner(element, 'spec');
  const library = element.kind === 'LibraryPanel';
  for (const key of changed(before, after)) {
    const value = after[key];
    if (elsewhere.has(key)) continue;
    if (library && key !== 'title') {
      lost.push(key);
      continue;
    }
    if (plain.has(key)) {
      set(spec, key, value ?? (key === 'title' ? '' : key === 'links' ? [] : undefined));
    } else if (queryOptions.has(key)) {
      set(inner(data(spec), 'queryOptions'), key, value);
    } else {
      switch (key) {
        case 'type':
          setType(inner(spec, 'vizConfig'), text(value), after.pluginVersion !== before.pluginVersion);
          break;
        case 'pluginVersion':
          setVersion(inner(spec, 'vizConfig'), text(value));
          break;
        case 'options':
          inner(inner(spec, 'vizConfig'), 'spec').options = value ?? {};
          break;
        case 'fieldConfig':
          inner(inner(spec, 'vizConfig'), 'spec').fieldConfig = value ?? { defaults: {}, overrides: [] };
          break;
        case 'targets':
          queries(data(spec), objects(before.targets).map(([t]) => t), objects(value).map(([t]) => t), spelling);
          break;
        case 'transformations':
          transformations(data(spec), objects(before.transformations).map(([t]) => t), objects(value).map(([t]) => t), spelling);
          break;
        default:
          lost.push(key);
      }
    }
  }
  return lost;
}

function data(spec: Json): Json {
  const group = inner(spec, 'data');
  group.kind ??= 'QueryGroup';
  return inner(group, 'spec');
}

function setType(viz: Json, type: string, versioned: boolean): void {
  if (viz.kind === 'VizConfig') viz.group = type;
  else viz.kind = type;
  // The version was that of another plugin.
  if (!versioned) setVersion(viz, '');
}

function setVersion(viz: Json, version: string): void {
  if (viz.kind === 'VizConfig') viz.version = version;
  else inner(viz, 'spec').pluginVersion = version;
}

/** What a query of the classic schema has that is not the data source's. */
const frame = new Set(['refId', 'hide', 'datasource']);

function queries(group: Json, before: Json[], after: Json[], spelling: Spelling): void {
  const nodes = objects(group.queries).map(([q]) => q);
  const pairs = pair(before, after, (q) => text(q.refId));
  group.queries = after.map((to, i) => {
    const was = before[pairs[i]!];
    const node = nodes[pairs[i]!] ?? { kind: 'PanelQuery', spec: { refId: 'A', hidden: false, query: newQuery(spelling.alpha) } };
    if (was && same(was, to)) return node;
    const spec = inner(node, 'spec');
    const query = inner(spec, 'query');
    if (!was || was.refId !== to.refId) set(spec, 'refId', to.refId);
    if ((was?.hide ?? false) !== (to.hide ?? false)) spec.hidden = to.hide === true;
    const asked = object(query.spec);
    const kept = Object.fromEntries(Object.entries(asked).filter(([k]) => frame.has(k)));
    query.spec = { ...Object.fromEntries(Object.entries(to).filter(([k, v]) => !frame.has(k) && v !== undefined)), ...kept };
    if (!same(was?.datasource, to.datasource)) setSource(spec, query, to.datasource);
    return node;
  });
}

function transformations(group: Json, before: Json[], after: Json[], spelling: Spelling): void {
  const nodes = objects(group.transformations).map(([x]) => x);
  // Where no version is said the neighbours say it, and without any the form that all versions read.
  const byKind = spelling.byKind ?? !nodes.some((n) => text(n.group) !== '');
  const pairs = pair(before, after, (x) => text(x.id));
  group.transformations = after.map((to, i) => {
    const was = before[pairs[i]!];
    const node = nodes[pairs[i]!] ?? (byKind ? { kind: text(to.id), spec: { id: to.id } } : { kind: 'Transformation', group: text(to.id), spec: {} });
    if (was && same(was, to)) return node;
    const { id, ...rest } = to;
    const old = object(node.spec);
    node.spec = { ...(Object.hasOwn(old, 'id') ? { id } : {}), ...rest, options: rest.options ?? {} };
    if (text(node.group) !== '') node.group = text(id);
    else node.kind = text(id);
    return node;
  });
}

/** elementOf is a panel of the classic schema as an element. */
export function elementOf(panel: Json, id: number, spelling: Spelling): { element: Json; lost: string[] } {
  const viz = { options: {}, fieldConfig: { defaults: {}, overrides: [] } };
  const element: Json = {
    kind: 'Panel',
    spec: {
      id, title: '', links: [],
      data: { kind: 'QueryGroup', spec: { queries: [], transformations: [], queryOptions: {} } },
      vizConfig: spelling.alpha ? { kind: '', spec: { pluginVersion: '', ...viz } } : { kind: 'VizConfig', group: '', version: '', spec: viz },
    },
  };
  // A query that names no source asks the panel's.
  const targets = list(panel.targets).map((t) => (object(t).datasource === undefined && panel.datasource !== undefined ? { ...object(t), datasource: panel.datasource } : t));
  const lost = writePanel(element, panelOf(element), { ...panel, ...(targets.length > 0 ? { targets } : {}) }, spelling);
  return { element, lost };
}
