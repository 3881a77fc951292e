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

/** translate gives a message in a language, with its braces filled in. */
export function translate(to: Language, message: Message, fill?: Fill): string {
  const text = message[to];
  return fill ? text.replace(/\{(\w+)\}/g, (all, name: string) => (name in fill ? String(fill[name]) : all)) : text;
}

/** useT gives the translator of the language in force. */
export function useT(): Translate {
  const l = useLanguage();
  return (message, fill) => translate(l, message, fill);
}

if (typeof document !== 'undefined') document.documentElement.lang = current;
