import { type Found, rank } from './search';

export interface Group {
  /** The English name of the kind. */
  kind: string;
  name: string;
  found: Found[];
}

/** Kinds in the order in which they are likely meant. */
const order = ['Pages', 'Incidents', 'Alerts', 'Dashboards', 'Rules', 'Targets', 'Add data', 'Metrics', 'Settings'];

/** What fits by something else than its name, such as a label, fits this well. */
const least = 10;

/** inOrder puts first the kind that has what fits best, and of those that fit alike what goes on now before what can be looked at. */
export function inOrder(groups: Group[], typed: string): Group[] {
  const fits = new Map(groups.map((g) => [g, Math.max(least, ...g.found.map((f) => rank(f.label.replace(/^#\d+ /, ''), typed)))]));
  const place = (g: Group): number => {
    const at = order.indexOf(g.kind);
    // Incidents that are over are something to look up.
    return g.found.every((f) => f.over) ? order.length : at < 0 ? order.length : at;
  };
  return [...groups].sort((a, b) => fits.get(b)! - fits.get(a)! || place(a) - place(b));
}
