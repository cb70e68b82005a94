/** Time that stands still until the test moves it. */
import type { Clock } from '../src/stream/clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();
  readonly #everyMs: number;

  /** `everyMs`: timers fire only at multiples of it, as a browser does to a hidden tab, which gets one minute. */
  constructor({ everyMs = 0 } = {}) {
    this.#everyMs = everyMs;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const at = this.#now + ms;
    const timer = { at: this.#everyMs === 0 ? at : Math.ceil(at / this.#everyMs) * this.#everyMs, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that were not called yet, nor called off. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on, and calls what falls due on the way, each at its own time and once all else has settled. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      this.#fire(next);
    }
    this.#now = end;
    await settle();
  }

  /**
   * The program stands still for so long, as when the machine sleeps: then all that has fallen due is called
   * at once, before anything else goes on.
   */
  sleep(ms: number): void {
    this.#now += ms;
    for (let next = this.#next(); next !== undefined && next.at <= this.#now; next = this.#next())
      this.#fire(next);
  }

  #next(): Timer | undefined {
    return [...this.#timers].sort((a, b) => a.at - b.at)[0];
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    timer.fn();
  }
}

/** Resolves once everything that can go on without time or the outside world has done so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
