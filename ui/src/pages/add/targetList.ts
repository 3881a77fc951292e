import type { Labels, Target, Targets } from '../../api/prometheus';

export type Health = 'up' | 'down' | 'unknown';

export interface TargetFilter {
  text?: string;
  health?: Health;
  pool?: string;
}

export interface Pool {
  name: string;
  targets: Target[];
  up: number;
  down: number;
}

/** fits tells whether every typed word is somewhere in a target's labels, address or error. */
export function fits(text: string, labels: Labels, ...more: string[]): boolean {
  const all = [...Object.entries(labels).map(([n, v]) => `${n}=${v}`), ...more].join('\n').toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/** pools groups the targets that a filter lets through; what is down comes first. */
export function pools(targets: Target[], f: TargetFilter): Pool[] {
  const out = new Map<string, Pool>();
  for (const t of targets) {
    if (f.pool && t.scrapePool !== f.pool) continue;
    if (f.health && t.health !== f.health) continue;
    if (f.text && !fits(f.text, t.labels, t.scrapeUrl, t.lastError)) continue;
    let pool = out.get(t.scrapePool);
    if (!pool) out.set(t.scrapePool, (pool = { name: t.scrapePool, targets: [], up: 0, down: 0 }));
    pool.targets.push(t);
    if (t.health === 'up') pool.up++;
    else if (t.health === 'down') pool.down++;
  }
  const order: Record<Health, number> = { down: 0, unknown: 1, up: 2 };
  for (const p of out.values()) p.targets.sort((a, b) => order[a.health] - order[b.health] || compare(a.scrapeUrl, b.scrapeUrl));
  return [...out.values()].sort((a, b) => Number(b.down > 0) - Number(a.down > 0) || compare(a.name, b.name));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** targetKey tells targets apart in an address. */
export const targetKey = (t: { scrapePool: string; scrapeUrl: string; labels: Labels }): string =>
  `${t.scrapePool} ${t.scrapeUrl} ${Object.entries(t.labels).sort(([a], [b]) => compare(a, b)).map(([n, v]) => `${n}=${v}`).join(',')}`;

/** dropped are the targets that were discovered and not taken. */
export function dropped(t: Targets, f: Pick<TargetFilter, 'text' | 'pool'>): Targets['droppedTargets'] {
  return t.droppedTargets.filter((d) => (!f.pool || d.scrapePool === f.pool) && (!f.text || fits(f.text, d.discoveredLabels)));
}

/** droppedCount is how many there are, which may be more than are kept. An older Prometheus, and other servers with its API, do not count them. */
export const droppedCount = (t: Targets): number => (t.droppedTargetCounts ? Object.values(t.droppedTargetCounts).reduce((a, b) => a + b, 0) : t.droppedTargets.length);
