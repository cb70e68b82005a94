/**
 * A feed in hypercore 7's files (DEP-0002, "SLEEP"): tree, signatures and bitfield behind a header each, data,
 * key and secret key bare. What is read and what is written, and in which order, so that a crash at any moment
 * leaves whole blocks and loses none that was reported stored.
 */
import { StorageError } from '../../errors.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import * as flat from '../merkle/flat-tree.ts';
import type { TreeNode } from '../merkle/hash.ts';
import type { FileName, Storage } from '../storage.ts';
import { bitWrites, nodeBits, pageBits } from './bit-writes.ts';
import { Bitfield } from './bitfield.ts';
import {
  assertCommit,
  type Commit,
  joined,
  keepable,
  merge,
  newRoots,
  nodeOffset,
  nodePieces,
  type Piece,
  parseNode,
  runs,
  signatureOffset,
} from './commit.ts';
import { HEADER_BYTES, type HeadedFile, header, NODE_BYTES, SIGNATURE_BYTES } from './header.ts';
import { dropNodes, dropPast, dropUnproven, load } from './load.ts';
import { shortened, storedLength } from './stored-length.ts';
import { TreeFile } from './tree-file.ts';

export type { Commit } from './commit.ts';

/** Which blocks and nodes are stored, to look at. */
export type StoredBits = Omit<Bitfield, 'add' | 'remove' | 'addNode' | 'removeNode' | 'load' | 'clean'>;

const headed: readonly HeadedFile[] = ['tree', 'signatures', 'bitfield'];

interface Waiting {
  readonly commit: Commit;
  resolve(): void;
  reject(error: unknown): void;
}

/** The files of one feed in one storage. Opening and reading never write to them. */
export class SleepFiles {
  readonly #storage: Storage;
  readonly #tree: TreeFile;
  /** The files whose header was found. */
  #headers: readonly HeadedFile[] = [];
  /** Whether all headers, and the keys that were found, are on the disk for certain. */
  #isSettled = false;
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new';
  #closing: Promise<void> | undefined;
  #bits = new Bitfield();
  #key: Uint8Array | undefined;
  /** The stored key, or the one that the first commit named. */
  #expectedKey: Uint8Array | undefined;
  #secretKey: Uint8Array | undefined;
  #failure: unknown;
  /** The new roots of a commit whose bits may be on the disk, and are not in memory. */
  #leftRoots: readonly number[] = [];

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#tree = new TreeFile(storage);
  }

  /** The key of the feed that is stored, 32 bytes; undefined where none is. */
  get key(): Uint8Array | undefined {
    return this.#key;
  }

  /** 64 bytes, where the feed is ours to write. */
  get secretKey(): Uint8Array | undefined {
    return this.#secretKey;
  }

  /** Why a commit failed, if one ever did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Which blocks and nodes are stored. A bit is set once its bytes are on the disk. */
  get bitfield(): StoredBits {
    return this.#bits;
  }

  /**
   * Takes hold of the storage and reads what it has. Writes nothing. To be called once.
   *
   * @throws StorageError `locked`, `foreign` where the files are not those of a hypercore 7 feed, `damaged` where
   * those of a writer do not have all that was signed, `platform`
   */
  async open(): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('"open" expected a new SleepFiles, got one opened before');
    this.#state = 'open';
    await this.#storage.open();
    try {
      await this.#load();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * How many blocks the feed has by what is stored: the longest length whose full roots are all there and, but
   * for a static feed, its signature. 0 for an empty place.
   *
   * @param limit the longest length to look for
   */
  async findLength(limit?: number): Promise<number> {
    return storedLength({
      bits: this.#bits,
      signatures: await this.signaturePlaces(),
      limit,
      isWritable: this.#secretKey !== undefined,
      readSignature: (length) => this.readSignature(length),
      readNode: (index) => this.readNode(index),
    });
  }

  /** The longest length that has a place in the file of signatures; 0 for a static feed. */
  async signaturePlaces(): Promise<number> {
    const size = await this.#storage.file('signatures').size();
    return Math.max(0, Math.floor((size - HEADER_BYTES) / SIGNATURE_BYTES));
  }

  /** What the tree file has in a node's place, held or not; undefined for zeros. */
  async storedNode(index: number): Promise<TreeNode | undefined> {
    this.#assertOpen();
    return parseNode(index, await this.#storage.file('tree').read(nodeOffset(index), NODE_BYTES));
  }

  /** A tree node, or undefined where it is not held. Hot ones are answered at once. The node is not to be changed. */
  readNode(index: number): MaybePromise<TreeNode | undefined> {
    this.#assertOpen();
    return this.#tree.read(index, this.#bits);
  }

  /** As {@link readNode}, where its neighbours will be asked for too: they are read along. */
  readWithPage(index: number): MaybePromise<TreeNode | undefined> {
    this.#assertOpen();
    return this.#tree.readWithPage(index, this.#bits);
  }

  /** Tree nodes, in the order asked for. */
  readNodes(indices: readonly number[]): MaybePromise<(TreeNode | undefined)[]> {
    this.#assertOpen();
    return this.#tree.readAll(indices, this.#bits);
  }

  /** The signature (64 bytes) over the feed at `length`, or undefined where none is stored. */
  readSignature(length: number): MaybePromise<Uint8Array | undefined> {
    this.#assertOpen();
    if (length === 0) return undefined;
    const known = (bytes: Uint8Array) => (bytes.every((byte) => byte === 0) ? undefined : bytes);
    const bytes = this.#storage.file('signatures').read(signatureOffset(length), SIGNATURE_BYTES);
    return after(bytes, known);
  }

  /** `length` bytes of the feed from `offset`, the caller's to keep. Worth nothing where no block is held. */
  readData(offset: number, length: number): MaybePromise<Uint8Array> {
    this.#assertOpen();
    return this.#storage.file('data').read(offset, length);
  }

  /** As {@link readData}, for bytes that are only looked at. */
  viewData(offset: number, length: number): MaybePromise<Uint8Array> {
    this.#assertOpen();
    const file = this.#storage.file('data');
    return file.view === undefined ? file.read(offset, length) : file.view(offset, length);
  }

  /** In bytes: how far the blocks reach that were ever written. */
  dataSize(): MaybePromise<number> {
    this.#assertOpen();
    return this.#storage.file('data').size();
  }

  /**
   * Stores all of it; done once it would survive a loss of power. If it fails, nothing of it is reported as
   * held, it can be tried again, and so do those that wait behind it. Commits take effect in the order of the calls; those that wait while
   * another is being written go to the disk as one, so a commit for each block is no waste.
   *
   * @throws StorageError `platform`, `locked`, or `other-feed` when another feed's key is stored
   */
  async commit(commit: Commit): Promise<void> {
    this.#assertOpen(false);
    assertCommit(commit);
    this.#expectedKey ??= this.#key ?? commit.key?.slice();
    if (this.#expectedKey === undefined) throw new TypeError('"key" expected in the first commit');
    if (commit.key?.some((byte, i) => byte !== this.#expectedKey?.[i])) {
      throw new StorageError(
        'other-feed',
        'Another feed is stored here. It was left as it is; name another folder.',
      );
    }
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ commit, resolve, reject }));
    this.#writing ??= this.#writeAll();
    await done;
  }

  /** Waits for the commits under way, then lets go of the storage. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const wasOpen = this.#state === 'open';
    this.#state = 'closing';
    await this.#writing;
    this.#state = 'closed';
    if (wasOpen) await this.#storage.close();
  }

  /** Commits under way may still read while the files are closing. */
  #assertOpen(closing = true): void {
    if (this.#state === 'open' || (closing && this.#state === 'closing')) return;
    throw new TypeError(`"SleepFiles" expected to be open, got ${this.#state}`);
  }

  async #load(): Promise<void> {
    const loaded = await load(this.#storage);
    this.#key = loaded.key;
    this.#secretKey = loaded.secretKey;
    this.#bits = loaded.bits;
    this.#headers = loaded.headers;
    const { bits, nodePlaces } = loaded;
    const isCut = bits.lastNode(flat.MAX_NODE) >= nodePlaces;
    // A reader gets it again. A half node would look whole once the file has grown over it.
    if (isCut && this.#secretKey !== undefined) throw shortened('tree');
    if (isCut) dropNodes(bits, nodePlaces);
    const length = await this.findLength();
    dropPast(bits, length);
    if (isCut) dropUnproven(bits, length, nodePlaces);
  }

  async #writeAll(): Promise<void> {
    // One turn later: what the caller commits in the same breath goes along.
    await undefined;
    while (this.#waiting.length > 0) {
      // Blocks stored after a clear are to stay, so the clear is the last of those taken together.
      const clears = this.#waiting.findIndex(({ commit }) => commit.clear !== undefined);
      const batch = this.#waiting.splice(0, clears === -1 ? this.#waiting.length : clears + 1);
      try {
        await this.#write(merge(batch.map(({ commit }) => commit)));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // Those that wait may build on what was not written.
        this.#failure = error;
        for (const { reject } of batch.concat(this.#waiting.splice(0))) reject(error);
      }
    }
    this.#writing = undefined;
  }

  async #write(commit: Commit): Promise<void> {
    const { key, secretKey, nodes = [], clear = [] } = commit;
    await this.#writeLeft();
    await this.#writeBytes(commit);
    this.#key ??= key?.slice();
    this.#secretKey ??= secretKey?.slice();

    const isCleared = (block: number) => clear.some(([start, end]) => block >= start && block < end);
    const newBlocks = (commit.blocks ?? []).filter((block) => !this.#bits.has(block) && !isCleared(block));
    const newNodes = nodes.filter(({ index }) => !this.#bits.hasNode(index));
    const roots = newRoots(newNodes, commit.signatures);
    const writes = bitWrites(this.#bits, newBlocks, newNodes, roots, clear);
    this.#leftRoots = roots;
    for (const pieces of writes) await this.#put('bitfield', joined(pieces), true);
    this.#leftRoots = [];

    for (const [start, length] of runs(newBlocks)) this.#bits.add(start, length);
    for (const { index } of newNodes) this.#bits.addNode(index);
    this.#bits.clean();
    this.#tree.written(nodes);
    for (const [start, end] of clear) await this.#discard(start, end);
  }

  /**
   * A commit that failed, or a crash, may have left bits on the disk that are not in memory. They go before other
   * bytes are written in the place of theirs, or a crash in between would leave a mixture that looks whole. Those of
   * its roots, without which the feed is not longer, go before the others: a write that fails too may be half done.
   */
  async #writeLeft(): Promise<void> {
    const pages = this.#bits.dirty();
    if (pages.length === 0) return;
    const roots = this.#leftRoots.map((root) => nodeBits(this.#bits, root));
    if (roots.length > 0) await this.#put('bitfield', roots, true);
    await this.#put('bitfield', joined(pages.map((page) => pageBits(this.#bits, page))), true);
    this.#leftRoots = [];
    this.#bits.clean();
  }

  /** Returns the space of cleared blocks, where the storage can and the tree says where they are. */
  async #discard(start: number, end: number): Promise<void> {
    const file = this.#storage.file('data');
    if (file.discard === undefined) return;
    const from = await this.#byteOffset(start);
    const to = await this.#byteOffset(end);
    if (from !== undefined && to !== undefined && from < to) await file.discard(from, to - from);
  }

  /** Where a block starts in the data: the sizes of the full roots before it. */
  async #byteOffset(block: number): Promise<number | undefined> {
    let offset = 0;
    for (const root of flat.fullRoots(block)) {
      const node = await this.readNode(root);
      if (node === undefined) return undefined;
      offset += node.size;
    }
    return offset;
  }

  /** Writes all but the bits, and waits for the disk. Without its bits none of it counts. */
  async #writeBytes(commit: Commit): Promise<void> {
    const { key, secretKey, data = [], nodes = [], signatures = [] } = commit;
    const files = new Map<FileName, readonly Piece[]>();
    const add = (name: FileName, pieces: readonly Piece[]) => {
      if (pieces.length > 0) files.set(name, (files.get(name) ?? []).concat(pieces));
    };
    await this.#settle();
    if (key !== undefined && this.#key === undefined) add('key', [{ offset: 0, bytes: key }]);
    if (secretKey !== undefined && this.#secretKey === undefined) {
      add('secret_key', [{ offset: 0, bytes: secretKey }]);
    }
    add('tree', nodePieces(nodes));
    add('data', data);
    add(
      'signatures',
      signatures.map(({ length, bytes }) => ({ offset: signatureOffset(length), bytes })),
    );
    for (const [name, pieces] of files) await this.#put(name, joined(pieces), false);
    await Promise.all([...files.keys()].map(async (name) => this.#storage.file(name).flush()));
  }

  /**
   * Headers come before anything else, or what a crash leaves of the first commit could be any program's. They and the
   * keys may have been found in the system's memory alone, since a flush had failed: they are flushed with the first
   * commit, or a crash could leave blocks without a key.
   */
  async #settle(): Promise<void> {
    if (this.#isSettled) return;
    const entryBytes = { tree: NODE_BYTES, signatures: SIGNATURE_BYTES, bitfield: this.#bits.pageSize };
    const missing = headed.filter((name) => !this.#headers.includes(name));
    for (const name of missing)
      await this.#put(name, [{ offset: 0, bytes: header(name, entryBytes[name]) }], false);
    const found: FileName[] = [...headed];
    if (this.#key !== undefined) found.push('key');
    if (this.#secretKey !== undefined) found.push('secret_key');
    await Promise.all(found.map(async (name) => this.#storage.file(name).flush()));
    this.#isSettled = true;
  }

  async #put(name: FileName, pieces: readonly Piece[], flush: boolean): Promise<void> {
    const file = this.#storage.file(name);
    const kept = file.adopt === undefined ? undefined : keepable(pieces);
    for (const piece of pieces) {
      if (kept?.has(piece)) await file.adopt!(piece.offset, piece.bytes);
      else await file.write(piece.offset, piece.bytes);
    }
    if (flush) await file.flush();
  }
}
