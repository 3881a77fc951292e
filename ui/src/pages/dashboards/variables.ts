// Variables: their options asked for in the order in which they name each other.
import { useEffect, useMemo, useRef, useState } from 'react';

import { prom } from '../../api/prometheus';
import { language, translate } from '../../i18n';
import { currentOf, type Dashboard, filtersFrom, optionsFrom, queryOf, type Scope, scrapeOf, type SourceInfo, sourceOf, type Values, type Variable, variableOrder, wantedFrom, type Warning } from '../../model';

export type Search = Record<string, unknown>;

const m = {
  type: { en: 'the data source {name} is of the type {type}', zh: '数据源 {name} 的类型为 {type}' },
};

/** paramsOf is the part of the address that is about variables. */
export function paramsOf(search: Search): URLSearchParams {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (!name.startsWith('var-')) continue;
    for (const one of Array.isArray(value) ? value : [value]) if (typeof one === 'string' || typeof one === 'number') out.append(name, String(one));
  }
  return out;
}

/** withVariable changes one variable of an address; no value takes it out of it. */
export function withVariable(search: Search, name: string, value: string[] | undefined): Search {
  const out = { ...search };
  // An empty choice is written down, or the file's own would come back.
  out[`var-${name}`] = value === undefined ? undefined : value.length === 1 ? value[0] : value.length === 0 ? '' : value;
  return out;
}

export interface VariableState {
  values: Values;
  ready: boolean;
  /** By name, why a variable has no options. */
  errors: Record<string, string>;
  warnings: Warning[];
}

interface Kept {
  answer: Promise<unknown>;
  /** Whether it has come: one that is given up half-way would fail the next who asks for it. */
  come: boolean;
}

/** How many answers are kept while variables change. */
const mostKept = 200;

async function load(v: Variable, scope: Scope, sources: readonly SourceInfo[], wanted: Record<string, string[]>, era: string, kept: Map<string, Kept>, signal: AbortSignal): Promise<{ current: Values[string]; warnings: Warning[]; error?: string }> {
  const q = queryOf(v, scope, scrapeOf(sourceOf(v.datasource, scope, sources)));
  const want = wanted[v.name];
  const with_ = (answer: unknown): { current: Values[string]; warnings: Warning[] } => {
    const { options, warnings } = optionsFrom(v, answer, scope);
    const current = currentOf(v, options, want);
    return { current: v.type === 'adhoc' && want ? { ...current, filters: filtersFrom(want) } : current, warnings };
  };
  try {
    switch (q.kind) {
      case 'none':
        return with_(undefined);
      case 'datasources':
        return with_(sources);
      case 'unsupported':
        return { ...with_([]), error: translate(language(), q.warning) };
      default: {
        const source = sourceOf(q.datasource, scope, sources);
        if (source && source.type !== 'prometheus') return { ...with_([]), error: translate(language(), m.type, { name: source.name, type: source.type }) };
        const { start, end, ...rest } = q.params;
        // The answer stays good while the range is the one that was chosen, though now moves on.
        const key = JSON.stringify([source?.uid ?? '', q.path, rest, v.refresh === 2 ? era : '']);
        let hit = kept.get(key);
        if (!hit) {
          const params = { ...rest, ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
          const made: Kept = { answer: prom<unknown>(q.path, { params, datasource: source?.uid, signal }), come: false };
          made.answer.then(() => { made.come = true; }, () => { if (kept.get(key) === made) kept.delete(key); });
          hit = made;
          if (kept.size >= mostKept) kept.delete(kept.keys().next().value!);
          kept.set(key, hit);
        }
        return with_(await hit.answer);
      }
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...with_([]), error: error instanceof Error ? error.message : String(error) };
  }
}

/** useVariables gives the variables as the address, the file and the server have them. */
export function useVariables(dashboard: Dashboard, base: Omit<Scope, 'values'>, search: Search, sources: readonly SourceInfo[] | undefined): VariableState {
  const params = paramsOf(search).toString();
  const order = useMemo(() => variableOrder(dashboard.variables), [dashboard.variables]);
  const kept = useRef(new Map<string, Kept>());
  const scope = useRef(base);
  scope.current = base;
  const era = `${base.raw.from} ${base.raw.to}`;
  const [state, setState] = useState<VariableState>({ values: {}, ready: false, errors: {}, warnings: [] });
  useEffect(() => {
    if (!sources) return;
    const controller = new AbortController();
    const answers = kept.current;
    const wanted = wantedFrom(new URLSearchParams(params));
    void (async () => {
      const values: Values = {};
      const errors: Record<string, string> = {};
      const warnings = [...order.warnings];
      for (const level of order.levels) {
        const all = await Promise.all(level.map((v) => load(v, { ...scope.current, values: { ...values } }, sources, wanted, era, answers, controller.signal)));
        level.forEach((v, i) => {
          const one = all[i]!;
          values[v.name] = one.current;
          warnings.push(...one.warnings);
          if (one.error) errors[v.name] = one.error;
        });
      }
      if (!controller.signal.aborted) setState({ values, ready: true, errors, warnings });
    })().catch((error: unknown) => {
      if (controller.signal.aborted) return;
      setState((old) => ({ ...old, ready: true, warnings: [{ path: 'templating', en: String(error), zh: String(error) }] }));
    });
    return () => {
      controller.abort();
      for (const [key, one] of answers) if (!one.come) answers.delete(key);
    };
  }, [order, params, era, sources]);
  return state;
}
