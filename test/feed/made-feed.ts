/** A whole feed in memory, as a source of commits: a writer's appends, and a reader's single blocks. */
import type { CryptoProvider, KeyPair } from '../../src/crypto/provider.ts';
import type { Commit, SleepFiles } from '../../src/feed/files/sleep-files.ts';
import * as flat from '../../src/feed/merkle/flat-tree.ts';
import { leaf, parent, type TreeNode, treeHash } from '../../src/feed/merkle/hash.ts';

export class MadeFeed {
  readonly crypto: CryptoProvider;
  readonly keys: KeyPair;
  readonly blocks: Uint8Array[] = [];
  readonly offsets: number[] = [0];
  readonly nodes = new Map<number, TreeNode>();
  readonly signatures = new Map<number, Uint8Array>();

  constructor(crypto: CryptoProvider, keys: KeyPair) {
    this.crypto = crypto;
    this.keys = keys;
  }

  get length(): number {
    return this.blocks.length;
  }

  /** The feed as it was at a length, to go on otherwise. */
  upTo(length: number): MadeFeed {
    const feed = new MadeFeed(this.crypto, this.keys);
    feed.blocks.push(...this.blocks.slice(0, length));
    feed.offsets.push(...this.offsets.slice(1, length + 1));
    for (const [index, node] of this.nodes)
      if (flat.rightSpan(index) < 2 * length) feed.nodes.set(index, node);
    for (const [at, bytes] of this.signatures) if (at <= length) feed.signatures.set(at, bytes);
    return feed;
  }

  /** Appends blocks under one signature. */
  append(...blocks: Uint8Array[]): Commit {
    const nodes: TreeNode[] = [];
    const add = (node: TreeNode) => {
      nodes.push(node);
      this.nodes.set(node.index, node);
    };
    const start = this.length;
    for (const bytes of blocks) {
      let node = leaf(this.crypto, this.length, bytes);
      this.blocks.push(bytes);
      this.offsets.push(this.offsets.at(-1)! + bytes.length);
      add(node);
      while (!flat.isLeft(node.index)) {
        node = parent(this.crypto, this.nodes.get(flat.sibling(node.index))!, node);
        add(node);
      }
    }
    const roots = flat.fullRoots(this.length).map((root) => this.nodes.get(root)!);
    const bytes = this.crypto.sign(treeHash(this.crypto, roots), this.keys.secretKey);
    this.signatures.set(this.length, bytes);
    return {
      key: this.keys.publicKey,
      secretKey: this.keys.secretKey,
      data: blocks.map((bytes, i) => ({ offset: this.offsets[start + i]!, bytes })),
      nodes,
      signatures: [{ length: this.length, bytes }],
      blocks: blocks.map((_, i) => start + i),
    };
  }

  /** What a reader stores of a block that it got with its whole proof. */
  download(block: number): Commit {
    const indices = new Set<number>(flat.fullRoots(this.length));
    let node = 2 * block;
    indices.add(node);
    while (this.nodes.has(flat.parent(node))) {
      indices.add(flat.sibling(node));
      node = flat.parent(node);
      indices.add(node);
    }
    return {
      key: this.keys.publicKey,
      data: [{ offset: this.offsets[block]!, bytes: this.blocks[block]! }],
      nodes: [...indices].map((index) => this.nodes.get(index)!),
      signatures: [{ length: this.length, bytes: this.signatures.get(this.length)! }],
      blocks: [block],
    };
  }

  /** Every block that the files hold, or throws where one is not whole: other bytes, or no proof. */
  async held(files: SleepFiles): Promise<number[]> {
    const held: number[] = [];
    const length = await files.findLength();
    const past = files.bitfield.count(length, Number.MAX_SAFE_INTEGER);
    if (past > 0) throw new Error(`${past} blocks are past the length ${length}`);
    for (let block = 0; block < length; block++) {
      if (!files.bitfield.has(block)) continue;
      const bytes = await files.readData(this.offsets[block]!, this.blocks[block]!.length);
      if (Buffer.compare(bytes, this.blocks[block]!) !== 0) throw new Error(`block ${block} has other bytes`);
      await this.#assertProven(files, block);
      held.push(block);
    }
    return held;
  }

  /** Whether each node that the files hold is the feed's, and there is a way from the block to signed roots. */
  async #assertProven(files: SleepFiles, block: number): Promise<void> {
    let node = 2 * block;
    const way = [node];
    while (files.bitfield.hasNode(flat.sibling(node))) {
      way.push(flat.sibling(node));
      node = flat.parent(node);
      way.push(node);
    }
    const lengths = [...this.signatures.keys()].filter((length) => flat.fullRoots(length).includes(node));
    const isRoot = lengths.some((length) =>
      flat.fullRoots(length).every((root) => files.bitfield.hasNode(root)),
    );
    if (!isRoot) throw new Error(`block ${block} has no proof past node ${node}`);
    for (const index of way) {
      const stored = await files.readNode(index);
      if (stored === undefined || Buffer.compare(stored.hash, this.nodes.get(index)!.hash) !== 0) {
        throw new Error(`node ${index} is not stored`);
      }
    }
  }
}
