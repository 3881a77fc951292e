// Made-up frames with the display processors that a pipeline would have put on them.
import { applyFieldOverrides, createDataFrame, type DataFrame, type FieldConfigSource, FieldType } from '@grafana/data';

import { registryFor } from '../../src/grafana/registry';
import { themes, type Mode } from '../../src/grafana/theme';

export const now = Date.UTC(2026, 4, 12, 10, 0);
export const range = { from: now - 36e5, to: now };
const n = 181;
const times = Array.from({ length: n }, (_, i) => range.from + i * 20_000);

function noise(seed: number): () => number {
  let s = seed * 2654435761 % 4294967296;
  return () => ((s = (s * 1664525 + 1013904223) % 4294967296) / 4294967296);
}

export function wave(seed: number, level: number, swing: number): number[] {
  const r = noise(seed + 1);
  return times.map((_, i) => Math.max(0, level + Math.sin(i / 18 + seed) * swing + (r() - 0.5) * swing * 0.7));
}

export const line = (name: string, values: (number | null)[], labels: Record<string, string> = {}): DataFrame =>
  createDataFrame({ refId: 'A', fields: [{ name: 'Time', type: FieldType.time, values: times, config: { interval: 20_000 } }, { name: 'Value', type: FieldType.number, values, labels, config: { displayNameFromDS: name } }] });

export const table = (fields: { name: string; values: unknown[]; type: FieldType; custom?: Record<string, unknown>; unit?: string; [k: string]: unknown }[]): DataFrame =>
  createDataFrame({ fields: fields.map(({ name, values, type, custom, ...config }) => ({ name, type, values, config: { ...config, custom } })) });

export { times };

export function processed(frames: DataFrame[], fieldConfig: FieldConfigSource, mode: Mode): DataFrame[] {
  return applyFieldOverrides({ data: frames, fieldConfig, replaceVariables: (s) => s ?? '', theme: themes[mode], timeZone: 'utc', fieldConfigRegistry: registryFor(fieldConfig) });
}
