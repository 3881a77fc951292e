// Reads every dashboard of a folder that FIXTURES names, and says what was
// understood. It runs by "npm run test:fixtures" only.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { knownTransformations } from '../src/grafana/frames';
import './window';
import { currentOf, layoutOf, normalize, optionsFrom, queriesOf, queryOf, sourceOf, variableOrder, type Dashboard, type Scope, type SourceInfo, type Values } from '../src/model';

const root = process.env.FIXTURES;
const sources: SourceInfo[] = [{ uid: 'touchline', name: 'Touchline', type: 'prometheus', default: true }];
const now = Date.parse('2026-01-02T03:04:05Z');

/** Panels that are drawn; any other shows its data as a table, with a note. */
const drawn = new Set(['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text', 'piechart', 'heatmap', 'barchart', 'state-timeline', 'status-history', 'histogram', 'alertlist', 'dashlist', 'candlestick', 'xychart', 'row', 'logs', 'nodeGraph', 'traces', 'geomap']);

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? files(path.join(dir, e.name)) : e.name.endsWith('.json') ? [path.join(dir, e.name)] : []));
}

const count = (into: Record<string, number>, key: string): void => void (into[key] = (into[key] ?? 0) + 1);
const order = (of: Record<string, number>): Record<string, number> => Object.fromEntries(Object.entries(of).sort((a, b) => b[1] - a[1]));
const all = (d: Dashboard): Dashboard['panels'] => d.panels.flatMap((p) => [p, ...p.panels]);

describe.skipIf(root === undefined)('dashboards that nobody here wrote', () => {
  it('are parsed, with their variables understood', () => {
    const dir = path.join(root!, '01-grafana-dashboards');
    const found = files(dir);
    expect(found.length).toBeGreaterThan(50);
    const types: Record<string, number> = {};
    const transformations: Record<string, number> = {};
    const warnings: Record<string, number> = {};
    const short: string[] = [];
    let [parsed, variables, understood, elsewhere, prometheus, sent, leftover] = [0, 0, 0, 0, 0, 0, 0];
    for (const file of found) {
      const name = path.relative(dir, file);
      const d = normalize(readFileSync(file, 'utf8'));
      if (d.panels.length > 0) parsed++;
      else short.push(`${name}: no panel`);
      for (const w of d.warnings) count(warnings, `${name} ${w.path}: ${w.en}`);
      const scope: Scope = { values: {}, raw: d.time, range: { from: now - 6 * 36e5, to: now }, zone: 'utc', dashboard: { title: d.title, uid: d.uid } };
      const values: Values = {};
      scope.values = values;
      for (const v of variableOrder(d.variables).levels.flat()) {
        variables++;
        const q = queryOf(v, scope);
        // Made-up answers: what counts is that there is a request, and that its answer becomes options.
        const answer = q.kind === 'datasources' ? sources : q.kind === 'query_result' ? { resultType: 'vector', result: [{ metric: { __name__: 'x', pod: 'a', instance: 'a:1', release: 'r', kubernetes_namespace: 'n', service_name: 's', span_name: 'p' }, value: [1, '2'] }, { metric: {}, value: [1, '2'] }] } : ['a:1', 'b:2'];
        const { options } = optionsFrom(v, q.kind === 'none' ? undefined : answer, scope);
        const c = currentOf(v, options);
        values[v.name] = c;
        const other = q.kind === 'unsupported' && v.datasource.type !== '' && !v.datasource.type.includes('prometheus');
        if (other) {
          elsewhere++; // a query of Loki or of a database cannot be asked of Prometheus
          variables--;
          short.push(`${name} $${v.name}: of ${v.datasource.type}, not of Prometheus`);
          continue;
        }
        const empty = v.type === 'datasource' && v.query !== 'prometheus';
        if (q.kind !== 'unsupported' && v.type !== 'unknown' && (c.value.length > 0 || ['textbox', 'constant', 'adhoc'].includes(v.type) || empty)) understood++;
        else short.push(`${name} $${v.name} (${v.type}): ${q.kind} ${v.query.slice(0, 60)}`);
      }
      layoutOf(d, values);
      for (const p of all(d)) {
        count(types, drawn.has(p.type) ? p.type : `(as a table) ${p.type}`);
        for (const t of p.transformations) count(transformations, knownTransformations.has(t.id) ? t.id : `(not known) ${t.id}`);
        const q = queriesOf(p, scope, { width: 800, now }, (ref) => sourceOf(ref, scope, sources));
        for (const r of q.requests) {
          if (r.kind === 'exemplars') continue;
          prometheus++;
          if (/\$\{?\w|\[\[\w/.test(r.expr.replace(/"[^"]*"/g, '""').replace(/\$\d/g, ''))) {
            leftover++;
            short.push(`${name} panel ${p.id} ${r.refId}: left in the query: ${r.expr.slice(0, 100)}`);
          } else {
            sent++;
          }
        }
      }
    }
    const percent = (a: number, b: number): string => `${((100 * a) / b).toFixed(1)} % (${a}/${b})`;
    console.log(JSON.stringify({
      parsed: percent(parsed, found.length), variables: percent(understood, variables), variablesOfOtherSources: elsewhere, queries: percent(sent, prometheus), leftover, panels: order(types), transformations: order(transformations),
    }, undefined, 1));
    console.log([...short, '', 'warnings:', ...Object.keys(warnings)].join('\n'));
    expect(parsed / found.length).toBeGreaterThanOrEqual(0.99);
    expect(understood / variables).toBeGreaterThanOrEqual(0.98);
    expect(sent / prometheus).toBeGreaterThanOrEqual(0.99);
    expect(Object.keys(transformations).filter((t) => t.startsWith('(not known)'))).toEqual([]);
  });
});
