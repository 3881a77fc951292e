// What is drawn: series and dashboards.
import { timeSeries, write } from './write.mjs';

const minutes = 50; // The head takes an hour that comes series by series.
const every = 30;

/** samplesOf is a course of its own for each series, the same in each run. */
function samplesOf(seed, now, counter) {
  const out = [];
  let total = seed % 1000;
  for (let s = -minutes * 60; s <= 0; s += every) {
    const v = 50 + 40 * Math.sin((s + seed * 37) / (300 + (seed % 7) * 100)) + (seed % 13);
    total += v;
    out.push([now + s * 1000, counter ? Math.round(total) : Math.round(v * 10) / 10]);
  }
  return out;
}

const services = 10;
const codes = ['200', '204', '404', '429', '500'];

/** holds tells whether a server has the series of an earlier run, which cannot be written again. */
async function holds(server) {
  const answer = await fetch(`${server.url}/api/v1/query?query=${encodeURIComponent('count(last_over_time(bench_queue_length[1h]))')}`, { headers: { Authorization: `Bearer ${server.token}` } });
  if (!answer.ok) throw new Error(`ask for the series: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).data.result.length > 0;
}

/** fill writes so many counters of requests, and so many gauges for one panel. */
export async function fill(server, counters, wide) {
  if (await holds(server)) return;
  const now = Math.floor(Date.now() / 1000) * 1000;
  function* all() {
    for (let i = 0; i < counters; i++) {
      const instance = Math.floor(i / (services * codes.length));
      yield timeSeries({
        __name__: 'bench_requests_total', job: `service-${i % services}`, code: codes[Math.floor(i / services) % codes.length], instance: `10.0.${instance >> 8}.${instance & 255}:9100`, zone: `zone-${instance % 3}`, version: '1.2.3',
      }, samplesOf(i, now, true));
    }
    for (let i = 0; i < wide; i++) yield timeSeries({ __name__: 'bench_queue_length', job: 'wide', instance: `10.1.${i >> 8}.${i & 255}:9100`, queue: `queue-${i % 17}` }, samplesOf(i, now, false));
  }
  await write(server, all());
}

const panel = (id, of) => ({
  id, type: 'timeseries', title: `Panel ${id}`, datasource: { type: 'prometheus', uid: '' },
  fieldConfig: { defaults: { unit: 'short', custom: { fillOpacity: 8, lineWidth: 1 } }, overrides: [] },
  options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } }, ...of,
});
const query = (expr, legendFormat = '') => [{ refId: 'A', expr, legendFormat, range: true }];
const board = (uid, panels) => ({ uid, title: uid, schemaVersion: 41, time: { from: 'now-45m', to: 'now' }, refresh: '', templating: { list: [] }, annotations: { list: [] }, panels });

// Instants look an hour back: the samples end where the run begins.

/** thirty is what people look at: sums by code, rates of a service, figures, a table, and two panels with a line for each of many series. */
export function thirty(instances) {
  const panels = [];
  for (let i = 0; i < 30; i++) {
    const id = i + 1;
    const gridPos = { x: (i % 5) * 5, y: Math.floor(i / 5) * 4, w: i % 5 === 4 ? 4 : 5, h: 4 };
    const one = `bench_requests_total{instance="10.0.0.${i}:9100"}`;
    const service = `bench_requests_total{job="service-${i % services}", zone="zone-${i % 3}", instance=~"10.0.${i % Math.max(1, instances >> 8)}.*"}`;
    let of;
    if (i % 10 === 0) of = { type: 'stat', options: { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'area' }, targets: query(`sum(rate(${service}[5m]))`) };
    else if (i % 10 === 5) of = { type: 'table', targets: [{ ...query(`topk(20, increase(${one}[1h]))`)[0], range: false, instant: true, format: 'table' }] };
    else if (i === 7 || i === 17) of = { targets: query(`rate(bench_requests_total{job="service-${i % services}", code="200"}[5m])`, '{{instance}}') };
    else if (i % 2 === 0) of = { targets: query(`sum by (code) (rate(${service}[5m]))`, '{{code}}') };
    else of = { targets: query(`rate(${one}[5m])`, '{{job}} {{code}}') };
    panels.push(panel(id, { ...of, gridPos }));
  }
  return board('bench-thirty', panels);
}

/** wide is one panel with a line for each series, and a legend of them with figures. */
export const wide = () => board('bench-wide', [panel(1, {
  gridPos: { x: 0, y: 0, w: 24, h: 20 }, targets: query('bench_queue_length', '{{instance}} {{queue}}'),
  options: { legend: { displayMode: 'table', placement: 'right', showLegend: true, calcs: ['lastNotNull', 'max'] }, tooltip: { mode: 'multi', sort: 'desc' } },
})]);

/** small is refreshed again and again. */
export const small = () => board('bench-small', [
  ...[0, 1, 2, 3].map((i) => panel(i + 1, { gridPos: { x: i * 6, y: 0, w: 6, h: 8 }, targets: query(`rate(bench_requests_total{instance="10.0.0.${i}:9100"}[5m])`, '{{job}} {{code}}') })),
  panel(5, { type: 'stat', gridPos: { x: 0, y: 8, w: 12, h: 6 }, targets: query('sum by (code) (rate(bench_requests_total{instance="10.0.0.1:9100"}[5m]))', '{{code}}') }),
  panel(6, { type: 'table', gridPos: { x: 12, y: 8, w: 12, h: 6 }, targets: [{ ...query('last_over_time(bench_requests_total{instance="10.0.0.1:9100"}[1h])')[0], range: false, instant: true, format: 'table' }] }),
]);

/** keep saves a dashboard. */
export async function keep(server, dashboard) {
  const answer = await fetch(`${server.url}/touchline/v1/dashboards`, {
    method: 'POST', body: JSON.stringify({ dashboard, overwrite: true }), headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${server.token}` },
  });
  if (!answer.ok) throw new Error(`save ${dashboard.uid}: ${answer.status} ${await answer.text()}`);
}
