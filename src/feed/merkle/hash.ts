/** The hashes of a feed's tree: blocks, parents, and the one over the roots that the writer signs. */
import type { CryptoProvider } from '../../crypto/provider.ts';
import { assertInteger } from '../../errors.ts';
import * as flat from './flat-tree.ts';

/** One node of the tree (hypercore 7 wire: Data.Node). */
export interface TreeNode {
  /** Its number in the flat tree; block `i` is node `2i`. */
  readonly index: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** How many bytes the blocks below it hold together. */
  readonly size: number;
}

// One byte before each kind keeps a block from passing for a parent, and a parent for a set of roots.
const LEAF: Uint8Array = Uint8Array.of(0);
const PARENT: Uint8Array = Uint8Array.of(1);
const ROOTS: Uint8Array = Uint8Array.of(2);

/** `value` as 8 bytes, most significant first. Throws RangeError unless it is a whole number to 2^53-1. */
export function u64be(value: number): Uint8Array {
  assertInteger('value', value);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
  return bytes;
}

/** The node of block number `block` that holds `data`. */
export function leaf(crypto: CryptoProvider, block: number, data: Uint8Array): TreeNode {
  const size = data.byteLength;
  return { index: 2 * block, hash: crypto.blake2b([LEAF, u64be(size), data]), size };
}

/**
 * The node above two siblings, `left` being the one with the smaller index.
 *
 * @throws RangeError when both sizes together pass 2^53-1
 */
export function parent(crypto: CryptoProvider, left: TreeNode, right: TreeNode): TreeNode {
  const size = left.size + right.size;
  const hash = crypto.blake2b([PARENT, u64be(size), left.hash, right.hash]);
  return { index: flat.parent(left.index), hash, size };
}

/** What the writer signs, and what a static feed has for a key: 32 bytes over the full roots, left to right. */
export function treeHash(crypto: CryptoProvider, roots: readonly TreeNode[]): Uint8Array {
  const parts = [ROOTS];
  for (const root of roots) parts.push(root.hash, u64be(root.index), u64be(root.size));
  return crypto.blake2b(parts);
}
