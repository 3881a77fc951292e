// Requests of panels: equal ones share an answer, few are in flight, and what
// nobody waits for any more is aborted.

export interface Asked<T> {
  answer: Promise<T>;
  /** Says that the asker needs the answer no longer. */
  release: () => void;
}

interface Entry<T> {
  answer: Promise<T>;
  users: number;
  controller: AbortController;
}

export class Requests<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(
    /** How many may be in flight at once. */
    private readonly most = 6,
  ) {}

  /** size is how many answers are held or awaited. */
  get size(): number {
    return this.#entries.size;
  }

  /** ask gives the answer of an equal request that somebody still uses, or sends one when its turn has come. */
  ask(key: string, send: (signal: AbortSignal) => Promise<T>): Asked<T> {
    let entry = this.#entries.get(key);
    if (!entry) {
      const controller = new AbortController();
      entry = { users: 0, controller, answer: this.#inTurn(send, controller.signal) };
      // Whoever has let go does not read the failure.
      entry.answer.catch(() => {});
      this.#entries.set(key, entry);
    }
    const held = entry;
    held.users++;
    let released = false;
    return {
      answer: held.answer,
      release: () => {
        if (released) return;
        released = true;
        if (--held.users > 0) return;
        if (this.#entries.get(key) === held) this.#entries.delete(key);
        held.controller.abort();
      },
    };
  }

  async #inTurn(send: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#running >= this.most) {
      await new Promise<void>((go, stop) => {
        const mine = (): void => {
          signal.removeEventListener('abort', left);
          go();
        };
        const left = (): void => {
          const i = this.#waiting.indexOf(mine);
          if (i >= 0) this.#waiting.splice(i, 1);
          stop(new DOMException('Nobody waits for it.', 'AbortError'));
        };
        signal.addEventListener('abort', left, { once: true });
        this.#waiting.push(mine);
      });
    } else {
      this.#running++;
    }
    try {
      signal.throwIfAborted();
      return await send(signal);
    } finally {
      // The place goes to the one that has waited longest.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
