/** How often something may happen: so many at once, and then so many a second. */
import { assertInteger } from '../errors.ts';
import type { Clock } from '../stream/clock.ts';

/** `burst` at once where nothing happened for a while, `perSecond` in the long run. */
export interface MessageRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** @throws TypeError, RangeError for anything but whole numbers from 1. */
export function assertRate(name: string, { perSecond, burst }: MessageRate): void {
  assertInteger(`${name}.perSecond`, perSecond, 1);
  assertInteger(`${name}.burst`, burst, 1);
}

export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: MessageRate;
  #tokens: number;
  #filledAt: number;

  constructor(clock: Clock, rate: MessageRate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAt = clock.now();
  }

  /** Whether there is a token. */
  get hasToken(): boolean {
    this.#fill();
    return this.#tokens >= 1;
  }

  /** Takes a token; false where there is none. */
  take(): boolean {
    if (!this.hasToken) return false;
    this.#tokens--;
    return true;
  }

  #fill(): void {
    const now = this.#clock.now();
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = now;
  }
}
