/** Time that stands still until the test moves it. */
import type { Clock } from '../src/stream/clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    return this.#add(this.#now + ms, fn);
  }

  /**
   * The same time for a tab that is hidden from `sinceMs` on: its timers fire only at multiples of a minute, as
   * browsers do it.
   */
  hidden(sinceMs = 0): Clock {
    const after = (ms: number, fn: () => void): (() => void) => {
      const at = this.#now + ms;
      return this.#add(at < sinceMs ? at : Math.ceil(at / 60_000) * 60_000, fn);
    };
    return { now: () => this.#now, after };
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

  #add(at: number, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
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
