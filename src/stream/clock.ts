/** Time as a dependency, so that tests and simulations can bring their own. */

/** Milliseconds from an arbitrary start, and a call after some of them. */
export interface Clock {
  now(): number;
  /** Calls `fn` once after `ms`; the returned function cancels it. */
  after(ms: number, fn: () => void): () => void;
}

interface Timers {
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  performance?: { now(): number };
}

/** The platform's own clock. The globals are read here, not when this module is loaded. */
export function systemClock(): Clock {
  return new SystemClock(globalThis as unknown as Timers);
}

/** The longest that a timer of the platform waits, some 24 days. One that is to wait longer fires at once. */
const MAX_MS = 2 ** 31 - 1;

/** Every session has one, so its methods are shared. */
class SystemClock implements Clock {
  readonly #set: Timers['setTimeout'];
  readonly #clear: Timers['clearTimeout'];
  readonly #time: { now(): number };

  constructor({ setTimeout, clearTimeout, performance = Date }: Timers) {
    this.#set = setTimeout;
    this.#clear = clearTimeout;
    this.#time = performance;
  }

  now(): number {
    return this.#time.now();
  }

  after(ms: number, fn: () => void): () => void {
    // Not as methods: a browser's want to be called on nothing else.
    const [setTimeout, clearTimeout] = [this.#set, this.#clear];
    if (ms > MAX_MS) return this.#afterParts(ms, fn);
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  }

  #afterParts(ms: number, fn: () => void): () => void {
    let cancel = this.after(MAX_MS, () => {
      cancel = this.after(ms - MAX_MS, fn);
    });
    return () => cancel();
  }
}
