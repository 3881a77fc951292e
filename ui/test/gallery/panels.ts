import { type DataFrame, FieldType, type FieldConfigSource } from '@grafana/data';

import type { PanelSpec } from '../../src/panels/contract';
import { line, now, table, times, wave } from './frames';

export interface Sample { panel: PanelSpec; frames: DataFrame[]; w?: number; h?: number }

const fc = (d: Record<string, unknown>): FieldConfigSource => ({ defaults: { color: { mode: 'palette-classic' }, ...d } as never, overrides: [] });
const steps = { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }, { value: 60, color: 'orange' }, { value: 85, color: 'red' }] };
const hosts = ['api-1', 'api-2', 'db-1', 'cache-1'];
const lines = (n = 4, level = 40, swing = 18): DataFrame[] => Array.from({ length: n }, (_, i) => line(hosts[i] ?? `series-${i}`, wave(i, level + i * 7, swing), { instance: hosts[i] ?? String(i) }));
const gap = wave(9, 30, 8).map((v, i) => (i > 60 && i < 90 ? null : v));

let id = 0;
const s = (type: string, title: string, frames: DataFrame[], defaults: Record<string, unknown> = {}, options: Record<string, unknown> = {}, more: Partial<Sample> = {}): Sample =>
  ({ panel: { id: ++id, type, title, options, fieldConfig: fc(defaults) }, frames, ...more });

const legend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] };
const bucket = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '+Inf'];
const hosted = table([
  { name: 'Host', type: FieldType.string, values: Array.from({ length: 400 }, (_, i) => `host-${i + 1}`), custom: { filterable: true } },
  { name: 'State', type: FieldType.string, values: Array.from({ length: 400 }, (_, i) => (i % 7 ? 'up' : 'down')), custom: { cellOptions: { type: 'color-text' } }, mappings: [{ type: 'value', options: { up: { text: 'Up', color: 'green' }, down: { text: 'Down', color: 'red' } } }] },
  { name: 'CPU', type: FieldType.number, values: Array.from({ length: 400 }, (_, i) => (i * 37) % 101), unit: 'percent', min: 0, max: 100, color: { mode: 'thresholds' }, thresholds: steps, custom: { cellOptions: { type: 'gauge', mode: 'gradient' } } },
  { name: 'Memory', type: FieldType.number, values: Array.from({ length: 400 }, (_, i) => (i + 3) * 1.37e8), unit: 'bytes' },
  { name: 'Load', type: FieldType.number, values: Array.from({ length: 400 }, (_, i) => ((i * 13) % 100) / 1.7), color: { mode: 'thresholds' }, thresholds: { ...steps, steps: [{ value: -Infinity, color: 'green' }, { value: 30, color: 'orange' }] }, custom: { cellOptions: { type: 'color-background' } } },
]);

export const samples: Sample[] = [
  s('timeseries', 'CPU by host', lines(), { unit: 'percent', custom: { fillOpacity: 8, lineWidth: 1.5 } }, { legend: { ...legend, displayMode: 'table', calcs: ['lastNotNull', 'mean', 'max'] }, tooltip: { mode: 'multi', sort: 'desc' } }),
  s('timeseries', 'Memory, stacked', lines(4, 2e9, 4e8), { unit: 'bytes', custom: { fillOpacity: 35, stacking: { mode: 'normal' }, lineWidth: 1 } }, { legend }),
  s('timeseries', 'Shares', lines(3), { unit: 'reqps', custom: { fillOpacity: 60, stacking: { mode: 'percent' } } }, { legend: { ...legend, placement: 'right', displayMode: 'table', calcs: ['lastNotNull'] } }),
  s('timeseries', 'Network in and out', [line('in', wave(1, 4e6, 2e6)), line('out', wave(2, 3e6, 1e6))], { unit: 'Bps', custom: { fillOpacity: 20, gradientMode: 'opacity', lineInterpolation: 'smooth' } }, { legend }),
  s('timeseries', 'Requests, bars and a gap', [line('requests', gap)], { custom: { drawStyle: 'bars', fillOpacity: 70 } }, { legend }),
  s('timeseries', 'Latency, log, limits', lines(3, 40, 39).map((f, i) => (f.fields[1]!.values.forEach((v, k) => { f.fields[1]!.values[k] = Number(v) * 10 ** i / 1000; }), f)), { unit: 's', thresholds: { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }, { value: 1, color: 'red' }] }, custom: { scaleDistribution: { type: 'log', log: 10 }, thresholdsStyle: { mode: 'dashed+area' } } }, { legend }),
  s('timeseries', 'By value, gap', [line('temperature', wave(5, 60, 35).map((v, i) => (i > 80 && i < 100 ? null : v)))], { unit: 'celsius', color: { mode: 'thresholds' }, thresholds: steps, custom: { gradientMode: 'scheme', fillOpacity: 15, lineWidth: 2 } }, { legend: { showLegend: false } }),
  s('timeseries', '6,000 series', Array.from({ length: 6000 }, (_, i) => line(`pod-${i}`, wave(i, (i % 100) * 3, 20))), { unit: 'short' }, { legend: { ...legend, displayMode: 'table', calcs: ['max'] }, tooltip: { mode: 'multi', sort: 'desc' } }),
  s('stat', 'Requests', [line('Requests', wave(1, 1234.5, 200))], { unit: 'reqps', color: { mode: 'thresholds' } }, { reduceOptions: { calcs: ['lastNotNull'] } }, { w: 300, h: 140 }),
  s('stat', 'Hosts', lines(), { unit: 'percent', color: { mode: 'thresholds' }, thresholds: steps }, { colorMode: 'background', textMode: 'value_and_name', reduceOptions: { calcs: ['lastNotNull'] } }, { w: 500, h: 140 }),
  s('stat', 'Up since', [line('up', wave(1, 345678, 10))], { unit: 's', color: { mode: 'thresholds' } }, { graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } }, { w: 180, h: 140 }),
  s('gauge', 'Disk', lines(3, 45, 10), { unit: 'percent', min: 0, max: 100, color: { mode: 'thresholds' }, thresholds: steps }, { showThresholdLabels: false, reduceOptions: { calcs: ['lastNotNull'] } }, { h: 180 }),
  s('bargauge', 'Gradient', lines(4, 45, 30), { unit: 'percent', min: 0, max: 100, color: { mode: 'thresholds' }, thresholds: steps }, { displayMode: 'gradient', orientation: 'horizontal', reduceOptions: { calcs: ['lastNotNull'] } }, { h: 180 }),
  s('bargauge', 'LCD', lines(4, 45, 30), { unit: 'percent', min: 0, max: 100, color: { mode: 'thresholds' }, thresholds: steps }, { displayMode: 'lcd', orientation: 'horizontal', reduceOptions: { calcs: ['lastNotNull'] } }, { h: 180 }),
  s('bargauge', 'Upright', lines(4, 45, 30), { unit: 'percent', min: 0, max: 100, color: { mode: 'thresholds' }, thresholds: steps }, { displayMode: 'basic', orientation: 'vertical', reduceOptions: { calcs: ['lastNotNull'] } }, { h: 180 }),
  s('table', 'Hosts', [hosted], {}, { footer: { show: true, reducer: ['sum'], fields: ['Memory'] }, sortBy: [{ displayName: 'Memory', desc: true }] }, { w: 640, h: 260 }),
  s('piechart', 'Share', lines(4, 40, 20), { unit: 'reqps' }, { pieType: 'donut', displayLabels: ['percent'], legend: { showLegend: true, placement: 'right', values: ['value', 'percent'] }, reduceOptions: { calcs: ['lastNotNull'] } }),
  s('heatmap', 'Latency', bucket.map((le, i) => line(le, wave(i, 60 * Math.exp(-((i - 4) ** 2) / 4), 20), { le })), {}, { color: { scheme: 'Oranges', scale: 'exponential', exponent: 0.5 }, yAxis: { unit: 's' } }),
  s('barchart', 'By team', [table([{ name: 'Team', type: FieldType.string, values: ['web', 'data', 'infra', 'payments', 'search'] }, { name: 'open', type: FieldType.number, values: [12, 5, 9, 3, 7], color: { mode: 'palette-classic' } }, { name: 'closed', type: FieldType.number, values: [30, 22, 41, 8, 16], color: { mode: 'palette-classic' } }])], {}, {}),
  s('histogram', 'Durations', [line('seconds', wave(3, 2, 1.4))], { unit: 's' }, {}),
  s('state-timeline', 'State', hosts.map((h, i) => line(h, times.map((_, k) => (Math.sin(k / 20 + i) > 0.7 ? 0 : 1)))), { color: { mode: 'thresholds' }, mappings: [{ type: 'value', options: { 0: { text: 'Down', color: 'red' }, 1: { text: 'Up', color: 'green' } } }] }, {}),
  s('status-history', 'History', hosts.map((h, i) => line(h, times.map((_, k) => (k % 6 === 0 ? (Math.sin(k / 20 + i) > 0.7 ? 0 : 1) : null)))), { color: { mode: 'thresholds' }, mappings: [{ type: 'value', options: { 0: { text: 'Down', color: 'red' }, 1: { text: 'Up', color: 'green' } } }] }, {}),
  s('candlestick', 'Price', [table([{ name: 'Time', type: FieldType.time, values: times.filter((_, i) => i % 6 === 0) }, ...(['open', 'high', 'low', 'close'] as const).map((f, j) => ({ name: f, type: FieldType.number, values: times.filter((_, i) => i % 6 === 0).map((_, i) => 100 + Math.sin(i / 4 + (j === 3 ? 0.4 : 0)) * 10 + (j === 1 ? 4 : j === 2 ? -4 : 0)) }))])], {}, {}),
  s('xychart', 'Load against latency', [table([{ name: 'load', type: FieldType.number, values: wave(1, 40, 20) }, { name: 'latency', type: FieldType.number, values: wave(2, 90, 40), unit: 'ms', color: { mode: 'palette-classic' } }])], {}, {}),
  s('text', 'Notes', [], {}, { mode: 'markdown', content: '## On call\nRead the [runbook](/runbook) first.\n\n- one\n- **two**\n\n<span style="color:red;position:fixed" onclick="alert(1)">red</span> <a href="javascript:alert(1)">bad</a> <script>window.hacked=1</script><img src=x onerror="window.hacked=1">' }),
  s('nodeGraph', 'Services', [table([{ name: 'id', type: FieldType.string, values: ['a', 'b'] }, { name: 'value', type: FieldType.number, values: [1, 2] }])]),
  s('timeseries', 'Nothing', []),
];
export const moment = now;
