/** The hashes of a feed's tree: blocks, parents, and the one over the roots that the writer signs. */
import { blake2bEach } from '../../crypto/blake2b.ts';
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

/**
 * Not an object literal: once many of those were kept for long, as where a feed is written, V8 allocates the next ones
 * among what is old, and keeps what they refer to until it collects everything.
 */
class Hashed implements TreeNode {
  readonly index: number;
  readonly hash: Uint8Array;
  readonly size: number;

  constructor(index: number, hash: Uint8Array, size: number) {
    this.index = index;
    this.hash = hash;
    this.size = size;
  }
}

// One byte before each kind keeps a block from passing for a parent, and a parent for a set of roots.
const LEAF = 0;
const PARENT = 1;
const ROOTS: Uint8Array = Uint8Array.of(2);

/** What comes before a node's content in its hash: its kind and its size. Made anew for each hash, in place. */
const before: Uint8Array = new Uint8Array(9);

/** `value` as 8 bytes, most significant first. Throws RangeError unless it is a whole number to 2^53-1. */
export function u64be(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putU64(bytes, 0, value);
  return bytes;
}

/** Writes `value` as {@link u64be} has it into `bytes` at `at`. */
export function putU64(bytes: Uint8Array, at: number, value: number): void {
  assertInteger('value', value);
  const high = Math.floor(value / 2 ** 32);
  const low = value >>> 0;
  bytes[at] = high >>> 24;
  bytes[at + 1] = high >>> 16;
  bytes[at + 2] = high >>> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = low >>> 24;
  bytes[at + 5] = low >>> 16;
  bytes[at + 6] = low >>> 8;
  bytes[at + 7] = low;
}

/** The node of block number `block` that holds `data`. */
export function leaf(crypto: CryptoProvider, block: number, data: Uint8Array): TreeNode {
  const size = data.byteLength;
  return new Hashed(2 * block, crypto.blake2b([prefix(LEAF, size), data]), size);
}

/** The nodes of several blocks, in their order: in less time than one by one, where they are large. */
export function leaves(
  crypto: CryptoProvider,
  blocks: readonly { readonly index: number; readonly value: Uint8Array }[],
): TreeNode[] {
  const messages = blocks.map(({ value }) => ({ head: prefix(LEAF, value.byteLength).slice(), body: value }));
  const hashes = blake2bEach(crypto, messages);
  return blocks.map(({ index, value }, i) => new Hashed(2 * index, hashes[i]!, value.byteLength));
}

/**
 * The node above two siblings, `left` being the one with the smaller index.
 *
 * @throws RangeError when both sizes together pass 2^53-1
 */
export function parent(crypto: CryptoProvider, left: TreeNode, right: TreeNode): TreeNode {
  const size = left.size + right.size;
  const hash = crypto.blake2b([prefix(PARENT, size), left.hash, right.hash]);
  return new Hashed(flat.between(left.index, right.index), hash, size);
}

/** Whether two hashes, of 32 bytes each, are the same. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 0; at < 32; at++) if (a[at] !== b[at]) return false;
  return true;
}

function prefix(kind: number, size: number): Uint8Array {
  before[0] = kind;
  putU64(before, 1, size);
  return before;
}

/** What the writer signs, and what a static feed has for a key: 32 bytes over the full roots, left to right. */
export function treeHash(crypto: CryptoProvider, roots: readonly TreeNode[]): Uint8Array {
  const parts = [ROOTS];
  for (const root of roots) parts.push(root.hash, u64be(root.index), u64be(root.size));
  return crypto.blake2b(parts);
}
