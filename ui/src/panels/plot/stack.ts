// Stacking, over aligned values.

export type Value = number | null | undefined;

export interface Layer {
  /** Layers of one group are put upon each other; undefined stands for itself. */
  group: string | undefined;
  percent: boolean;
  values: readonly Value[];
}

export interface Stacked {
  values: Value[][];
  /** For each layer the one that it stands upon, or -1. */
  below: number[];
}

/** stack adds each layer to those of its group before it. Where a layer has no value, those above it stand upon the next one down. */
export function stack(layers: readonly Layer[]): Stacked {
  const sums = new Map<string, Float64Array>();
  const totals = new Map<string, Float64Array>();
  const last = new Map<string, number>();
  const below: number[] = [];
  for (const l of layers) {
    if (l.group === undefined || !l.percent) continue;
    let total = totals.get(l.group);
    if (!total) totals.set(l.group, (total = new Float64Array(l.values.length)));
    for (let i = 0; i < l.values.length; i++) total[i]! += Math.abs(finite(l.values[i]));
  }
  const values = layers.map((l, at) => {
    if (l.group === undefined) {
      below.push(-1);
      return l.values as Value[];
    }
    let sum = sums.get(l.group);
    if (!sum) sums.set(l.group, (sum = new Float64Array(l.values.length)));
    below.push(last.get(l.group) ?? -1);
    last.set(l.group, at);
    const total = totals.get(l.group);
    return l.values.map((v, i) => {
      if (v === null || v === undefined || !Number.isFinite(v)) return v ?? null;
      const share = total ? (total[i] === 0 ? 0 : v / total[i]!) : v;
      return (sum[i]! += share);
    });
  });
  return { values, below };
}

const finite = (v: Value): number => (typeof v === 'number' && Number.isFinite(v) ? v : 0);
