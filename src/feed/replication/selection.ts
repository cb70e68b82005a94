/** A range of blocks that somebody wants. */
import { type Deferred, deferred } from '../../stream/deferred.ts';
import type { StoredBits } from '../files/sleep-files.ts';
import type { RemoteBlocks } from './remote-blocks.ts';

const NONE: ReadonlySet<number> = new Set();

export interface SelectionOptions {
  readonly start: number;
  /** The block behind the last one; `undefined`: as far as any peer tells. */
  readonly end?: number | undefined;
  /** Somebody waits for it right now: it goes before all that is not urgent. */
  readonly isUrgent?: boolean;
  /** It stays when it is complete, for blocks still to come. */
  readonly isLasting?: boolean;
  /** Blocks from here on are not asked for yet. */
  readonly reach?: number;
}

export class Selection {
  readonly start: number;
  readonly end: number | undefined;
  readonly isUrgent: boolean;
  readonly isLasting: boolean;
  reach: number;
  readonly #done: Deferred<void> = deferred();
  /** Everything before is here. */
  #complete: number;
  /** By peer: before it is nothing to ask that peer for. Spares looking through the same blocks again. */
  #searched = new WeakMap<RemoteBlocks, number>();

  constructor({
    start,
    end,
    isUrgent = false,
    isLasting = false,
    reach = Number.POSITIVE_INFINITY,
  }: SelectionOptions) {
    this.start = start;
    this.end = end;
    this.isUrgent = isUrgent;
    this.isLasting = isLasting;
    this.reach = reach;
    this.#complete = start;
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
    const from = Math.max(this.#complete, this.#searched.get(there) ?? this.start);
    const { block, isFound } = this.#search(from, this.reach, here, there, reserved);
    this.#searched.set(there, block);
    return isFound ? block : undefined;
  }

  /** Whether the peer has a block of it that is not here, asked for or not. */
  needs(here: StoredBits, there: RemoteBlocks): boolean {
    return this.#search(this.#complete, Number.POSITIVE_INFINITY, here, there, NONE).isFound;
  }

  #search(
    from: number,
    to: number,
    here: StoredBits,
    there: RemoteBlocks,
    reserved: { has(block: number): boolean },
  ): { readonly block: number; readonly isFound: boolean } {
    const end = Math.min(this.end ?? to, to, there.length);
    let block = from;
    while (block < end) {
      const missing = here.nextMissing(block, end);
      if (missing === -1) return { block: end, isFound: false };
      const offered = there.next(missing, end);
      if (offered === -1) return { block: end, isFound: false };
      if (offered === missing && !reserved.has(missing)) return { block: missing, isFound: true };
      // Asked for already, or not there: the search goes on behind it.
      block = offered === missing ? missing + 1 : offered;
    }
    return { block, isFound: false };
  }

  /** A block that was asked for can be asked for again. */
  release(): void {
    this.#searched = new WeakMap();
  }

  /** A peer tells of blocks, the first of them `block`. */
  offered(there: RemoteBlocks, block: number): void {
    const searched = this.#searched.get(there);
    if (searched !== undefined && block < searched) this.#searched.set(there, block);
  }

  complete(): void {
    this.#done.resolve();
  }

  fail(error: unknown): void {
    this.#done.reject(error);
  }
}
