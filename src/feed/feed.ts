/// <reference lib="esnext.disposable" preserve="true" />
/** A feed: an append-only list of blocks that its key's holder signs, here in whole or in part. */

import { equals } from 'uint8arrays/equals';
import { parseKey, toHex } from '../crypto/hex.ts';
import { libsodium } from '../crypto/libsodium.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Signer } from '../crypto/signer.ts';
import { assertBytes, assertInteger, assertObject, describe, StorageError } from '../errors.ts';
import type { Channel } from '../session/channel.ts';
import { abortable } from '../stream/abortable.ts';
import type { AbortSignalLike } from '../stream/transport.ts';
import { MAX_BLOCK_BYTES } from './block-reader.ts';
import { BlockStore } from './block-store.ts';
import type { FeedListener } from './events.ts';
import { SleepFiles } from './files/sleep-files.ts';
import type {
  CreateOptions,
  Download,
  GetOptions,
  OpenOptions,
  Range,
  ReadOptions,
  SeekOptions,
  SeekResult,
} from './options.ts';
import { Peer } from './replication/peer.ts';
import { Replicator, type Seek } from './replication/replicator.ts';
import { Selection } from './replication/selection.ts';
import type { Storage } from './storage.ts';

/** Blocks that `read` asks for ahead of the one it waits for. */
const READ_AHEAD = 16;

/** A list of blocks that only the holder of its secret key can append to, and that anybody can check. */
export class Feed {
  readonly #store: BlockStore;
  readonly #replicator: Replicator;
  #closing: Promise<void> | undefined;

  private constructor(store: BlockStore, isSparse: boolean) {
    this.#store = store;
    this.#replicator = new Replicator(store);
    if (!isSparse && !store.writable) this.#replicator.select(new Selection({ start: 0, isLasting: true }));
  }

  /**
   * Makes a new feed, which this side can append to.
   * @throws StorageError `occupied` where a feed is kept there, `locked`, `foreign`, `platform`.
   */
  static async create(storage: Storage, options: CreateOptions = {}): Promise<Feed> {
    const crypto = options.crypto ?? (await libsodium());
    const { publicKey, secretKey } = options.keyPair ?? crypto.keyPair();
    assertBytes('keyPair.publicKey', publicKey, 32);
    assertBytes('keyPair.secretKey', secretKey, 64);
    if (!equals(secretKey.subarray(32), publicKey))
      throw new TypeError('"keyPair" expected two keys that belong together, got the secret key of another');
    return opening(storage, async (files) => {
      if (files.key !== undefined) {
        throw new StorageError(
          'occupied',
          `a feed is kept there already, with the key ${toHex(files.key)}: open that one, or choose another place`,
        );
      }
      await files.commit({ key: publicKey, secretKey });
      return new Feed(await BlockStore.load(files, publicKey, crypto), false);
    });
  }

  /**
   * Opens the feed that a storage holds, or begins a copy of the one with `key`, of which nothing is written
   * before its first block.
   * @throws StorageError `missing` where there is neither, `other-feed`, `locked`, `foreign`, `platform`, `damaged`
   * where this side is the writer and its files do not have all that it signed.
   */
  static async open(storage: Storage, options: OpenOptions = {}): Promise<Feed> {
    assertObject('options', options, 'as in { key }');
    const wanted = options.key === undefined ? undefined : parseKey(options.key);
    const crypto = options.crypto ?? (await libsodium());
    return opening(storage, async (files) => {
      const key = files.key ?? wanted;
      if (key === undefined) {
        throw new StorageError('missing', 'no feed is kept there: give the key of one, or create one');
      }
      if (wanted !== undefined && !equals(key, wanted)) {
        throw new StorageError(
          'other-feed',
          `the feed with key ${toHex(key)} is kept there, not ${toHex(wanted)}: choose another place`,
        );
      }
      return new Feed(await BlockStore.load(files, key, crypto), options.sparse ?? false);
    });
  }

  /** @internal The primitives that it was opened with. */
  get crypto(): CryptoProvider {
    return this.#store.crypto;
  }

  /** The public key, 32 bytes. Who has it can read the feed, and find out who else does. */
  get key(): Uint8Array {
    return this.#store.key;
  }

  /** 32 bytes; names the feed without giving its key away. */
  get discoveryKey(): Uint8Array {
    return this.#store.discoveryKey;
  }

  /** Whether its secret key is here. */
  get writable(): boolean {
    return this.#store.writable;
  }

  /**
   * Signs statements with the feed's key, where its secret key is here: to delegate an identity, to prove who
   * writes the feed. It refuses what could pass for a hash of the feed's tree.
   */
  get signer(): Signer | undefined {
    return this.#store.signer;
  }

  /** Verified length in blocks. */
  get length(): number {
    return this.#store.length;
  }

  /** Verified length in bytes, of all blocks below `length`, here or not. */
  get byteLength(): number {
    return this.#store.byteLength;
  }

  /** In blocks: the largest `remoteLength` of the connected peers; 0 without any. Not verified. */
  get remoteLength(): number {
    return this.#replicator.remoteLength;
  }

  /** The peers that replicate the feed now. */
  get peers(): readonly Peer[] {
    return this.#replicator.peers;
  }

  /** Whether a block is here; with `end`, whether all from `index` to before `end` are. */
  has(index: number, end: number = index + 1): boolean {
    assertInteger('index', index);
    assertInteger('end', end, index);
    return this.#store.blocks.nextMissing(index, end) === -1;
  }

  /** How many blocks from `start` to before `end` are here. */
  count(start = 0, end: number = Math.max(start, this.length)): number {
    assertInteger('start', start);
    assertInteger('end', end, start);
    return this.#store.blocks.count(start, end);
  }

  /**
   * Adds blocks behind the last one, all or none, and tells the peers. Returns the first one's number.
   * @throws TypeError where the feed is not writable here; RangeError for a block that could never travel.
   */
  async append(blocks: Uint8Array | readonly Uint8Array[]): Promise<number> {
    this.#assertOpen();
    if (!(blocks instanceof Uint8Array) && !Array.isArray(blocks))
      throw new TypeError(`"blocks" expected Uint8Array, or an array of them, got ${describe(blocks)}`);
    const given: readonly Uint8Array[] = blocks instanceof Uint8Array ? [blocks] : blocks;
    if (!this.writable)
      throw new TypeError('the secret key of this feed is not here, so it cannot be appended to');
    for (const block of given) {
      assertBytes('block', block);
      if (block.byteLength > MAX_BLOCK_BYTES) {
        throw new RangeError(
          `"block" expected at most ${MAX_BLOCK_BYTES} bytes, got ${block.byteLength}: a larger one fits no message, so no peer could have it`,
        );
      }
    }
    if (given.length === 0) return this.length;
    // Copies: the caller may use its buffers again before they are hashed and written.
    const batch = given.map((block) => new Uint8Array(block));
    const start = await this.#store.append(batch);
    this.#replicator.appended(start, batch.length);
    return start;
  }

  /**
   * A block's bytes. Where it is not here, waits for a peer that has it: as long as it takes, unless `wait`
   * is false or `signal` aborts. A peer may still connect.
   * @throws RangeError where it is not here and `wait` is false, or where this side is the writer.
   */
  async get(index: number, options: GetOptions = {}): Promise<Uint8Array> {
    assertInteger('index', index);
    this.#assertOpen();
    for (;;) {
      const block = await this.#store.read(index);
      if (block !== undefined) return block;
      if (options.wait === false) throw new RangeError(`block ${index} is not here`);
      if (this.writable) {
        if (index < this.length) throw clearedHere(index);
        throw new RangeError(`"index" expected less than the feed's length of ${this.length}, got ${index}`);
      }
      await this.#fetch({ start: index, end: index + 1, isUrgent: true }, options.signal);
    }
  }

  /** Downloads a range, also of a sparse feed. */
  download({ start = 0, end }: Range = {}): Download {
    assertInteger('start', start);
    if (end !== undefined) assertInteger('end', end, start);
    this.#assertOpen();
    const selection = new Selection({ start, end });
    const { length, writable } = this;
    const missing = writable ? this.#store.blocks.nextMissing(start, Math.min(end ?? length, length)) : -1;
    if (missing === -1) this.#replicator.select(selection);
    else selection.fail(clearedHere(missing));
    return {
      done: selection.done,
      cancel: () => {
        this.#replicator.deselect(selection);
        selection.fail(new Error('the download was cancelled'));
      },
    };
  }

  /**
   * The block that holds byte `byteOffset` of the feed, and where in that block. Asks the peers where the
   * tree here cannot tell.
   * @throws RangeError past the end of the feed, where no peer tells of more.
   */
  async seek(byteOffset: number, options: SeekOptions = {}): Promise<SeekResult> {
    assertInteger('byteOffset', byteOffset);
    const seek: Seek = { bytes: byteOffset, index: 0 };
    for (;;) {
      this.#assertOpen();
      const { changes } = this.#store;
      const known = this.#knownLength;
      const place = await this.#store.seek(byteOffset);
      if (place?.offset !== undefined) return { index: place.index, offset: place.offset };
      // Past the end, and nobody tells of more.
      const isPast = (): boolean =>
        place === undefined &&
        this.#knownLength === this.length &&
        (this.writable || this.#replicator.isEndKnown);
      if (isPast()) {
        throw new RangeError(
          `"byteOffset" expected less than the feed's ${this.byteLength} bytes, got ${byteOffset}`,
        );
      }
      seek.index = place?.index ?? 0;
      const stop = place === undefined ? this.#selectRoots(known) : this.#replicator.seek(seek);
      try {
        const isNews = (): boolean => this.#store.changes > changes || this.#knownLength !== known;
        await this.#when(() => isNews() || isPast(), options.signal);
      } finally {
        stop();
      }
    }
  }

  /** Wants the last block of a length, which brings its roots. hypercore 7 hangs up where it is asked for a byte past its end. */
  #selectRoots(length: number): () => void {
    if (length <= this.length) return () => {};
    const selection = new Selection({ start: length - 1, end: length, isUrgent: true });
    this.#replicator.select(selection);
    return () => this.#replicator.deselect(selection);
  }

  /**
   * The blocks in order, waiting for those that are on their way. Without `end` it goes as far as the feed
   * is known to go once all peers have told what they have; with `live` it never ends. Like `get` it waits
   * for blocks that no peer has yet.
   */
  async *read({
    start = 0,
    end,
    live = false,
    signal,
  }: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    assertInteger('start', start);
    if (end !== undefined) assertInteger('end', end, start);
    this.#assertOpen();
    const ahead = new Selection({ start, end, isLasting: true, reach: start });
    if (!this.writable) this.#replicator.select(ahead);
    try {
      for (let index = start; index < (end ?? Number.POSITIVE_INFINITY); index++) {
        ahead.reach = index + READ_AHEAD;
        this.#replicator.update();
        // What peers tell of a length is not verified, and they may leave: looked at anew for every block.
        const isPastEnd = (): boolean =>
          end === undefined && !live && index >= this.#knownLength && this.#hasAllTold;
        const isCleared = (): boolean => this.writable && index < this.length;
        await this.#when(() => this.has(index) || isPastEnd() || isCleared(), signal);
        if (isPastEnd() && !this.has(index)) return;
        yield await this.get(index, { signal });
      }
    } finally {
      this.#replicator.deselect(ahead);
    }
  }

  /** Forgets the bytes of blocks and tells the peers; the tree stays, and they can be had again. */
  async clear(start: number, end: number = start + 1): Promise<void> {
    assertInteger('start', start);
    assertInteger('end', end, start);
    this.#assertOpen();
    await this.#store.clear(start, end);
    this.#replicator.cleared(start, end - start);
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: FeedListener): () => void {
    return this.#replicator.subscribe(listener);
  }

  /**
   * Replicates over a channel that is open on this side. The channel is the feed's from then on.
   * @throws ForkError where the feed's writer has signed two histories.
   */
  join(channel: Channel): Peer {
    this.#assertOpen();
    if (!equals(channel.discoveryKey, this.discoveryKey)) {
      throw new TypeError(
        `"channel" expected one of feed ${toHex(this.discoveryKey)}, got ${toHex(channel.discoveryKey)}`,
      );
    }
    this.#replicator.assertOne();
    return new Peer(channel, this.#store, this.#replicator);
  }

  /**
   * Stops replicating, waits for what is being written, and lets go of the storage. A session ends with the
   * last feed on it. Idempotent.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#replicator.close(new Error('the feed was closed'));
      this.#closing = this.#store.close();
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new TypeError('the feed was closed: open it anew');
  }

  /** In blocks, as far as anyone tells. */
  get #knownLength(): number {
    return this.writable ? this.length : Math.max(this.length, this.remoteLength);
  }

  /** Whether the known length is all there is to know. A copy with nothing in it waits for its first peer. */
  get #hasAllTold(): boolean {
    if (this.writable) return true;
    if (this.peers.length === 0) return this.length > 0;
    return this.#replicator.isEndKnown;
  }

  async #when(condition: () => boolean, signal: AbortSignalLike | undefined): Promise<void> {
    if (condition()) return;
    const { outcome, cancel } = this.#replicator.when(condition);
    await abortable(outcome, signal).finally(cancel);
  }

  async #fetch(range: ConstructorParameters<typeof Selection>[0], signal?: AbortSignalLike): Promise<void> {
    const selection = new Selection(range);
    this.#replicator.select(selection);
    try {
      await abortable(selection.done, signal);
    } finally {
      this.#replicator.deselect(selection);
    }
  }
}

function clearedHere(block: number): RangeError {
  return new RangeError(`block ${block} was cleared, and a writer downloads nothing`);
}

/** Runs `work` on a storage's files; where it fails, lets go of them again. */
async function opening(storage: Storage, work: (files: SleepFiles) => Promise<Feed>): Promise<Feed> {
  assertStorage(storage);
  const files = new SleepFiles(storage);
  await files.open();
  try {
    return await work(files);
  } catch (error) {
    await files.close();
    throw error;
  }
}

function assertStorage(value: unknown): asserts value is Storage {
  const { open, file, close } = (value ?? {}) as Partial<Storage>;
  if ([open, file, close].every((member) => typeof member === 'function')) return;
  throw new TypeError(
    `"storage" expected the place that keeps the feed, as in memoryStorage() or nodeStorage(path), got ${describe(value)}`,
  );
}
