/**
 * What a writer signed, and its bitfield does not tell of: an append that a crash cut short just before its bits, or
 * all that a bitfield told of which lost its end. A peer may have it, so to append something else in its place would
 * fork the feed.
 */
import { equals } from 'uint8arrays/equals';
import type { CryptoProvider } from '../crypto/provider.ts';
import { MAX_BLOCK_BYTES } from './block-reader.ts';
import type { Commit, Piece } from './files/commit.ts';
import type { SleepFiles } from './files/sleep-files.ts';
import { shortened } from './files/stored-length.ts';
import * as flat from './merkle/flat-tree.ts';
import { leaf, type TreeNode, treeHash } from './merkle/hash.ts';
import { grow } from './merkle/roots.ts';
import { verifySignature } from './merkle/signature.ts';
import { bytesOf, present } from './tree.ts';

/** Bytes of blocks that are kept in memory until they are stored, at the next signature. */
const STEP_BYTES = 1_048_576;

/**
 * Goes forward from the longest length that is signed over stored blocks whose bytes, hashes and signature agree, and
 * stores them anew, so that they are on the disk before their bits.
 *
 * @throws StorageError `damaged` where the bits tell of more than that, `platform` where the files cannot be read or
 * written
 */
export async function regain(files: SleepFiles, key: Uint8Array, crypto: CryptoProvider): Promise<void> {
  /** An append that failed may have left a signature where the next one has other roots. */
  const signatureOver = async (
    roots: readonly TreeNode[],
    length: number,
  ): Promise<Uint8Array | undefined> => {
    const bytes = await files.readSignature(length);
    if (bytes === undefined) return undefined;
    return (await verifySignature(crypto, key, bytes, treeHash(crypto, roots), length)) ? bytes : undefined;
  };
  const rootsOf = async (length: number): Promise<TreeNode[]> =>
    (await files.readNodes(flat.fullRoots(length))).map(present);
  const told = await files.findLength();
  let signed = told;
  let roots = await rootsOf(signed);
  while (signed > 0 && (await signatureOver(roots, signed)) === undefined) {
    signed = await files.findLength(signed - 1);
    roots = await rootsOf(signed);
  }
  let data: Piece[] = [];
  let nodes: TreeNode[] = [];
  const commits: Commit[] = [];
  const store = () => Promise.all(commits.splice(0).map((commit) => files.commit(commit)));
  const places = await files.signaturePlaces();
  let bytes = 0;
  for (let block = signed, offset = bytesOf(roots); block < places; block++) {
    const stored = await files.storedNode(2 * block);
    if (stored === undefined || stored.size > MAX_BLOCK_BYTES) break;
    const value = await files.readData(offset, stored.size);
    const node = leaf(crypto, block, value);
    if (!equals(node.hash, stored.hash)) break;
    data.push({ offset, bytes: value });
    nodes.push(...grow(crypto, roots, node));
    offset += stored.size;
    bytes += stored.size;
    const length = block + 1;
    const signature = await signatureOver(roots, length);
    if (signature === undefined) continue;
    const blocks = data.map((_, i) => length - data.length + i);
    commits.push({ data, nodes, blocks, signatures: [{ length, bytes: signature }] });
    [data, nodes, signed] = [[], [], length];
    if (bytes < STEP_BYTES) continue;
    await store();
    bytes = 0;
  }
  await store();
  if (signed < told) throw shortened('tree');
}
