// The data of a panel: asked for while it is near the viewport, kept while the next is on its way.
import type { DataFrame } from '@grafana/data';
import { useEffect, useRef, useState } from 'react';

import { call } from '../../api/client';
import { parseAnswer } from '../../api/matrix';
import { promRoot, type QueryData } from '../../api/prometheus';
import { type Language, useLanguage } from '../../i18n';
import type { Mode } from '../../grafana/theme';
import { type FilterInto, type Panel, type PanelQueries, type PanelRequest, queriesOf, type Scope, type SourceInfo, sourceOf } from '../../model';
import type { QueryState } from '../../panels/contract';
import type { Zone } from '../../time/range';
import { type Asked, Requests } from './requests';

export interface Raw {
  data: unknown;
  warnings: string[];
}

export interface Answered {
  request: PanelRequest;
  raw: Raw;
}

export interface PanelData {
  state: QueryState;
  frames: DataFrame[];
  /** As the transformations gave them less the field options, for looking into. */
  answers: Answered[];
  queries: PanelQueries | undefined;
  error?: string;
  warnings: string[];
  /** Whether an answer is awaited. */
  fetching: boolean;
  /** Milliseconds that the queries took. */
  took: number;
}

const nothing: PanelData = { state: 'loading', frames: [], answers: [], queries: undefined, warnings: [], fetching: true, took: 0 };

/** One set of requests for the whole page: panels of two dashboards are never shown at once. */
export const requests = new Requests<Raw>(6);

/** send asks Prometheus's API what a panel wants. */
async function send(r: PanelRequest, source: string | undefined, signal: AbortSignal): Promise<Raw> {
  const root = promRoot(source);
  const [path, form]: [string, Record<string, string>] =
    r.kind === 'range' ? ['/query_range', { query: r.expr, start: String(r.start), end: String(r.end), step: String(r.step) }] :
    r.kind === 'instant' ? ['/query', { query: r.expr, time: String(r.end) }] :
    ['/query_exemplars', { query: r.expr, start: String(r.start), end: String(r.end) }];
  const { body } = await call<{ data: unknown; warnings?: string[]; infos?: string[] }>(root + path, { form, signal, parse: parseAnswer });
  return { data: body.data, warnings: [...(body.warnings ?? []), ...(body.infos ?? [])] };
}

export interface PanelInput {
  panel: Panel;
  scope: Scope;
  sources: readonly SourceInfo[];
  filterInto: FilterInto | undefined;
  width: number;
  now: number;
  zone: Zone;
  mode: Mode;
  /** Whether it may ask: near the viewport, and variables known. */
  active: boolean;
  /** Finds the panel whose data another shows. */
  find: (id: number) => Panel | undefined;
  unsupported: (refId: string, type: string) => string;
}

interface Part {
  queries: PanelQueries;
  panel: Panel;
  /** Runs the transformations of the panel that lends its data. */
  transform: boolean;
}

/** partsOf are the queries of a panel and of those whose data it shows. */
function partsOf(input: Omit<PanelInput, 'active'>, l: Language): { own: PanelQueries; parts: Part[]; notes: string[] } {
  const resolve = (ref: { uid: string; type: string }): SourceInfo | undefined => sourceOf(ref, input.scope, input.sources);
  const context = { width: Math.max(100, input.width), now: input.now, filterInto: input.filterInto };
  const own = queriesOf(input.panel, input.scope, context, resolve);
  const parts: Part[] = [{ queries: own, panel: input.panel, transform: false }];
  const notes: string[] = [];
  for (const s of own.shared) {
    const lender = input.find(s.panelId);
    if (!lender || lender.id === input.panel.id) {
      notes.push(`${s.refId}: there is no panel ${s.panelId} to take data from`);
      continue;
    }
    parts.push({ queries: queriesOf(lender, input.scope, context, resolve), panel: lender, transform: s.withTransforms });
  }
  for (const p of parts) {
    notes.push(...p.queries.warnings.map((w) => w[l]));
    for (const u of p.queries.unsupported) notes.push(input.unsupported(u.refId, resolve(u.datasource)?.type ?? u.datasource.type ?? ''));
  }
  return { own, parts, notes };
}

/** paused is a panel that was scrolled away while it asked anew: it waits for nothing until it comes back. One that has nothing to show yet still does. */
export function paused(old: PanelData): PanelData {
  return old.fetching && old.frames.length > 0 ? { ...old, fetching: false, state: 'done' } : old;
}

/** usePanelData queries for a panel and prepares what is drawn. */
export function usePanelData(input: PanelInput): [data: PanelData, again: () => void] {
  const l = useLanguage();
  const [data, setData] = useState<PanelData>(nothing);
  const held = useRef<Asked<Raw>[]>([]);
  const done = useRef<unknown[] | undefined>(undefined);
  const [again, setAgain] = useState(0);
  const { panel, scope, sources, width, now, zone, mode, active } = input;
  const latest = useRef(input);
  latest.current = input;
  // A width that changes by a few pixels changes no query.
  const wide = Math.ceil(width / 50) * 50;
  useEffect(() => {
    const free = (list: Asked<Raw>[]): void => list.forEach((a) => a.release());
    if (!active) {
      free(held.current);
      held.current = [];
      setData(paused);
      return;
    }
    const wanted = [panel, scope, sources, wide, now, zone, mode, l, again];
    // Scrolled away and back: what is shown is what would be asked for.
    if (done.current?.every((v, i) => v === wanted[i])) return;
    let stopped = false;
    const began = performance.now();
    const next: Asked<Raw>[] = [];
    void (async () => {
      const { own, parts, notes } = partsOf({ ...latest.current, width: wide }, l);
      const resolve = (ref: { uid: string; type: string }): string | undefined => sourceOf(ref, scope, sources)?.uid;
      const asked = parts.map((part) => part.queries.requests.map((request) => {
        const source = resolve(request.datasource);
        const a = requests.ask(`${source ?? ''}\n${request.key}`, (signal) => send(request, source, signal));
        next.push(a);
        return { request, a };
      }));
      if (stopped) return free(next);
      // Words about a failure or about no data stay as well until the next answer says otherwise.
      setData((old) => ({ ...old, fetching: true, state: old.frames.length > 0 ? 'loading' : old.state }));
      const settled = await Promise.all(asked.map((part) => Promise.allSettled(part.map(({ a }) => a.answer))));
      if (stopped) return;
      const took = performance.now() - began;
      const answers: Answered[] = [];
      const failures: string[] = [];
      const warnings = [...notes];
      const door = await import('../../grafana/frames');
      let frames: DataFrame[] = [];
      for (const [i, part] of parts.entries()) {
        let mine: DataFrame[] = [];
        for (const [j, { request }] of asked[i]!.entries()) {
          const s = settled[i]![j]!;
          if (s.status === 'rejected') {
            failures.push(`${request.refId}: ${s.reason instanceof Error ? s.reason.message : String(s.reason)}`);
            continue;
          }
          answers.push({ request, raw: s.value });
          warnings.push(...s.value.warnings);
          const made = request.kind === 'exemplars' ? door.exemplarFrames(request, s.value.data) : await door.framesInSlices(request, s.value.data as QueryData, part.queries.scope);
          mine = mine.concat(made);
        }
        if (part.transform) mine = (await door.pipeline(part.panel, mine, part.queries.scope, mode, zone)).frames;
        frames = frames.concat(mine);
      }
      const drawn = await door.pipeline(panel, frames, own.scope, mode, zone);
      if (stopped) return;
      warnings.push(...drawn.warnings.map((w) => w[l]));
      // Some of the queries failed: what the others say is shown, with the failures beside it.
      const failed = failures.length > 0 && answers.length === 0;
      const nothingAsked = parts.every((p) => p.queries.requests.length === 0);
      const refused = nothingAsked && notes.length > 0;
      done.current = wanted;
      setData((old) => ({
        state: failed || refused ? 'error' : 'done',
        frames: failed ? old.frames : drawn.frames,
        answers: failed ? old.answers : answers,
        queries: own,
        error: failed ? failures.join('\n') : refused ? notes.join('\n') : undefined,
        fetching: false,
        warnings: [...new Set(failed ? warnings : [...failures, ...warnings])].slice(0, 50),
        took,
      }));
    })().catch((error: unknown) => {
      if (!stopped) setData((old) => ({ ...old, fetching: false, state: 'error', error: error instanceof Error ? error.message : String(error) }));
    });
    // The answers before are let go once the new ones are asked for, so that what is the same is not sent again.
    free(held.current);
    held.current = next;
    return () => {
      stopped = true;
    };
  }, [panel, scope, sources, wide, now, zone, mode, active, again]);
  useEffect(() => () => {
    held.current.forEach((a) => a.release());
    held.current = [];
  }, []);
  return [data, () => setAgain((n) => n + 1)];
}
