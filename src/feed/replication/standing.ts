/** What one peer did wrong, and what that is worth beside what it brought. */

/**
 * `wrong`: a message that cannot be meant, or was not asked for. `refused`: a block that it announced and did not
 * send. `slow`: blocks that others were asked for, since it took too long. `unproven`: a block that its proof does
 * not prove; the session ends, unless it may be a fork.
 */
export type PeerFault = 'wrong' | 'refused' | 'slow' | 'unproven';

/** How often each happened. */
export type PeerFaults = Readonly<Record<PeerFault, number>>;

/** A fault for so many blocks that were brought is no reason to prefer others. */
const BLOCKS_PER_FAULT = 16;

export class Standing {
  readonly #counts: Record<PeerFault, number> = { wrong: 0, refused: 0, slow: 0, unproven: 0 };
  #total = 0;
  /** Refusals since the last block that was new. */
  #refusals = 0;

  get faults(): PeerFaults {
    return { ...this.#counts };
  }

  get refusals(): number {
    return this.#refusals;
  }

  note(fault: PeerFault): void {
    this.#counts[fault]++;
    this.#total++;
    if (fault === 'refused') this.#refusals++;
  }

  /** A block came that was new. */
  brought(): void {
    this.#refusals = 0;
  }

  /** Whether others are asked first. `blocks`: those that came from it. */
  isDoubtful(blocks: number): boolean {
    return this.#total * BLOCKS_PER_FAULT > blocks + BLOCKS_PER_FAULT - 1;
  }
}
