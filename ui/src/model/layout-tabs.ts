// Where tabs of schema v2 stand, and how the address names them.
import type { Panel } from './dashboard';
import { keyOf, type Layout, type Place, repeatsOf, type Slug } from './layout';

/** slugOf is a title as Grafana has it in addresses, today and before version 13. */
const slugOf = (title: string, otherwise: number): { today: string; before: string } => ({
  today: title.trim().replace(/ +/g, '-') || String(otherwise), before: title.toLowerCase().replace(/[^\w ]+/g, '').replace(/ +/g, '-'),
});

const made = (s: Slug): { today: string; before: string } => ('title' in s ? slugOf(s.title, s.id) : s);

/** once gives a name that nobody has yet. taken has with each name the last number that was tried, so that thousands of one name are no trouble. */
function once(name: string, taken: Map<string, number>): string {
  let out = name;
  let n = taken.get(name);
  if (n !== undefined) {
    do out = `${name}__${++n}`; while (taken.has(out));
    taken.set(name, n);
  }
  taken.set(out, 1);
  return out;
}

/** placeTabs places a bar with what the tab that is asked for has, or each tab below a heading. It gives the y below. */
export function placeTabs(layout: Layout, panel: Panel, y: number, place: Place): number {
  const { sight } = layout;
  const base = `${place.prefix}${panel.id}`;
  const taken = new Map<string, number>();
  const tabs = panel.tabs!.flatMap((tab, index) => {
    const repeats = repeatsOf(tab.repeat, layout.values, place.scoped);
    return (repeats && repeats.length > 0 ? repeats : [undefined]).flatMap((one) => {
      const scoped = one ? { ...place.scoped, [tab.repeat]: one } : place.scoped;
      if (!layout.shows(panel.conditions, scoped) || !layout.shows(tab.conditions, scoped)) return [];
      const title = layout.title(tab.title, scoped);
      const key = one ? keyOf(`${base}/${index}`, tab.repeat, one) : `${base}/${index}`;
      const { today, before } = slugOf(title, index + 1);
      return [{ key, title, index, slug: once(today, taken), before, panels: tab.panels, scoped, prefix: one ? `${key}/` : place.prefix }];
    });
  });
  if (tabs.length === 0) return y;
  const slugs = place.slugs.map(made);
  const param = once([...slugs.map((s) => s.today), 'dtab'].join('-'), layout.params);
  const wanted = sight?.asked(param) ?? sight?.asked([...slugs.map((s) => s.before), 'dtab'].join('-'));
  const exact = tabs.findIndex((t) => t.slug === wanted);
  const chosen = Math.max(exact >= 0 ? exact : tabs.findIndex((t) => t.before === wanted), 0);
  let at = y;
  for (const one of sight?.all ? tabs : [tabs[chosen]!]) {
    if (layout.full) break;
    const bar = sight?.all ? { param, at: 0, tabs: [one] } : { param, at: chosen, tabs };
    layout.add({ key: sight?.all ? one.key : base, panel, gridPos: { x: 0, y: at, w: 24, h: 1 }, scoped: one.scoped, open: true, row: place.row, within: place.within, top: place.top, bar });
    at = layout.list(one.panels, at + 1, { scoped: one.scoped, row: place.row, prefix: one.prefix, slugs: [...slugs, { today: one.slug, before: one.before }], within: [...place.within, one.key], top: at + 1 });
  }
  return at;
}
