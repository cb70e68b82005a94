/**
 * A feed at rest: its verified blocks, its tree and its signatures on a storage. Nothing gets in that was not
 * appended with the feed's secret key or proven to be the feed's.
 */
import { discoveryKey } from '../crypto/discovery-key.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type Signer, signer } from '../crypto/signer.ts';
import { ProtocolError, StorageError } from '../errors.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import type { Data, Request } from '../wire/messages.ts';
import type { Piece } from './files/commit.ts';
import type { SleepFiles, StoredBits } from './files/sleep-files.ts';
import { shortened } from './files/stored-length.ts';
import { digest } from './merkle/digest.ts';
import * as flat from './merkle/flat-tree.ts';
import { ForkError, signedOver } from './merkle/fork.ts';
import { leaf, type TreeNode, treeHash } from './merkle/hash.ts';
import { planProof } from './merkle/proof.ts';
import { bytesOf, grow, span } from './merkle/roots.ts';
import { verifySignature } from './merkle/signature.ts';
import { planVerification, type Verified, verifyProof } from './merkle/verification.ts';
import { regain } from './regain.ts';

/**
 * Bytes of the largest block that fits the wire's frame of 8 MiB beside a signature, as block 0 of a feed of
 * one block. Nodes of a larger tree take some of it.
 */
export const MAX_BLOCK_BYTES = 8_388_534;

/** How long a feed may be that somebody else signs. Where a block goes in the files follows from it. */
export type FeedLimits = Pick<Limits, 'feedBlocks' | 'feedBytes'>;

/** What a Data message brought. */
export interface Stored {
  /** Whether its block was not here before. */
  readonly isNew: boolean;
}

/** Where a byte of the feed is. */
export interface Place {
  /** The block; where `offset` is not known, the first of those that may hold the byte. */
  readonly index: number;
  /** In the block. */
  readonly offset: number | undefined;
}

export class BlockStore {
  readonly key: Uint8Array;
  readonly discoveryKey: Uint8Array;
  readonly crypto: CryptoProvider;
  readonly #files: SleepFiles;
  /** Counts writes of received Data, so that a caller can see whether anything changed. */
  changes = 0;
  /** The full roots of `length`, left to right. */
  #roots: TreeNode[];
  /** The end of what must not overlap. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Proven nodes on their way to the disk: later proofs may build on them. */
  readonly #proven = new Map<number, TreeNode>();
  /** Blocks on their way to the disk. */
  readonly #arriving = new Set<number>();
  /** What is being written; settles when all of it is. */
  #writing: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  /** The block behind the last one whose place was looked up, and its place: most come in order. */
  #following = { block: 0, offset: 0 };

  private constructor(files: SleepFiles, roots: TreeNode[], key: Uint8Array, crypto: CryptoProvider) {
    this.#files = files;
    this.#roots = roots;
    this.key = key;
    this.crypto = crypto;
    this.discoveryKey = discoveryKey(crypto, key);
  }

  /**
   * Over files that are open and belong to the feed `key`. Where this side is the writer, they may hold more than
   * their bits tell of, and signatures over what was never stored.
   * @throws StorageError `damaged` where a writer's files do not have what it signed
   */
  static async load(files: SleepFiles, key: Uint8Array, crypto: CryptoProvider): Promise<BlockStore> {
    const told = await files.findLength();
    let length = told;
    let roots = (await files.readNodes(flat.fullRoots(length))).map(present);
    if (files.secretKey !== undefined) {
      while (length > 0 && !(await isSigned(files, key, crypto, roots, length))) {
        length = await files.findLength(length - 1);
        roots = (await files.readNodes(flat.fullRoots(length))).map(present);
      }
      roots = await regain(files, crypto, key, roots, MAX_BLOCK_BYTES);
      if (span(roots) < told) throw shortened('tree');
    }
    return new BlockStore(files, roots, key, crypto);
  }

  /** In blocks; up to here the feed is signed. */
  get length(): number {
    return span(this.#roots);
  }

  /** In bytes, of all blocks below `length`, here or not. */
  get byteLength(): number {
    return bytesOf(this.#roots);
  }

  get writable(): boolean {
    return this.#files.secretKey !== undefined;
  }

  /** Signs statements, but nothing that could pass for a hash of the tree. */
  get signer(): Signer | undefined {
    const { secretKey } = this.#files;
    return secretKey && signer(this.crypto, { publicKey: this.key, secretKey });
  }

  /** Which blocks are here. */
  get blocks(): StoredBits {
    return this.#files.bitfield;
  }

  /** Signs `blocks` and writes them behind the last one, all or none. Returns the first one's number. */
  append(blocks: readonly Uint8Array[]): Promise<number> {
    return this.#inTurn(async () => {
      const start = this.length;
      const nodes: TreeNode[] = [];
      const roots = [...this.#roots];
      const data: { offset: number; bytes: Uint8Array }[] = [];
      let offset = this.byteLength;
      blocks.forEach((bytes, i) => {
        const node = leaf(this.crypto, start + i, bytes);
        nodes.push(...grow(this.crypto, roots, node));
        data.push({ offset, bytes });
        offset += bytes.byteLength;
      });
      const signature = this.crypto.sign(treeHash(this.crypto, roots), this.#files.secretKey!);
      await this.#writing;
      await this.#files.commit({
        data,
        nodes,
        signatures: [{ length: start + blocks.length, bytes: signature }],
        blocks: blocks.map((_, i) => start + i),
      });
      this.#roots = roots;
      return start;
    });
  }

  /**
   * Verifies a Data message and writes what it proves. Resolves once that is on the disk.
   *
   * @throws ProtocolError `verification`, `fork` or `feed-too-long`; nothing of the message is kept then
   * @throws StorageError where it cannot be written; the store takes nothing more from then on
   */
  async put(message: Data, limits: FeedLimits = defaultLimits): Promise<Stored> {
    try {
      const { isNew, written } = await this.#inTurn(() => this.#verify(message, limits));
      await written;
      return { isNew };
    } catch (caught) {
      const error = caught instanceof ForkError ? await this.#withOurs(message.index, caught) : caught;
      // What was verified since may build on nodes that were not written, or on the other history.
      if (!(error instanceof ProtocolError) || error instanceof ForkError) this.#failure ??= error;
      throw error;
    }
  }

  /** Puts the tree that is held here beside the one that came. */
  async #withOurs(block: number, { node, theirs }: ForkError): Promise<ForkError> {
    await this.#writing;
    const { crypto, key } = this;
    const ours = await signedOver(node, {
      crypto,
      key,
      readNode: (index) => this.#files.readNode(index),
      readSignature: (length) => this.#files.readSignature(length),
    });
    return new ForkError(block, node, theirs, ours);
  }

  async #verify(
    { index: block, value, nodes, signature }: Data,
    limits: FeedLimits,
  ): Promise<Stored & { written: Promise<void> }> {
    this.#assertWhole();
    const received = nodes.map((node) => node.index);
    const wanted = planVerification(block, received, value !== undefined, signature !== undefined, this.#has);
    const known = await this.#nodes(wanted);
    const verified = await verifyProof({
      crypto: this.crypto,
      key: this.key,
      block,
      value,
      nodes,
      signature,
      local: (index) => known.get(index),
    });
    assertLength(verified, limits);
    for (const node of verified.nodes) this.#proven.set(node.index, node);
    const isNew = value !== undefined && !this.blocks.has(block) && !this.#arriving.has(block);
    const data = isNew ? [{ offset: await this.#offsetOf(block, value.byteLength), bytes: value }] : [];
    // A write may have failed meanwhile, and what was verified can build on what that was to bring.
    this.#assertWhole();
    if (isNew) this.#arriving.add(block);
    const written = this.#write(verified, data);
    this.#writing = Promise.allSettled([this.#writing, written]);
    return { isNew, written };
  }

  /** @throws what a write failed with: nothing more is taken then. */
  #assertWhole(): void {
    const failure = this.#failure ?? this.#files.failure;
    if (failure !== undefined) throw failure;
  }

  async #write({ leaf, nodes, length, signature, roots }: Verified, data: Piece[]): Promise<void> {
    await this.#files.commit({
      key: this.key,
      data,
      nodes,
      signatures: length !== undefined && signature !== undefined ? [{ length, bytes: signature }] : [],
      blocks: data.map(() => leaf.index / 2),
    });
    if (data.length > 0) this.#arriving.delete(leaf.index / 2);
    this.changes++;
    if (length !== undefined && roots !== undefined && length > this.length) this.#roots = roots;
    for (const node of nodes) if (this.#proven.get(node.index) === node) this.#proven.delete(node.index);
  }

  /** A block's bytes; `undefined` where it is not here. */
  async read(block: number): Promise<Uint8Array | undefined> {
    if (!this.blocks.has(block)) return undefined;
    const size = (await this.#nodes([2 * block])).get(2 * block)!.size;
    const offset = await this.#offsetOf(block, size);
    await this.#assertPlace(offset, size);
    const bytes = await this.#files.readData(offset, size);
    // Cleared meanwhile, and its space may be zeros.
    return this.blocks.has(block) ? bytes : undefined;
  }

  /** @throws StorageError `damaged` where no such block was ever written: a folder can come from anywhere. */
  async #assertPlace(offset: number, size: number): Promise<void> {
    const end = offset + size;
    if (size <= MAX_BLOCK_BYTES && Number.isSafeInteger(end)) return;
    if (Number.isSafeInteger(end) && end <= (await this.#files.dataSize())) return;
    throw damaged(`the tree tells of a block of ${size} bytes where there are not so many`);
  }

  /** The block that holds byte `bytes` of the feed; `undefined` past the roots that are here. */
  async seek(bytes: number): Promise<Place | undefined> {
    let offset = bytes;
    for (const root of this.#roots) {
      if (offset >= root.size) offset -= root.size;
      else return this.#seekBelow(root.index, offset);
    }
    return undefined;
  }

  async #seekBelow(root: number, offset: number): Promise<Place> {
    let node = root;
    for (let depth = flat.depth(root); depth > 0; depth--) {
      const left = node - 2 ** (depth - 1);
      if (!this.blocks.hasNode(left)) return { index: flat.leftSpan(node, depth) / 2, offset: undefined };
      const { size } = (await this.#nodes([left])).get(left)!;
      if (offset < size) {
        node = left;
      } else {
        node = left + 2 ** depth;
        offset -= size;
      }
    }
    return { index: node / 2, offset };
  }

  /** What to ask for a block with: the nodes that need not be sent along. */
  digest(block: number): number {
    return digest(block, this.#has, this.length);
  }

  /** The answer to a Request; `undefined` where this store cannot give it. */
  async answer({ index, bytes, hash, nodes: held }: Request): Promise<Data | undefined> {
    const found = bytes > 0 ? await this.seek(bytes) : undefined;
    const block = found?.offset === undefined ? index : found.index;
    const plan = planProof(block, this.length, (node) => this.blocks.hasNode(node), {
      digest: bytes > 0 ? 0 : held,
      hash,
    });
    if (plan === undefined) return undefined;
    if (!hash && !this.blocks.has(block)) return undefined;
    // Together, since a storage over a port sends along what is asked for at the same time.
    const [value, nodes, signature] = await Promise.all([
      hash ? undefined : this.read(block),
      this.#files.readNodes(plan.nodes),
      plan.length === undefined ? undefined : this.#files.readSignature(plan.length),
    ]);
    if (!hash && value === undefined) return undefined;
    return { type: 'data', index: block, value, nodes: nodes.map(present), signature };
  }

  /** Forgets the blocks from `start` to before `end`; the tree stays. */
  clear(start: number, end: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writing;
      await this.#files.commit({ clear: [[start, end]] });
    });
  }

  /** Waits for what is being written, and lets go of the storage. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writing;
      await this.#files.close();
    });
  }

  readonly #has = (node: number): boolean => this.#proven.has(node) || this.blocks.hasNode(node);

  /** In bytes, from the feed's beginning to the block's, whose size is given. */
  async #offsetOf(block: number, size: number): Promise<number> {
    let offset = 0;
    if (this.#following.block === block) {
      offset = this.#following.offset;
    } else {
      for (const node of (await this.#nodes(flat.fullRoots(block))).values()) offset += node.size;
    }
    this.#following = { block: block + 1, offset: offset + size };
    return offset;
  }

  /** Nodes that are here, on the disk or on their way to it. */
  async #nodes(indices: readonly number[]): Promise<Map<number, TreeNode>> {
    const found = new Map<number, TreeNode>();
    const stored: number[] = [];
    for (const index of indices) {
      const node = this.#proven.get(index);
      if (node === undefined) stored.push(index);
      else found.set(index, node);
    }
    for (const node of await this.#files.readNodes(stored)) found.set(present(node).index, present(node));
    return found;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** A signature may be over any length, and the files have a place for each block and each node before it. */
function assertLength({ length = 0, roots = [] }: Verified, { feedBlocks, feedBytes }: FeedLimits): void {
  const bytes = bytesOf(roots);
  if (length <= feedBlocks && bytes <= feedBytes) return;
  throw new ProtocolError(
    'feed-too-long',
    `the writer has signed ${length} blocks of ${bytes} bytes in all, over the limits of ${feedBlocks} and ${feedBytes}: if you trust it, raise limits.feedBlocks and limits.feedBytes`,
  );
}

async function isSigned(
  files: SleepFiles,
  key: Uint8Array,
  crypto: CryptoProvider,
  roots: readonly TreeNode[],
  length: number,
): Promise<boolean> {
  const signature = await files.readSignature(length);
  return signature !== undefined && verifySignature(crypto, key, signature, treeHash(crypto, roots), length);
}

/** A node whose bit is set. */
function present(node: TreeNode | undefined): TreeNode {
  if (node !== undefined) return node;
  throw damaged('a hash that the bitfield says is here is not');
}

function damaged(what: string): StorageError {
  return new StorageError('damaged', `${what}: the folder was damaged. Move it away and sync anew`);
}
