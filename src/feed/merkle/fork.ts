/** Two histories of one feed, both signed by its key. */

import { equals } from 'uint8arrays/equals';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { ProtocolError } from '../../errors.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import * as flat from './flat-tree.ts';
import { parent, type TreeNode, treeHash } from './hash.ts';
import { verifySignature } from './signature.ts';

/** A tree as the feed's key signed it. Proves itself: `signature` is the key's over the hash of `roots`. */
export interface SignedTree {
  /** In blocks. */
  readonly length: number;
  /** The full roots of that length, left to right. */
  readonly roots: readonly TreeNode[];
  readonly signature: Uint8Array;
}

/** The feed's writer signed two histories. Nobody but the writer can tell which one holds. */
export class ForkError extends ProtocolError {
  /** A node of the tree that is one thing in the one history, and another in the other. */
  readonly node: number;
  /** What a peer sent. */
  readonly theirs: SignedTree;
  /** What is held here. */
  readonly ours: SignedTree | undefined;

  constructor(block: number, node: number, theirs: SignedTree, ours?: SignedTree) {
    super(
      'fork',
      `Block ${block} is signed by the feed's key, but node ${node} is not the one held here: the writer signed two histories. The feed takes nothing more; ask its writer which one holds.`,
      { block },
    );
    this.node = node;
    this.theirs = theirs;
    this.ours = ours;
  }
}

/** What is held of a feed. */
export interface Held {
  readonly crypto: CryptoProvider;
  readonly key: Uint8Array;
  readNode(index: number): MaybePromise<TreeNode | undefined>;
  readSignature(length: number): MaybePromise<Uint8Array | undefined>;
}

/** A signed tree that has a node held here below it; `undefined` where not enough of one is held. */
export async function signedOver(node: number, held: Held): Promise<SignedTree | undefined> {
  const { crypto, key } = held;
  const top = await climb(node, held);
  if (top === undefined) return undefined;
  const roots: TreeNode[] = [];
  for (const index of flat.fullRoots(flat.rightSpan(top.index) / 2 + 1)) {
    const root = await held.readNode(index);
    if (root === undefined) return undefined;
    roots.push(root);
  }
  // The shortest length with that root, and longer ones as far as the roots behind it are held.
  let next = flat.rightSpan(top.index) + 2;
  for (let blocks = 2 ** flat.depth(top.index); ; ) {
    const length = next / 2;
    const signature = await held.readSignature(length);
    if (signature !== undefined) {
      const isSigned = await verifySignature(crypto, key, signature, treeHash(crypto, roots), length);
      if (isSigned) return { length, roots, signature };
    }
    let root: TreeNode | undefined;
    while (blocks > 1 && root === undefined) {
      blocks /= 2;
      root = await held.readNode(next + blocks - 1);
    }
    if (root === undefined) return undefined;
    roots.push(root);
    next += 2 * blocks;
  }
}

/** As far up as the nodes held agree with each other. */
async function climb(node: number, { crypto, readNode }: Held): Promise<TreeNode | undefined> {
  let top = await readNode(node);
  for (let depth = flat.depth(node); top !== undefined && depth < flat.MAX_DEPTH; depth++) {
    const other = await readNode(flat.sibling(top.index, depth));
    const above = await readNode(flat.parent(top.index, depth));
    if (other === undefined || above === undefined) break;
    const [left, right] = other.index < top.index ? [other, top] : [top, other];
    if (!equals(parent(crypto, left, right).hash, above.hash)) break;
    top = above;
  }
  return top;
}
