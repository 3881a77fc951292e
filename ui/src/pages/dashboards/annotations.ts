// What happened, asked for as the dashboard's annotations say.
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';

import { call } from '../../api/client';
import { passing } from '../../api/passing';
import { queryRange } from '../../api/prometheus';
import { language, translate } from '../../i18n';
import { type Annotation, annotationIsFor, annotationRequest, annotationsFrom, type AnnotationQuery, type Dashboard, type FilterInto, ownAnnotations, type Scope, type SourceInfo, sourceOf } from '../../model';

const m = {
  type: { en: 'the data source {name} is of the type {type}; annotations are read from Prometheus', zh: '数据源 {name} 的类型为 {type}；注释仅支持 Prometheus' },
};

/** The most that is drawn of one query: past it, ticks would be a wall. */
const most = 1000;
const none: Annotation[] = [];

/** What one query found. */
export interface Group {
  query: AnnotationQuery;
  list: Annotation[];
}

/** annotationsOf are those that a panel shows. */
export function annotationsOf(groups: readonly Group[], panelId: number): Annotation[] {
  const out = groups.filter((g) => annotationIsFor(g.query, panelId)).flatMap((g) => g.list);
  return out.length > 0 ? out : none;
}

/** annotationQueries are those of the file and our own, each once. Whoever has only a link to the dashboard may not ask for ours. */
export function annotationQueries(d: Dashboard, byLink: boolean): AnnotationQuery[] {
  const out = d.annotations.filter((q) => !q.builtIn);
  if (byLink) return out.filter((q) => !ownAnnotations.some((o) => o.name === q.name));
  // Those that ship are about what the rules that ship watch.
  const ships = d.uid.startsWith('touchline-');
  for (const q of ownAnnotations) if (!out.some((o) => o.name === q.name)) out.push(ships ? { ...q, enable: true } : q);
  return out;
}

/** isOn tells whether a query is asked: the address wins over the file. */
export function isOn(q: AnnotationQuery, search: Record<string, unknown>): boolean {
  const list = (name: string): string[] => (typeof search[name] === 'string' ? (search[name] as string).split(',') : []);
  if (list('ann-off').includes(q.name)) return false;
  return q.enable || list('ann-on').includes(q.name);
}

async function ask(q: AnnotationQuery, scope: Scope, sources: readonly SourceInfo[], filterInto: FilterInto | undefined, signal: AbortSignal): Promise<Annotation[]> {
  const r = annotationRequest(q, scope, filterInto);
  switch (r.kind) {
    case 'none':
      if (r.warning) throw new Error(translate(language(), r.warning));
      return none;
    case 'get':
      return annotationsFrom(q, r, (await call<unknown>(r.path, { params: r.params, signal })).body).slice(0, most);
    case 'range': {
      const source = sourceOf(r.datasource, scope, sources);
      if (source && source.type !== 'prometheus') throw new Error(translate(language(), m.type, { name: source.name, type: source.type }));
      const { data } = await queryRange({ query: r.expr, start: r.start, end: r.end, step: r.step, datasource: source?.uid, signal });
      return annotationsFrom(q, r, data).slice(0, most);
    }
  }
}

export function useAnnotations(queries: AnnotationQuery[], scope: Scope, sources: readonly SourceInfo[], filterInto: FilterInto | undefined, ready: boolean, uid: string, now: number): { groups: Group[]; errors: string[] } {
  return useQueries({
    queries: queries.map((q) => ({
      queryKey: ['annotations', uid, q.name, q.expr, scope.raw, now, Object.values(scope.values).map((v) => [v.value, v.filters])],
      queryFn: ({ signal }: { signal: AbortSignal }) => ask(q, scope, sources, filterInto, signal),
      enabled: ready,
      retry: false,
      ...passing,
    })),
    combine: useMemo(() => (all: { data?: Annotation[]; error: Error | null }[]) => ({
      groups: all.flatMap((a, i) => (a.data && a.data.length > 0 && queries[i] ? [{ query: queries[i], list: a.data }] : [])),
      errors: all.flatMap((a, i) => (a.error ? [`${queries[i]?.name ?? ''}: ${a.error.message}`] : [])),
    }), [queries]),
  });
}
