/** When a member says something of itself: at once where it is new, not too often, and again before it is missed. */
import type { Clock } from '../../stream/clock.ts';

/** Between two words of one member, where the room is small. */
const SMALL_MS = 5000;
/** More for each member, so that all together say no more than 40 things a second. */
const MEMBER_MS = 25;
/** Less than half the two minutes for which a message is fresh. */
const LARGE_MS = 45_000;
/** Two words may be lost. */
const TTL_INTERVALS = 3;
/** A cursor that moves is told of 20 times a second. */
const UPDATE_MS = 50;

/** How often a member says something in a room of so many: milliseconds. */
export function interval(members: number): number {
  return Math.min(LARGE_MS, Math.max(SMALL_MS, members * MEMBER_MS));
}

/** For how long it counts as present: milliseconds. */
export function ttl(members: number): number {
  return TTL_INTERVALS * interval(members);
}

export class Heartbeat {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #speak: () => void;
  #cancel: (() => void) | undefined;
  #isDue = false;
  #spokenAt: number = Number.NEGATIVE_INFINITY;

  /** `speak` is called when it is time; `random` gives numbers from 0 to 1. */
  constructor(clock: Clock, random: () => number, speak: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#speak = speak;
  }

  /** There is news that was not said yet. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** There is news: now, or as soon as the last word is old enough. */
  update(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const waitMs = this.#spokenAt + UPDATE_MS - this.#clock.now();
    if (waitMs > 0) this.#arm(waitMs);
    else this.#beat();
  }

  /** Something was said, in a room of so many: the next is due in about an interval. */
  spoken(members: number): void {
    this.#isDue = false;
    this.#spokenAt = this.#clock.now();
    // Those that came at once do not all speak at once.
    this.#arm(interval(members) * (0.75 + 0.5 * this.#random()));
  }

  /** No timer is left behind. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isDue = false;
  }

  #arm(ms: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(ms, () => this.#beat());
  }

  #beat(): void {
    this.stop();
    this.#speak();
  }
}
