/** How many bytes may pass in a time, on a clock: a token bucket. */
import type { Clock } from './clock.ts';

/** Milliseconds' worth that may pass at once after a pause. Also the grain: a slow rate shows a byte this often. */
const BURST_MS = 250;
/** Bytes that are worth a timer of their own, where the rate is high. */
const MAX_GRAIN = 16_384;

export class Rate {
  readonly #clock: Clock;
  /** Bytes a millisecond; `undefined`: without limit. */
  #perMs: number | undefined;
  #tokens = 0;
  #countedAt: number;
  #wake: (() => void) | undefined;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedAt = clock.now();
  }

  /** In bytes a second; `undefined` lifts the limit. Holds from now on, also for what waits. */
  set(bytesPerSecond: number | undefined): void {
    this.#perMs = bytesPerSecond === undefined ? undefined : bytesPerSecond / 1000;
    this.#tokens = 0;
    this.#countedAt = this.#clock.now();
    this.#wake?.();
  }

  /** How many of `bytes` may pass now, at least one. A promise while none may; one at a time. */
  take(bytes: number): number | Promise<number> {
    if (this.#perMs === undefined || this.#isStopped) return bytes;
    // Time in which nothing wanted to pass counts only so far.
    const burst = this.#perMs * BURST_MS;
    if (this.#tokens < burst) this.#tokens = Math.min(burst, this.#accrued);
    this.#countedAt = this.#clock.now();
    return this.#tokens >= this.#grain(bytes) ? this.#spend(bytes) : this.#wait(bytes);
  }

  /** Looks at the time: timers may be late, and something has happened. */
  check(): void {
    this.#wake?.();
  }

  /** Nothing waits any more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #wait(bytes: number): Promise<number> {
    while (this.#perMs !== undefined && !this.#isStopped) {
      const missing = this.#grain(bytes) - this.#accrued;
      // Less than can be missing by more than rounding.
      if (missing < 1e-6) break;
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(Math.ceil(missing / this.#perMs!), resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    if (this.#perMs === undefined || this.#isStopped) return bytes;
    // All of the time that was waited for counts, however late the timer was.
    this.#tokens = this.#accrued;
    this.#countedAt = this.#clock.now();
    return this.#spend(bytes);
  }

  get #accrued(): number {
    return this.#tokens + (this.#clock.now() - this.#countedAt) * this.#perMs!;
  }

  #spend(bytes: number): number {
    const spent = Math.min(bytes, Math.max(1, Math.floor(this.#tokens + 1e-6)));
    this.#tokens -= spent;
    return spent;
  }

  #grain(bytes: number): number {
    return Math.min(bytes, Math.max(1, Math.min(MAX_GRAIN, this.#perMs! * BURST_MS)));
  }
}
