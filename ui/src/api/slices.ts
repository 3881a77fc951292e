// Long work in slices, so that the page answers to the reader in between.

/** How long a slice may be, in milliseconds: with a drawing behind it, a pointer waits for less than 50. */
const slice = 12;

/** Yields to whatever the browser has waiting: input and drawing come first. */
function pause(): Promise<void> {
  const s = (globalThis as { scheduler?: { yield?: () => Promise<void> } }).scheduler;
  if (s?.yield) return s.yield();
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(undefined);
  });
}

/** Slices tells when a piece of work has taken so long that others come first. */
export class Slices {
  #since = performance.now();

  /** spent tells whether the slice is over. */
  get spent(): boolean {
    return performance.now() - this.#since > slice;
  }

  /** rest lets others in, and begins the next slice. */
  async rest(): Promise<void> {
    await pause();
    this.#since = performance.now();
  }
}
