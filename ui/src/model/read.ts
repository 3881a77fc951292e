// Readers of JSON that nobody vouches for. They give a value of the type that
// is asked for, whatever is there, so that one wrong field costs itself only.
import type { Message } from '../i18n';
import type { Warning } from './dashboard';

export type Json = Record<string, unknown>;

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** safeKey tells whether a name of a file may become a key of an object here. */
export const safeKey = (name: string): boolean => !forbidden.has(name);

export const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);

export const object = (v: unknown): Json => (isObject(v) ? v : {});

export const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);

/** objects gives the objects of a list with their place in it. */
export const objects = (v: unknown): [Json, number][] => list(v).flatMap((x, i): [Json, number][] => (isObject(x) ? [[x, i]] : []));

export const text = (v: unknown, otherwise = ''): string => (typeof v === 'string' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : otherwise);

export const texts = (v: unknown): string[] => (Array.isArray(v) ? v : v === undefined || v === null ? [] : [v]).flatMap((x) => (typeof x === 'string' || typeof x === 'number' || typeof x === 'boolean' ? [String(x)] : []));

/** num also reads a number that a file has as a text, as old dashboards often do. */
export function num(v: unknown): number | undefined {
  if (typeof v === 'number') return Number.isFinite(v) ? v : undefined;
  if (typeof v !== 'string' || v.trim() === '') return undefined;
  const n = Number(v);
  return Number.isFinite(n) ? n : undefined;
}

export const whole = (v: unknown, least: number, most: number): number | undefined => {
  const n = num(v);
  return n === undefined ? undefined : Math.min(Math.max(Math.trunc(n), least), most);
};

export const flag = (v: unknown, otherwise = false): boolean => (typeof v === 'boolean' ? v : otherwise);

/** given leaves out what is undefined, so that it hides no default. */
export function given<T extends Json>(of: T): Partial<T> {
  return Object.fromEntries(Object.entries(of).filter(([, v]) => v !== undefined)) as Partial<T>;
}

/** Warnings gathers what was wrong, and stops at a number that anybody would read. */
export class Warnings {
  private readonly kept: Warning[] = [];
  private more = 0;

  constructor(private readonly most = 200) {}

  add(path: string, message: Message): void {
    if (this.kept.length < this.most) this.kept.push({ path: path.slice(0, 200), ...message });
    else this.more++;
  }

  all(): Warning[] {
    if (this.more === 0) return this.kept;
    return [...this.kept, { path: '', en: `and ${this.more} more warnings`, zh: `另有 ${this.more} 条警告` }];
  }
}

/** clip shortens a text of a file for a message. */
export const clip = (s: string, most = 80): string => (s.length <= most ? s : `${s.slice(0, most - 1)}…`);
