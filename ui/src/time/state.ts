import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react';

import { defaultRange, duration, type Range, type RawRange, resolve, type Zone } from './range';
import { isZone } from './zone';

/** What every page's address may say about time. */
export interface TimeSearch {
  from?: string;
  to?: string;
  /** The pause between refreshes, such as "5s"; "off" for none, also where a dashboard has one of its own. */
  refresh?: string;
  /** "utc", "browser", or a name of the IANA database; the dashboard's or the browser's where it is left out. */
  timezone?: string;
}

/** The shortest pause between refreshes, in milliseconds. */
const leastRefresh = 1000;

/** timeSearch takes the part of an address that is about time. */
export function timeSearch(search: Record<string, unknown>): TimeSearch {
  const text = (name: string): string | undefined => {
    const v = search[name];
    return typeof v === 'string' && v !== '' ? v : typeof v === 'number' ? String(v) : undefined;
  };
  const zone = text('timezone') ?? text('tz');
  // Every time on the page is written in it, and a zone that does not exist would leave none.
  return { from: text('from'), to: text('to'), refresh: text('refresh'), timezone: zone !== undefined && isZone(zone) ? zone : undefined };
}

// One clock for all that is shown: each tick of it is a refresh.
let tick = Date.now();
const watching = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let pause = 0;

export function refreshNow(): void {
  tick = Date.now();
  watching.forEach((f) => f());
}

function pace(ms: number): void {
  if (ms === pause) return;
  pause = ms;
  clearInterval(timer);
  timer = ms > 0 ? setInterval(() => { if (!document.hidden) refreshNow(); }, ms) : undefined;
}

function useTick(): number {
  return useSyncExternalStore((f) => {
    watching.add(f);
    return () => watching.delete(f);
  }, () => tick);
}

export interface TimeState {
  raw: RawRange;
  /** As it is at the last refresh. */
  range: Range;
  zone: Zone;
  /** Milliseconds; 0 where nothing refreshes by itself. */
  refresh: number;
  /** Changes with each refresh: what is queried belongs to it. */
  tick: number;
  setRange: (to: RawRange) => void;
  setRefresh: (to: string) => void;
  setZone: (to: Zone) => void;
  /** Shows an absolute range, in milliseconds, such as one that was dragged. */
  zoom: (from: number, to: number) => void;
}

/** useTime is the range, refresh and time zone that all pages share. They live in the address. */
export function useTime(fallback: TimeSearch = {}): TimeState {
  const search = useSearch({ strict: false }) as TimeSearch;
  const navigate = useNavigate();
  const now = useTick();
  const from = search.from ?? fallback.from ?? defaultRange.from;
  const to = search.to ?? fallback.to ?? defaultRange.to;
  const zone = search.timezone ?? fallback.timezone ?? 'browser';
  const refresh = Math.max(0, duration(search.refresh ?? fallback.refresh ?? '') ?? 0);
  const change = useCallback(
    (by: TimeSearch) => void navigate({ to: '.', search: (old: Record<string, unknown>) => ({ ...old, ...by }) } as never),
    [navigate],
  );
  useEffect(() => pace(refresh === 0 ? 0 : Math.max(refresh, leastRefresh)), [refresh]);
  const range = useMemo(() => resolve({ from, to }, now, zone), [from, to, now, zone]);
  return {
    raw: { from, to }, range, zone, refresh, tick: now,
    setRange: (r) => { refreshNow(); change({ from: r.from, to: r.to }); },
    setRefresh: (r) => change({ refresh: r || 'off' }),
    setZone: (z) => change({ timezone: z }),
    zoom: (a, b) => change({ from: String(Math.floor(a)), to: String(Math.ceil(b)) }),
  };
}
