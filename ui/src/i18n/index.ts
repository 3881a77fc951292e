import { useSyncExternalStore } from 'react';

export type Language = 'en' | 'zh';

/** A text in each language. Names in braces are filled in by the second argument of the translator. */
export interface Message {
  en: string;
  zh: string;
}

export type Fill = Record<string, string | number>;
export type Translate = (message: Message, fill?: Fill) => string;

const key = 'touchline.language';

function initial(): Language {
  const kept = stored();
  if (kept) return kept;
  return (navigator.languages ?? [navigator.language]).find((l) => /^(en|zh)\b/i.test(l))?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function stored(): Language | undefined {
  try {
    const v = localStorage.getItem(key);
    return v === 'en' || v === 'zh' ? v : undefined;
  } catch {
    return undefined; // storage that is forbidden: the browser's language does
  }
}

let current: Language = initial();
const listeners = new Set<() => void>();

export function language(): Language {
  return current;
}

export function setLanguage(to: Language): void {
  current = to;
  document.documentElement.lang = to;
  try {
    localStorage.setItem(key, to);
  } catch {
    // It holds until the page is left.
  }
  listeners.forEach((f) => f());
}

export function useLanguage(): Language {
  return useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    language,
  );
}

const same = new Set(['series', 'is', 'has', 'was', 'ms', 'less', 'this', 'its', 'as', 'us']);

function singular(word: string): string {
  if (word === 'times') return 'time';
  if (same.has(word) || word.endsWith('ss')) return word;
  return word.endsWith('ies') ? `${word.slice(0, -3)}y` : /(ch|sh|x|ss)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
}

const verbs: Record<string, string> = { ' are': ' is', ' have': ' has', ' were': ' was' };

/** one writes "{n} panels are" for one. Chinese has one form for all numbers. */
const one = (text: string, fill: Fill): string =>
  text.replace(/\{(\w+)\} ([a-z]+s)\b( are\b| have\b| were\b)?/g, (all, name: string, word: string, verb?: string) => (String(fill[name]) === '1' ? `{${name}} ${singular(word)}${verb ? verbs[verb]! : ''}` : all));

/** translate gives a message in a language, with its braces filled in. */
export function translate(to: Language, message: Message, fill?: Fill): string {
  const text = to === 'en' && fill ? one(message.en, fill) : message[to];
  return fill ? text.replace(/\{(\w+)\}/g, (all, name: string) => (name in fill ? String(fill[name]) : all)) : text;
}

/** useT gives the translator of the language in force. */
export function useT(): Translate {
  const l = useLanguage();
  return (message, fill) => translate(l, message, fill);
}

if (typeof document !== 'undefined') document.documentElement.lang = current;
