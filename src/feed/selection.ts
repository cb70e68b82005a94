/** A range of blocks that somebody wants. */
import { type Deferred, deferred } from '../stream/deferred.ts';
import type { RemoteBlocks } from './remote-blocks.ts';
import type { StoredBits } from './sleep.ts';

export interface SelectionOptions {
  readonly start: number;
  /** The block behind the last one; `undefined`: as far as any peer tells. */
  readonly end?: number | undefined;
  /** Somebody waits for it right now: it goes before all that is not urgent. */
  readonly isUrgent?: boolean;
  /** It stays when it is complete, for blocks still to come. */
  readonly isLasting?: boolean;
}

export class Selection {
  readonly start: number;
  readonly end: number | undefined;
  readonly isUrgent: boolean;
  readonly isLasting: boolean;
  readonly #done: Deferred<void> = deferred();
  /** Everything before is here. */
  #complete: number;
  /** Everything before is here or asked for. */
  #asked: number;

  constructor({ start, end, isUrgent = false, isLasting = false }: SelectionOptions) {
    this.start = start;
    this.end = end;
    this.isUrgent = isUrgent;
    this.isLasting = isLasting;
    this.#complete = start;
    this.#asked = start;
  }

  /** Resolves when all of it is here; rejects where that cannot be any more. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Whether all of it is here. `known`: the largest length that anyone tells, where `end` does not say. */
  isComplete(here: StoredBits, known: number): boolean {
    const end = this.end ?? known;
    if (this.#complete >= end) return true;
    const missing = here.nextMissing(this.#complete, end);
    this.#complete = missing === -1 ? end : missing;
    return missing === -1;
  }

  /** The first block of it that is not here, that nobody was asked for, and that the peer has. */
  next(here: StoredBits, there: RemoteBlocks, reserved: { has(block: number): boolean }): number | undefined {
    const end = Math.min(this.end ?? Number.POSITIVE_INFINITY, there.length);
    let block = Math.max(this.#asked, this.#complete);
    while (block < end) {
      const missing = here.nextMissing(block, end);
      if (missing === -1) return undefined;
      if (missing > block && block === this.#asked) this.#asked = missing;
      block = missing;
      if (reserved.has(block)) {
        if (block === this.#asked) this.#asked++;
        block++;
        continue;
      }
      const offered = there.next(block, end);
      if (offered === block) return block;
      if (offered === -1) return undefined;
      block = offered;
    }
    return undefined;
  }

  /** A block that was asked for can be asked for again. */
  release(block: number): void {
    if (block >= this.start) this.#asked = Math.min(this.#asked, block);
  }

  complete(): void {
    this.#done.resolve();
  }

  fail(error: unknown): void {
    this.#done.reject(error);
  }
}
