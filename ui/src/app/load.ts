import { prefix } from './base';

/** What can stop a module from being loaded: no answer, or an answer without it. */
export type Loss = 'silent' | 'gone';

/** isLoss tells whether an error is of a module or its styles that could not be loaded. The words are those of Chromium, Firefox, Safari and Vite. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|importing a module script|module script failed|preload CSS/i.test(error.message);
}

/** answers tells whether the server is there. */
export async function answers(ask: typeof fetch = fetch): Promise<boolean> {
  try {
    return (await ask(`${prefix}/-/ready`, { cache: 'no-store', signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

/** How long a page that was loaded anew for a module stays as it is, in milliseconds: a module that is still missing then is missing for good. */
const once = 60_000;
const key = 'touchline.loaded-anew';

/** loadAnew loads the page again, because the server has other modules than this page knows; at most once a minute, and it says whether it did. */
export function loadAnew(store: Pick<Storage, 'getItem' | 'setItem'> = sessionStorage, reload = () => window.location.reload(), now = Date.now()): boolean {
  if (now - Number(store.getItem(key) ?? 0) < once) return false;
  store.setItem(key, String(now));
  reload();
  return true;
}

export interface Loader<T> {
  /** What was loaded. */
  value: T | undefined;
  /** Why the last attempt failed. */
  error: unknown;
  /** Tries, or waits for the attempt under way; it never rejects. */
  load: () => Promise<void>;
}

/** loader loads once, however often it is asked, and again after a failure. */
export function loader<T>(get: () => Promise<T>): Loader<T> {
  let running: Promise<void> | undefined;
  const l: Loader<T> = {
    value: undefined,
    error: undefined,
    load: () =>
      (running ??= get()
        .then((v) => { l.value = v; l.error = undefined; }, (e: unknown) => { l.error = e; running = undefined; })),
  };
  return l;
}

/** recover is one look after a loss: it loads where the server answers, and the whole page where it answers and the module is not there. */
export async function recover(l: Loader<unknown>, there: () => Promise<boolean> = answers, anew: () => unknown = loadAnew): Promise<Loss | undefined> {
  if (!(await there())) return 'silent';
  // Styles that failed are not asked for again by a second import.
  const styles = l.error instanceof Error && /CSS/.test(l.error.message);
  if (!styles) await l.load();
  if (l.value !== undefined) return undefined;
  anew();
  return 'gone';
}
