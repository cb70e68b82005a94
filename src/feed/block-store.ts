/**
 * A feed at rest: its verified blocks, its tree and its signatures on a storage. Nothing gets in that was not
 * appended with the feed's secret key or proven to be the feed's.
 */
import { discoveryKey } from '../crypto/discovery-key.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type Signer, signer } from '../crypto/signer.ts';
import { defaultLimits } from '../limits.ts';
import type { Data, Request } from '../wire/messages.ts';
import { Answers } from './answers.ts';
import { BlockReader } from './block-reader.ts';
import type { Piece } from './files/commit.ts';
import type { SleepFiles, StoredBits } from './files/sleep-files.ts';
import { type FeedLimits, Intake, type Outcome, type Stored } from './intake.ts';
import { digest } from './merkle/digest.ts';
import { leaves, type TreeNode, treeHash } from './merkle/hash.ts';
import { grow } from './merkle/roots.ts';
import { regain } from './regain.ts';
import { type Place, Tree } from './tree.ts';

export class BlockStore {
  readonly key: Uint8Array;
  readonly discoveryKey: Uint8Array;
  readonly crypto: CryptoProvider;
  readonly #files: SleepFiles;
  readonly #tree: Tree;
  readonly #intake: Intake;
  readonly #reader: BlockReader;
  readonly #answers: Answers;
  /** The end of what must not overlap. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(files: SleepFiles, tree: Tree, key: Uint8Array, crypto: CryptoProvider) {
    this.#files = files;
    this.#tree = tree;
    this.#intake = new Intake(files, tree, key, crypto);
    this.#reader = new BlockReader(files, tree);
    this.#answers = new Answers(files, tree, this.#reader);
    this.key = key;
    this.crypto = crypto;
    this.discoveryKey = discoveryKey(crypto, key);
  }

  /**
   * Over files that are open and belong to the feed `key`.
   * @throws StorageError `damaged` where this side is the writer, and the files do not have what it signed
   */
  static async load(files: SleepFiles, key: Uint8Array, crypto: CryptoProvider): Promise<BlockStore> {
    if (files.secretKey !== undefined) await regain(files, key, crypto);
    return new BlockStore(files, await Tree.load(files), key, crypto);
  }

  /** In blocks; up to here the feed is signed. */
  get length(): number {
    return this.#tree.length;
  }

  /** In bytes, of all blocks below `length`, here or not. */
  get byteLength(): number {
    return this.#tree.byteLength;
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

  /** Counts writes of received Data, so that a caller can see whether anything changed. */
  get changes(): number {
    return this.#intake.changes;
  }

  /**
   * Signs `blocks` and writes them behind the last one, all or none. Returns the first one's number. Their bytes are
   * not to be changed any more: the storage may keep them.
   */
  append(blocks: readonly Uint8Array[]): Promise<number> {
    return this.#inTurn(async () => {
      const start = this.length;
      const nodes: TreeNode[] = [];
      const roots = [...this.#tree.roots];
      const data: Piece[] = [];
      let offset = this.byteLength;
      const placed = blocks.map((value, i) => ({ index: start + i, value }));
      for (const node of leaves(this.crypto, placed)) nodes.push(...grow(this.crypto, roots, node));
      for (const bytes of blocks) {
        data.push({ offset, bytes, isFinal: true });
        offset += bytes.byteLength;
      }
      const signature = this.crypto.sign(treeHash(this.crypto, roots), this.#files.secretKey!);
      await this.#intake.writing;
      await this.#files.commit({
        data,
        nodes,
        signatures: [{ length: start + blocks.length, bytes: signature }],
        blocks: blocks.map((_, i) => start + i),
      });
      this.#tree.grow(start + blocks.length, roots);
      return start;
    });
  }

  /**
   * Verifies a Data message and writes what it proves. Resolves once that is on the disk. The message's bytes are not to
   * be changed any more: the storage may keep them.
   *
   * @throws ProtocolError `verification`, `fork` or `feed-too-long`; nothing of the message is kept then
   * @throws StorageError where it cannot be written; the store takes nothing more from then on
   */
  async put(message: Data, limits: FeedLimits = defaultLimits): Promise<Stored> {
    const [outcome] = await this.putAll([message], limits);
    if ('error' in outcome!) throw outcome.error;
    return outcome!;
  }

  /** As {@link put} for each in turn, written as one. Resolves with what became of each; never rejects. */
  async putAll(messages: readonly Data[], limits: FeedLimits = defaultLimits): Promise<readonly Outcome[]> {
    const { outcomes, written } = await this.#inTurn(() => this.#intake.verify(messages, limits));
    await written;
    return outcomes;
  }

  /** A block's bytes; `undefined` where it is not here. */
  read(block: number): Promise<Uint8Array | undefined> {
    return this.#reader.read(block);
  }

  /** The block that holds byte `bytes` of the feed; `undefined` past the roots that are here. */
  seek(bytes: number): Promise<Place | undefined> {
    return this.#tree.seek(bytes);
  }

  /** What to ask for a block with: the nodes that need not be sent along. */
  digest(block: number): number {
    return digest(block, this.#tree.has, this.length);
  }

  /** The answer to a Request; `undefined` where this store cannot give it. */
  async answer(request: Request): Promise<Data | undefined> {
    return (await this.answerAll([request]))[0];
  }

  /** The answers to Requests, in their order; only the first ones where they pass `maxBytes`, but one at least. */
  answerAll(requests: readonly Request[], maxBytes?: number): Promise<(Data | undefined)[]> {
    return this.#answers.answer(requests, maxBytes);
  }

  /** Forgets the blocks from `start` to before `end`; the tree stays. */
  clear(start: number, end: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#intake.writing;
      // Where the tree ends, it cannot tell how many bytes are before a block.
      const stop = Math.max(start, Math.min(end, this.length));
      // A copy that has nothing yet has no file either.
      if (this.blocks.count(start, stop) > 0) await this.#files.commit({ clear: [[start, stop]] });
    });
  }

  /** Waits for what is being written, and lets go of the storage. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#intake.writing;
      await this.#files.close();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}
