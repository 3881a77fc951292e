import { prom, type Target, type Targets } from './prometheus';

/** The pool by which this process scrapes itself. */
const selfPool = 'touchline/touchline';

/** selfMatchers selects the series of this very process: another Touchline may send its own here, too. */
export function selfMatchers(all: Target[]): string {
  const self = all.find((t) => t.scrapePool === selfPool);
  const labels = self ? { job: self.labels.job, instance: self.labels.instance } : { job: 'touchline' };
  return Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${JSON.stringify(value)}`])).join(',');
}

/** ownTarget is the target by which this process scrapes itself; none where it does not. */
export const ownTarget = async (signal?: AbortSignal): Promise<Target[]> => (await prom<Targets>('/targets', { params: { scrapePool: selfPool, state: 'active' }, signal })).activeTargets ?? [];
