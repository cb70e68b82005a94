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
  const { setTimeout, clearTimeout, performance = Date } = globalThis as unknown as Timers;
  return {
    now: () => performance.now(),
    after(ms, fn) {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  };
}
