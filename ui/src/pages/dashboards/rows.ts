// Which rows were opened or closed by hand, in the address: 12,-15 has row 12 opened and row 15 closed.

/** readRows takes them out of the address. */
export function readRows(value: unknown): ReadonlyMap<string, boolean> {
  // A router reads a single one as a number.
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
  const out = new Map<string, boolean>();
  for (const part of text.split(',')) {
    const closed = part.startsWith('-');
    let key = closed ? part.slice(1) : part;
    try {
      key = decodeURIComponent(key);
    } catch {
      continue; // cut off by whoever passed the address on
    }
    if (key !== '') out.set(key, !closed);
  }
  return out;
}

/** writeRows is what the address has of them, undefined for nothing. */
export function writeRows(rows: ReadonlyMap<string, boolean>): string | undefined {
  const parts = [...rows].map(([key, open]) => (open ? '' : '-') + encodeURIComponent(key));
  return parts.length === 0 ? undefined : parts.join(',');
}
