/** Which peer is asked for which block: one for each feed, over all its peers. */
import { type Deferred, deferred } from '../stream/deferred.ts';
import type { BlockStore } from './block-store.ts';
import type { FeedEvent, FeedListener } from './events.ts';
import type { Peer } from './peer.ts';
import type { Selection } from './selection.ts';

/** A wish to learn which block holds byte `bytes` of the feed. */
export interface Seek {
  readonly bytes: number;
  /** The first block that may hold it: what a peer answers with that cannot tell. */
  index: number;
}

interface Watcher {
  readonly condition: () => boolean;
  readonly outcome: Deferred<void>;
}

export class Replicator {
  readonly #store: BlockStore;
  readonly #peers = new Set<Peer>();
  readonly #selections = new Set<Selection>();
  /** Blocks that were asked for and are not stored yet, and of whom. */
  readonly #reserved = new Map<number, Peer>();
  readonly #listeners = new Set<FeedListener>();
  readonly #seeks = new Set<Seek>();
  /** Who waits for something to become true. */
  readonly #watchers = new Set<Watcher>();
  #unannounced: { index: number; from: Peer }[] = [];
  /** Somebody has selected something, beyond single blocks. */
  #wasSelected = false;
  #isUpdateDue = false;
  /** Why nothing can be stored any more. */
  #failure: { readonly error: unknown } | undefined;

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** The peers that have joined. */
  get peers(): readonly Peer[] {
    return [...this.#peers];
  }

  /** The largest length that a peer tells. */
  get remoteLength(): number {
    let length = 0;
    for (const peer of this.#peers) length = Math.max(length, peer.remoteLength);
    return length;
  }

  /** Whether there are peers and all have told what they have. */
  get isSettled(): boolean {
    for (const peer of this.#peers) if (!peer.isSettled) return false;
    return this.#peers.size > 0;
  }

  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: FeedEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // The app's error, and no reason to stop in the middle: it comes up as an unhandled rejection.
        void Promise.reject(error);
      }
    }
  }

  add(peer: Peer): void {
    this.#peers.add(peer);
  }

  remove(peer: Peer): void {
    if (!this.#peers.delete(peer)) return;
    for (const [index, askedOf] of this.#reserved) if (askedOf === peer) this.release(index, peer);
    this.emit({ type: 'peer-left', peer });
    this.update();
  }

  /** Wants blocks; what was selected first goes first, but `urgent` ones go before all others. */
  select(selection: Selection): void {
    if (this.#failure !== undefined) return selection.fail(this.#failure.error);
    this.#selections.add(selection);
    if (!selection.isUrgent) this.#wasSelected = true;
    this.update();
  }

  /** Wants them no longer. */
  deselect(selection: Selection): void {
    this.#selections.delete(selection);
    this.update();
  }

  /** When `condition` has become true, which is looked at after whatever happens. The function calls it off. */
  when(condition: () => boolean): { readonly outcome: Promise<void>; cancel(): void } {
    const watcher = { condition, outcome: deferred<void>() };
    this.#watchers.add(watcher);
    if (this.#failure !== undefined) watcher.outcome.reject(this.#failure.error);
    this.update();
    return { outcome: watcher.outcome.promise, cancel: () => void this.#watchers.delete(watcher) };
  }

  /** Asks the peers, each again when `index` has changed; the returned function calls it off. */
  seek(seek: Seek): () => void {
    this.#seeks.add(seek);
    this.update();
    return () => void this.#seeks.delete(seek);
  }

  /** A block that was asked of `peer` did not come, or was here already: others may be asked. */
  release(index: number, peer: Peer): void {
    if (this.#reserved.get(index) !== peer) return;
    this.#reserved.delete(index);
    for (const selection of this.#selections) selection.release();
  }

  /** A peer tells of blocks, the first of them `start`. */
  offered(start: number, peer: Peer): void {
    for (const selection of this.#selections) selection.offered(peer.available.blocks, start);
  }

  /** A block was verified and stored. */
  stored(index: number, bytes: number, from: Peer): void {
    this.#reserved.delete(index);
    this.emit({ type: 'download', index, bytes, peer: from });
    this.#unannounced.push({ index, from });
    // Blocks that were written together are announced together.
    if (this.#unannounced.length === 1) Promise.resolve().then(() => this.#announceStored());
  }

  /** Tells the peers of blocks that were appended here. */
  appended(start: number, length: number): void {
    this.emit({ type: 'append', start, length });
    for (const peer of this.#peers) peer.announce(start, length);
    this.update();
  }

  /** Tells the peers of blocks that are here no longer. */
  cleared(start: number, length: number): void {
    for (const peer of this.#peers) peer.retract(start, length);
  }

  /** Nothing more can be stored: the peers are of no use, and nobody waits any more. */
  fail(error: unknown): void {
    this.#stop(error);
    for (const peer of this.peers) peer.channel.session.abort(error);
  }

  /** The feed is not replicated any more; what else its sessions do goes on. */
  close(error: unknown): void {
    this.#stop(error);
    for (const peer of this.peers) peer.channel.close();
  }

  #stop(error: unknown): void {
    this.#failure ??= { error };
    for (const selection of this.#selections) selection.fail(error);
    for (const { outcome } of this.#watchers) outcome.reject(error);
    this.#selections.clear();
    this.#watchers.clear();
  }

  /** Something has changed. What follows from it is done once for all changes of this turn. */
  update(): void {
    if (this.#isUpdateDue) return;
    this.#isUpdateDue = true;
    Promise.resolve().then(() => this.#run());
  }

  /** Asks for what can be asked for, and ends what has come to its end. */
  #run(): void {
    this.#isUpdateDue = false;
    this.#complete();
    this.#ask();
    for (const peer of this.#peers) peer.settle(() => !this.#needs(peer));
    for (const watcher of this.#watchers) {
      if (!watcher.condition()) continue;
      this.#watchers.delete(watcher);
      watcher.outcome.resolve();
    }
  }

  /** Who only says nothing does not say that there is nothing. */
  get #isEndKnown(): boolean {
    return this.isSettled && this.peers.some((peer) => peer.hasTold);
  }

  #complete(): void {
    const known = Math.max(this.#store.length, this.remoteLength);
    for (const selection of this.#selections) {
      if (selection.end === undefined && !this.#isEndKnown) continue;
      if (!selection.isComplete(this.#store.blocks, known)) continue;
      if (!selection.isLasting) this.#selections.delete(selection);
      selection.complete();
    }
  }

  /** Every peer in turn gets one request more, so that the work is divided evenly. */
  #ask(): void {
    for (const seek of this.#seeks) for (const peer of this.#peers) peer.seek(seek);
    let busy = true;
    while (busy) {
      busy = false;
      for (const peer of this.#peers) {
        const index = peer.hasRoom ? this.#next(peer) : undefined;
        if (index === undefined) continue;
        this.#reserved.set(index, peer);
        peer.ask(index);
        busy = true;
      }
    }
    for (const peer of this.#peers) {
      for (const { start, end } of this.#selections) {
        const known = Math.max(peer.remoteLength, this.#store.length);
        // The first block also where nobody has told of it: who has only that one was not asked about it.
        peer.want(start, Math.max(Math.min(end ?? known, known), start + 1));
      }
    }
  }

  /** The next block to ask `peer` for. */
  #next(peer: Peer): number | undefined {
    for (const urgent of [true, false]) {
      for (const selection of this.#selections) {
        if (selection.isUrgent !== urgent) continue;
        const index = selection.next(this.#store.blocks, peer.available.blocks, this.#reserved);
        if (index !== undefined) return index;
      }
    }
    return undefined;
  }

  /**
   * Whether the peer has a block that is selected and not here, be it asked of another peer. Always where only
   * single blocks were ever asked for: who does that may want another one any time.
   */
  #needs(peer: Peer): boolean {
    if (!this.#wasSelected) return true;
    if (!peer.isUploading) return false;
    for (const selection of this.#selections) {
      if (selection.needs(this.#store.blocks, peer.available.blocks)) return true;
    }
    return this.#seeks.size > 0;
  }

  #announceStored(): void {
    const stored = this.#unannounced.sort((a, b) => a.index - b.index);
    this.#unannounced = [];
    for (const peer of this.#peers) {
      let start = -1;
      let end = -1;
      for (const { index, from } of stored) {
        if (from === peer) continue;
        if (index === end) {
          end++;
          continue;
        }
        if (start >= 0) peer.announce(start, end - start);
        start = index;
        end = index + 1;
      }
      if (start >= 0) peer.announce(start, end - start);
    }
  }
}
