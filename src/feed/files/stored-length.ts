/** How long a feed is, found from what is stored: the tree bits and the signatures. Nothing states it. */
import { StorageError } from '../../errors.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import * as flat from '../merkle/flat-tree.ts';
import type { TreeNode } from '../merkle/hash.ts';
import type { FileName } from '../storage.ts';
import type { Bitfield } from './bitfield.ts';

/** What the search looks at. */
export interface StoredTree {
  readonly bits: Pick<Bitfield, 'hasNode' | 'lastNode'>;
  /** The longest length that has a place in the file of signatures; 0 for a static feed. */
  readonly signatures: number;
  /** The longest length to look for, where not any. */
  readonly limit?: number | undefined;
  /** Whether the secret key is here: what is appended behind a length that is too short forks the feed. */
  readonly isWritable: boolean;
  readSignature(length: number): MaybePromise<Uint8Array | undefined>;
  readNode(index: number): MaybePromise<TreeNode | undefined>;
}

/**
 * The longest length whose full roots are all held and, unless no signature was ever stored, that has one.
 * What a crash left behind past it does not count.
 *
 * @throws StorageError `damaged` where the feed is writable and was longer. Nodes and signatures are on the disk
 * before the bits that tell of them, so no crash leaves a bit alone. The other way round it can.
 */
export async function storedLength(tree: StoredTree): Promise<number> {
  const isStatic = tree.signatures === 0 && !tree.isWritable;
  const { limit = Number.POSITIVE_INFINITY } = tree;
  let length = longest(tree.bits, Math.min(limit, isStatic ? 2 ** flat.MAX_DEPTH : tree.signatures));
  while (length > 0) {
    if ((await hasRoots(tree, length)) && (isStatic || (await tree.readSignature(length)) !== undefined))
      break;
    length = longest(tree.bits, length - 1);
  }
  if (tree.isWritable) await assertSigned(tree, length);
  return length;
}

async function hasRoots({ bits, isWritable, readNode }: StoredTree, length: number): Promise<boolean> {
  const roots = flat.fullRoots(length);
  if (!roots.every((root) => bits.hasNode(root))) return false;
  // A loss of power can leave a bit without its node, where another program did not wait for the disk.
  for (const root of roots) {
    if ((await readNode(root)) !== undefined) continue;
    if (isWritable) throw shortened('tree');
    return false;
  }
  return true;
}

/** A batch that a crash cut short has bits past `length`, and its signature at its own end. */
async function assertSigned({ bits, signatures, readSignature }: StoredTree, length: number): Promise<void> {
  const reach = Math.floor(bits.lastNode(flat.MAX_NODE) / 2) + 1;
  if (reach <= length) return;
  // From the end: the last place nearly always has one.
  for (let at = signatures; at >= reach; at--) if ((await readSignature(at)) !== undefined) return;
  throw shortened('signatures');
}

/** What to tell a writer whose `file` lacks what the bitfield says is there. */
export function shortened(file: FileName): StorageError {
  return new StorageError(
    'damaged',
    `the file "${file}" lacks what proves the blocks that the bitfield tells of: the folder was damaged, and to ` +
      'append to it would fork the feed. It was left as it is. Restore it from a backup; or sync the whole feed ' +
      'from a peer into another folder, and copy the file "secret_key" there',
  );
}

/** The longest length of at most `limit` that ends where a held node does, or 0. */
function longest(bits: StoredTree['bits'], limit: number): number {
  if (limit < 1) return 0;
  const last = 2 * limit - 2;
  let node = bits.lastNode(last);
  // Only the nodes above the limit's own block reach past it, so these steps are few.
  while (node !== -1 && flat.rightSpan(node) > last) node = bits.lastNode(node - 1);
  if (node === -1) return 0;
  let end = flat.rightSpan(node);
  // A node with a smaller number that reaches further has this one below it.
  for (let levels = flat.depth(node); levels < flat.MAX_DEPTH; levels++) {
    node = flat.parent(node, levels);
    const span = flat.rightSpan(node, levels + 1);
    if (span > last) break;
    if (bits.hasNode(node)) end = span;
  }
  return end / 2 + 1;
}
