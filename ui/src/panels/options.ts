// Options are what somebody's JSON says: each is read with the type that it must have.

type Bag = Record<string, unknown> | undefined | null;

export function bag(of: unknown, name: string): Record<string, unknown> {
  const v = (of as Bag)?.[name];
  return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {};
}

export function text(of: unknown, name: string, otherwise = ''): string {
  const v = (of as Bag)?.[name];
  return typeof v === 'string' ? v : otherwise;
}

export function num(of: unknown, name: string): number | undefined {
  const v = (of as Bag)?.[name];
  if (typeof v === 'number' && Number.isFinite(v)) return v;
  return typeof v === 'string' && v.trim() !== '' && Number.isFinite(Number(v)) ? Number(v) : undefined;
}

export function flag(of: unknown, name: string, otherwise = false): boolean {
  const v = (of as Bag)?.[name];
  return typeof v === 'boolean' ? v : otherwise;
}

export function texts(of: unknown, name: string): string[] {
  const v = (of as Bag)?.[name];
  return Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string') : [];
}

export function choice<T extends string>(of: unknown, name: string, allowed: readonly T[], otherwise: T): T {
  const v = (of as Bag)?.[name];
  return allowed.includes(v as T) ? (v as T) : otherwise;
}
