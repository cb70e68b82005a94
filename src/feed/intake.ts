/** What comes from peers on its way into the files: verified one by one, written together. */
import type { CryptoProvider } from '../crypto/provider.ts';
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { MaybePromise } from '../stream/stage.ts';
import type { Data } from '../wire/messages.ts';
import type { Piece } from './files/commit.ts';
import type { SleepFiles } from './files/sleep-files.ts';
import { ForkError, signedOver } from './merkle/fork.ts';
import { leaves, type TreeNode } from './merkle/hash.ts';
import { planVerification, type Verified, verifyProof } from './merkle/verification.ts';
import { bytesOf, Following, type Tree } from './tree.ts';

/** How long a feed may be that somebody else signs. Where a block goes in the files follows from it. */
export type FeedLimits = Pick<Limits, 'feedBlocks' | 'feedBytes'>;

/** A node is still to be read. */
const NOT_AT_HAND: unique symbol = Symbol();

/** What a Data message brought. */
export interface Stored {
  /** Whether its block was not here before. */
  readonly isNew: boolean;
}

/** What became of a Data message: what it brought, or why nothing of it was kept. */
export type Outcome = Stored | { readonly error: unknown };

/** What became of several messages; entries change to errors where they cannot be written. */
export interface Verifying {
  readonly outcomes: Outcome[];
  /** Resolves once what was proven is on the disk, or cannot be. Never rejects. */
  readonly written: Promise<unknown>;
}

/** What was proven of several messages, to be written as one. */
class Proven {
  readonly data: Piece[] = [];
  readonly nodes: TreeNode[] = [];
  readonly signatures: { length: number; bytes: Uint8Array }[] = [];
  readonly blocks: number[] = [];
  /** The longest length that was proven, and its full roots. */
  length = 0;
  roots: readonly TreeNode[] = [];

  add({ nodes, length = 0, signature, roots = [] }: Verified): void {
    for (const node of nodes) this.nodes.push(node);
    if (signature !== undefined) this.signatures.push({ length, bytes: signature });
    if (length <= this.length) return;
    this.length = length;
    this.roots = roots;
  }
}

export class Intake {
  readonly #files: SleepFiles;
  readonly #tree: Tree;
  readonly #key: Uint8Array;
  readonly #crypto: CryptoProvider;
  /** Counts writes, so that a caller can see whether anything changed. */
  changes = 0;
  /** Blocks on their way to the disk. */
  readonly #arriving = new Set<number>();
  readonly #following = new Following();
  #writing: Promise<unknown> = Promise.resolve();
  #failure: unknown;

  constructor(files: SleepFiles, tree: Tree, key: Uint8Array, crypto: CryptoProvider) {
    this.#files = files;
    this.#tree = tree;
    this.#key = key;
    this.#crypto = crypto;
  }

  /** What is being written; resolves when all of it is, or cannot be. */
  get writing(): Promise<unknown> {
    return this.#writing;
  }

  /**
   * Verifies messages, each with what those before it proved, and begins to write what was proven, all as one. Their
   * bytes are not to be changed any more: the storage may keep them. Not to be called again before it has resolved.
   * Waits only where a node is to be read, or a signature takes its time.
   */
  async verify(messages: readonly Data[], limits: FeedLimits): Promise<Verifying> {
    const outcomes: Outcome[] = [];
    let proven = new Proven();
    let hashed: Map<Data, TreeNode> | undefined;
    for (const message of messages) {
      const { index: block, value } = message;
      try {
        this.#assertWhole();
        // In here, so that where the provider throws, it is this message that fails.
        hashed ??= hashedBlocks(this.#crypto, messages);
        const proof = this.#prove(message, hashed.get(message));
        const verified = 'then' in proof ? await proof : proof;
        assertLength(verified, limits);
        this.#tree.arriving(verified.nodes);
        proven.add(verified);
        const isNew = value !== undefined && !this.#files.bitfield.has(block) && !this.#arriving.has(block);
        if (isNew) {
          const found = this.#tree.offsetOf(block, value.byteLength, this.#following);
          const offset = typeof found === 'number' ? found : await found;
          proven.data.push({ offset, bytes: value, isFinal: true });
          proven.blocks.push(block);
          this.#arriving.add(block);
        }
        outcomes.push({ isNew });
      } catch (caught) {
        let error = caught;
        if (caught instanceof ForkError) {
          // Ours may have been proven just now.
          await this.#write(proven, outcomes);
          proven = new Proven();
          // Where the files cannot be read any more, that is what went wrong.
          error = await this.#withOurs(block, caught).catch((failure: unknown) => failure);
        }
        // What comes behind may build on nodes that were not written, or on the other history.
        if (!(error instanceof ProtocolError) || error instanceof ForkError) this.#failure ??= error;
        outcomes.push({ error });
      }
    }
    return { outcomes, written: this.#write(proven, outcomes) };
  }

  #prove(message: Data, hashed: TreeNode | undefined): MaybePromise<Verified> {
    const again = (error: unknown): Promise<Verified> => {
      if (error !== NOT_AT_HAND) throw error;
      return this.#readAndVerify(message, hashed);
    };
    try {
      const proof = this.#verify(message, hashed, this.#nodeAtHand);
      return 'then' in proof ? proof.then(undefined, again) : proof;
    } catch (error) {
      return again(error);
    }
  }

  /** A node that is held here, for as long as none has to be waited for. @throws NOT_AT_HAND */
  readonly #nodeAtHand = (index: number): TreeNode | undefined => {
    if (!this.#tree.has(index)) return undefined;
    const node = this.#tree.node(index);
    if (!(node instanceof Promise)) return node;
    // It is asked for again, with the others, and then whoever asks hears of what is wrong with it.
    node.catch(() => {});
    throw NOT_AT_HAND;
  };

  /** With the nodes that the proof is held against read in one go. */
  async #readAndVerify(message: Data, hashed: TreeNode | undefined): Promise<Verified> {
    const { index, value, nodes, signature } = message;
    const plan = planVerification(index, nodes, value !== undefined, signature !== undefined, this.#tree.has);
    const known = new Map((await this.#tree.nodes(plan)).map((node) => [node.index, node]));
    return this.#verify(message, hashed, (node) => known.get(node));
  }

  #verify(
    { index: block, value, nodes, signature }: Data,
    hashed: TreeNode | undefined,
    local: (index: number) => TreeNode | undefined,
  ): MaybePromise<Verified> {
    return verifyProof({
      crypto: this.#crypto,
      key: this.#key,
      block,
      value,
      hashed,
      nodes,
      signature,
      local,
    });
  }

  /** Puts the tree that is held here beside the one that came. */
  async #withOurs(block: number, { node, theirs }: ForkError): Promise<ForkError> {
    await this.#writing;
    const ours = await signedOver(node, {
      crypto: this.#crypto,
      key: this.#key,
      readNode: (index) => this.#files.readNode(index),
      readSignature: (length) => this.#files.readSignature(length),
    });
    return new ForkError(block, node, theirs, ours);
  }

  /** @throws what a write failed with: nothing more is taken then. */
  #assertWhole(): void {
    const failure = this.#failure ?? this.#files.failure;
    if (failure !== undefined) throw failure;
  }

  /** Writes what was proven. Where that fails, so do all `outcomes`. */
  #write({ data, nodes, signatures, blocks, length, roots }: Proven, outcomes: Outcome[]): Promise<unknown> {
    if (outcomes.every((outcome) => 'error' in outcome)) return Promise.resolve();
    // A write may have failed meanwhile, and what was verified can build on what that was to bring.
    const failure = this.#files.failure;
    const commit =
      failure === undefined
        ? this.#files.commit({ key: this.#key, data, nodes, signatures, blocks })
        : Promise.reject(failure);
    const written = commit.then(
      () => {
        for (const block of blocks) this.#arriving.delete(block);
        this.#tree.written(nodes);
        this.#tree.grow(length, roots);
        this.changes++;
      },
      (error) => {
        this.#failure ??= error;
        outcomes.forEach((outcome, i) => {
          if (!('error' in outcome)) outcomes[i] = { error };
        });
      },
    );
    const before = this.#writing;
    this.#writing = written.then(() => before);
    return written;
  }
}

/** The nodes of the blocks that came. */
function hashedBlocks(crypto: CryptoProvider, messages: readonly Data[]): Map<Data, TreeNode> {
  const blocks = messages.flatMap((message) => {
    const { index, value } = message;
    return value === undefined ? [] : [{ message, index, value }];
  });
  return new Map(leaves(crypto, blocks).map((node, i) => [blocks[i]!.message, node]));
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
