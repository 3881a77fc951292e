import { useEffect, useSyncExternalStore } from 'react';

import { language, useLanguage } from '.';

/** Something that only readers of Chinese need, and that is loaded for them alone. */
export interface Late<T> {
  /** In Chinese, once it has come; undefined before, and in English. */
  use: () => T | undefined;
  /** Waits for it where the language is Chinese, so that nothing is shown in English first. It never fails. */
  ready: () => Promise<T | undefined>;
}

/** inChinese loads something when it is first asked for in Chinese. What cannot be loaded is asked for again by the next who needs it. */
export function inChinese<T>(load: () => Promise<T>): Late<T> {
  let there: T | undefined;
  let asked: Promise<T | undefined> | undefined;
  const listeners = new Set<() => void>();
  const subscribe = (f: () => void): (() => void) => {
    listeners.add(f);
    return () => listeners.delete(f);
  };
  const ask = (): Promise<T | undefined> => {
    asked ??= load().then(
      (x) => {
        there = x;
        listeners.forEach((f) => f());
        return x;
      },
      () => { asked = undefined; return undefined; }, // English is read, too
    );
    return asked;
  };
  const get = (): T | undefined => there;
  return {
    use: () => {
      const chinese = useLanguage() === 'zh';
      const x = useSyncExternalStore(subscribe, get);
      useEffect(() => {
        if (chinese) void ask();
      }, [chinese]);
      return chinese ? x : undefined;
    },
    ready: async () => (language() === 'zh' ? ask() : undefined),
  };
}
