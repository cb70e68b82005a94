/** The blocks that somebody wants: which of them nobody was asked for yet, and which a peer could be asked for. */
import type { BlockStore } from '../block-store.ts';
import type { Peer } from './peer.ts';
import type { Selection } from './selection.ts';

export class Wanted {
  readonly #store: BlockStore;
  /** In the order in which they were selected. */
  readonly #ranges = new Set<Selection>();
  /** Single blocks that somebody waits for right now, and who does. There may be as many as the feed has. */
  readonly #urgent = new Map<number, Set<Selection>>();
  /** Those of them that nobody was asked for. */
  readonly #unasked = new Set<number>();
  /** Blocks that were asked for and are not stored yet, and of whom. */
  readonly #reserved = new Map<number, Peer>();
  #hasRanges = false;

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** Whether a range was ever selected, beyond single blocks. */
  get hadRanges(): boolean {
    return this.#hasRanges;
  }

  get ranges(): Iterable<Selection> {
    return this.#ranges;
  }

  get urgent(): Iterable<number> {
    return this.#urgent.keys();
  }

  add(selection: Selection): void {
    const { start, isUrgent } = selection;
    if (isUrgent) {
      this.#urgent.set(start, (this.#urgent.get(start) ?? new Set()).add(selection));
      if (!this.#reserved.has(start)) this.#unasked.add(start);
    } else {
      this.#ranges.add(selection);
      this.#hasRanges = true;
    }
  }

  delete(selection: Selection): void {
    const { start } = selection;
    this.#ranges.delete(selection);
    const waiting = this.#urgent.get(start);
    if (!waiting?.delete(selection) || waiting.size > 0) return;
    this.#urgent.delete(start);
    this.#unasked.delete(start);
  }

  /** A block is asked of `peer`, or came from it and is being stored. */
  reserve(index: number, peer: Peer): void {
    if (this.#reserved.has(index)) return;
    this.#reserved.set(index, peer);
    this.#unasked.delete(index);
  }

  /** A block that was asked of `peer` did not come, or was here already: others may be asked. */
  release(index: number, peer: Peer): void {
    if (this.#reserved.get(index) !== peer) return;
    this.#reserved.delete(index);
    if (this.#urgent.has(index)) this.#unasked.add(index);
    for (const range of this.#ranges) range.release();
  }

  /** Releases all that was asked of a peer. */
  releaseAll(peer: Peer): void {
    for (const [index, askedOf] of this.#reserved) if (askedOf === peer) this.release(index, peer);
  }

  /** A peer tells of blocks, the first of them `start`. */
  offered(start: number, peer: Peer): void {
    for (const range of this.#ranges) range.offered(peer.available.blocks, start);
  }

  /** A block is here: whoever waits for it is told. */
  stored(index: number): void {
    this.#reserved.delete(index);
    this.#unasked.delete(index);
    for (const selection of this.#urgent.get(index) ?? []) selection.complete();
    this.#urgent.delete(index);
  }

  /**
   * The blocks to ask `peer` for, one by one, the urgent ones first: each is to be reserved before the next is taken.
   */
  *of(peer: Peer): Generator<number, void, undefined> {
    const there = peer.available.blocks;
    for (const index of this.#unasked) if (there.has(index)) yield index;
    for (const range of this.#ranges) {
      for (;;) {
        const index = range.next(this.#store.blocks, there, this.#reserved);
        if (index === undefined) break;
        yield index;
      }
    }
  }

  /** Whether the peer has a block that is wanted and not here, be it asked of another peer. */
  isThere(peer: Peer): boolean {
    const there = peer.available.blocks;
    for (const index of this.#urgent.keys()) if (there.has(index)) return true;
    for (const range of this.#ranges) if (range.needs(this.#store.blocks, there)) return true;
    return false;
  }

  /** Nobody waits any more. */
  fail(error: unknown): void {
    for (const range of this.#ranges) range.fail(error);
    for (const waiting of this.#urgent.values()) for (const selection of waiting) selection.fail(error);
    this.#ranges.clear();
    this.#urgent.clear();
    this.#unasked.clear();
  }
}
