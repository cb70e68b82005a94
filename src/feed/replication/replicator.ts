/** Which peer is asked for which block: one for each feed, over all its peers. */

import { type Deferred, deferred } from '../../stream/deferred.ts';
import { Listeners } from '../../stream/listeners.ts';
import type { BlockStore } from '../block-store.ts';
import type { FeedEvent, FeedListener } from '../events.ts';
import { ForkError } from '../merkle/fork.ts';
import type { Peer } from './peer.ts';
import type { Selection } from './selection.ts';
import { Wanted } from './wanted.ts';

/** A search for the block that holds byte `bytes` of the feed. */
export interface Seek {
  readonly bytes: number;
  /** The first block that may hold it. A peer that cannot find the byte answers with this block. */
  index: number;
}

interface Watcher {
  readonly condition: () => boolean;
  readonly outcome: Deferred<void>;
}

export class Replicator {
  readonly #store: BlockStore;
  readonly #peers = new Set<Peer>();
  readonly #wanted: Wanted;
  readonly #listeners = new Listeners<FeedEvent>();
  readonly #seeks = new Set<Seek>();
  /** Who waits for something to become true. */
  readonly #watchers = new Set<Watcher>();
  #unannounced: { index: number; from: Peer }[] = [];
  #isUpdateDue = false;
  /** Peers may have to be asked what they have of the blocks that are wanted. */
  #isWantDue = false;
  /** The length, when peers were last asked. */
  #lengthThen = 0;
  /** Why nothing can be stored any more. */
  #failure: { readonly error: unknown } | undefined;

  constructor(store: BlockStore) {
    this.#store = store;
    this.#wanted = new Wanted(store);
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

  /** Whether there are peers and all have told what they have, or at least one where others stay silent. */
  get isEndKnown(): boolean {
    let hasTold = false;
    for (const peer of this.#peers) {
      if (!peer.isSettled) return false;
      // A peer that stays silent is no proof that there are no blocks.
      hasTold ||= peer.hasTold;
    }
    return hasTold;
  }

  subscribe(listener: FeedListener): () => void {
    return this.#listeners.add(listener);
  }

  emit(event: FeedEvent): void {
    this.#listeners.emit(event);
  }

  /** @throws ForkError where the feed has forked. */
  assertOne(): void {
    if (this.#failure?.error instanceof ForkError) throw this.#failure.error;
  }

  add(peer: Peer): void {
    this.#peers.add(peer);
  }

  /** The peer has opened the feed and can be asked. */
  ready(peer: Peer): void {
    this.#isWantDue = true;
    this.emit({ type: 'peer', peer });
    this.update();
  }

  remove(peer: Peer): void {
    if (!this.#peers.delete(peer)) return;
    this.#wanted.releaseAll(peer);
    this.emit({ type: 'peer-left', peer });
    this.update();
  }

  /** Wants blocks; what was selected first goes first, but an urgent one goes before all others. */
  select(selection: Selection): void {
    const { start, isUrgent } = selection;
    if (this.#failure !== undefined) return selection.fail(this.#failure.error);
    if (isUrgent && this.#store.blocks.has(start)) return selection.complete();
    this.#wanted.add(selection);
    this.#isWantDue = true;
    this.update();
  }

  /** Wants them no longer. */
  deselect(selection: Selection): void {
    this.#wanted.delete(selection);
    this.update();
  }

  /** Resolves when `condition` is true; it is checked after every change. `cancel` stops that. */
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

  /** A block came from `peer` and is being stored: nobody else is asked for it meanwhile. */
  reserve(index: number, peer: Peer): void {
    // One that has left may still have blocks to store, and brings no others.
    if (this.#peers.has(peer)) this.#wanted.reserve(index, peer);
  }

  /** A block that was asked of `peer` did not come, or was here already: others may be asked. */
  release(index: number, peer: Peer): void {
    this.#wanted.release(index, peer);
  }

  /** A peer tells of blocks, the first of them `start`. */
  offered(start: number, peer: Peer): void {
    this.#wanted.offered(start, peer);
    this.#isWantDue = true;
  }

  /** A block was verified and stored. */
  stored(index: number, bytes: number, from: Peer): void {
    this.#wanted.stored(index);
    this.emit({ type: 'download', index, bytes, peer: from });
    if (this.#peers.size === 1 && this.#peers.has(from)) return;
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
    this.#wanted.fail(error);
    for (const { outcome } of this.#watchers) outcome.reject(error);
    this.#watchers.clear();
  }

  /** Schedules one run for all changes of this turn. */
  update(): void {
    if (this.#isUpdateDue) return;
    this.#isUpdateDue = true;
    Promise.resolve().then(() => this.#run());
  }

  /** Completes selections, sends Requests and Wants, finishes peers and wakes watchers. */
  #run(): void {
    this.#isUpdateDue = false;
    this.#complete();
    this.#ask();
    this.#want();
    for (const peer of this.#peers) peer.finishIfDone(() => !this.#needs(peer));
    for (const watcher of this.#watchers) {
      if (!watcher.condition()) continue;
      this.#watchers.delete(watcher);
      watcher.outcome.resolve();
    }
  }

  #complete(): void {
    const { length, writable } = this.#store;
    const known = writable ? length : Math.max(length, this.remoteLength);
    const isEndKnown = writable || this.isEndKnown;
    for (const range of this.#wanted.ranges) {
      if (range.end === undefined && !isEndKnown) continue;
      if (!range.isComplete(this.#store.blocks, known)) continue;
      if (!range.isLasting) this.#wanted.delete(range);
      range.complete();
    }
  }

  /** Who did wrong too often is asked for what the others have no room for, or do not have. */
  #ask(): void {
    for (const seek of this.#seeks) for (const peer of this.#peers) peer.seek(seek);
    const peers = [...this.#peers];
    this.#divide(peers.filter((peer) => !peer.isDoubtful));
    this.#divide(peers.filter((peer) => peer.isDoubtful));
  }

  /** Every peer in turn gets one request more, so that the work is divided evenly. */
  #divide(peers: readonly Peer[]): void {
    const turns = peers.map((peer) => ({ peer, blocks: this.#wanted.of(peer) }));
    for (let turn = 0; turns.length > 0; ) {
      turn %= turns.length;
      const { peer, blocks } = turns[turn]!;
      const index = peer.hasRoom ? blocks.next().value : undefined;
      if (index === undefined) {
        turns.splice(turn, 1);
        continue;
      }
      this.#wanted.reserve(index, peer);
      peer.ask(index);
      turn++;
    }
  }

  /** Asks every peer what it has of what is wanted. */
  #want(): void {
    const { length } = this.#store;
    if (!this.#isWantDue && length === this.#lengthThen) return;
    this.#isWantDue = false;
    this.#lengthThen = length;
    for (const peer of this.#peers) {
      const known = Math.max(peer.remoteLength, length);
      for (const start of this.#wanted.urgent) peer.want(start, start + 1);
      // The first block also where nobody has told of it: who has only that one was not asked about it.
      for (const { start, end } of this.#wanted.ranges)
        peer.want(start, Math.max(Math.min(end ?? known, known), start + 1));
    }
  }

  /**
   * Whether the peer has a block that is selected and not here, be it asked of another peer. Always where only
   * single blocks were ever asked for: who does that may want another one any time.
   */
  #needs(peer: Peer): boolean {
    if (!this.#wanted.hadRanges) return true;
    return peer.isUploading && (this.#wanted.isThere(peer) || this.#seeks.size > 0);
  }

  #announceStored(): void {
    const stored = this.#unannounced.sort((a, b) => a.index - b.index);
    this.#unannounced = [];
    // Each peer's uploader joins blocks in a row.
    for (const peer of this.#peers) {
      for (const { index, from } of stored) if (from !== peer) peer.announce(index, 1);
    }
  }
}
