/** When to dial again, and when not to. */
import { ProtocolError, type ProtocolErrorCode } from '../errors.ts';

/** Milliseconds before the first new attempt, at most; each further one may wait twice as long. */
const FIRST_MS = 500;
const MAX_MS = 30_000;
/** Milliseconds after which a connection counts as one that worked. */
const STEADY_MS = 10_000;

/** Faults after which the same peer would only answer the same again. */
const finalCodes: ReadonlySet<ProtocolErrorCode> = new Set<ProtocolErrorCode>([
  'dialect',
  'encryption',
  'echo',
  'wrong-feed',
  'unknown-feed',
  'no-feed',
  'verification',
  'fork',
]);

/**
 * Whether dialing the same peer again can help. A connection that was cut or garbled may work the next time. What
 * the peer said that is wrong in itself stays wrong, and what this machine failed at is not the peer's to mend.
 */
export function worthAnotherTry(error: unknown): boolean {
  return error instanceof ProtocolError && !finalCodes.has(error.code);
}

/** Exponential, with full jitter, so that the peers of one that went away do not all come back at once. */
export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Attempts since the last connection that worked. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Counts an attempt; the milliseconds to wait before it. */
  next(): number {
    const most = Math.min(FIRST_MS * 2 ** this.#attempts, MAX_MS);
    this.#attempts++;
    return Math.round(this.#random() * most);
  }

  /** A connection has ended that stood for `ms` and over which so many blocks went: if it worked, counts anew. */
  stood(ms: number, blocks: number): void {
    if (blocks > 0 || ms >= STEADY_MS) this.reset();
  }

  reset(): void {
    this.#attempts = 0;
  }
}
