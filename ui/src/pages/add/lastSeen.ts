import type { Target } from '../../api/prometheus';
import type { Sample } from '../../api/server';

/** lastScrapes is when each job and instance, and each job as a whole, was last scraped, in milliseconds. */
export function lastScrapes(targets: Target[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const t of targets) {
    const at = Date.parse(t.lastScrape);
    if (!(at > 0)) continue;
    const job = t.labels.job ?? t.scrapePool;
    for (const key of [job, `${job} ${t.labels.instance ?? ''}`]) out.set(key, Math.max(out.get(key) ?? 0, at));
  }
  return out;
}

/** seriesByJob is how many series each job and instance, and each job as a whole, gives. */
export function seriesByJob(samples: Sample[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const s of samples) {
    const job = s.labels.job ?? '';
    for (const key of [job, `${job} ${s.labels.instance ?? ''}`]) out.set(key, (out.get(key) ?? 0) + s.value);
  }
  return out;
}
