import { metadata, metricNames } from '../../api/explore';
import { scrapeInterval, status } from '../../api/status';
import type { Area } from '../../app/area';
import { type Found, rank } from '../../app/search';
import { exploreLink } from './address';
import { defaultQuery, familyOf, kindOf, rateInterval } from './defaults';
import { durationOf } from './tree';

// The palette asks with each key; names change slowly.
let names: { at: number; load: Promise<[string[], Awaited<ReturnType<typeof metadata>>, number]> } | undefined;

function known(): Promise<[string[], Awaited<ReturnType<typeof metadata>>, number]> {
  const now = Date.now();
  if (!names || now - names.at > 60_000) {
    const load = Promise.all([
      metricNames({ start: Math.floor(now / 1000) - 3600, end: Math.floor(now / 1000) }), metadata(),
      status().then((s) => scrapeInterval(s.watched)).catch(() => 15),
    ]);
    names = { at: now, load };
    load.catch(() => { names = undefined; });
  }
  return names.load;
}

async function find(text: string): Promise<Found[]> {
  if (text.trim() === '') return [];
  const [all, meta, scrape] = await known();
  return all
    .map((n): [number, string] => [rank(n, text), n])
    .filter(([r]) => r > 0)
    .sort((a, b) => b[0] - a[0] || a[1].length - b[1].length)
    .slice(0, 8)
    .map(([, name]) => {
      const { meta: about } = familyOf(name, (n) => meta[n]?.[0]);
      const kind = kindOf(name, about);
      return { id: `metric-${name}`, icon: 'explore', label: name, hint: about?.help ? `${kind}: ${about.help}` : kind, to: exploreLink(defaultQuery(name, kind, [], durationOf(rateInterval(scrape * 1000, scrape * 1000))).expr) };
    });
}

export const explore: Area = {
  menu: [{ to: '/explore', icon: 'explore', label: { en: 'Explore', zh: '探索' }, key: 'e', also: ['/graph'] }],
  routes: [
    { path: '/explore', load: () => import('./Explore'), name: 'Explore' },
    { path: '/graph', load: () => import('./Legacy'), name: 'Legacy' },
  ],
  sources: [{ name: { en: 'Metrics', zh: '指标' }, find }],
};
