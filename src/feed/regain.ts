/**
 * What a writer signed, and its bitfield does not tell of: an append that a crash cut short just before its bits, or
 * all that a bitfield told of which lost its end. A peer may have it, so to append something else in its place would
 * fork the feed.
 */
import { equals } from 'uint8arrays/equals';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Commit, Piece } from './files/commit.ts';
import type { SleepFiles } from './files/sleep-files.ts';
import { leaf, type TreeNode, treeHash } from './merkle/hash.ts';
import { bytesOf, grow, span } from './merkle/roots.ts';
import { verifySignature } from './merkle/signature.ts';

/** Bytes of blocks that are kept in memory until they are stored, at the next signature. */
const STEP_BYTES = 1_048_576;

/**
 * Goes forward from `roots` over stored blocks whose bytes, hashes and signature agree, and stores them anew, so
 * that they are on the disk before their bits.
 *
 * @param maxBlockBytes a larger size cannot be that of a block
 * @returns the roots of the length that the feed has then
 * @throws StorageError `platform` where the files cannot be read or written
 */
export async function regain(
  files: SleepFiles,
  crypto: CryptoProvider,
  key: Uint8Array,
  roots: readonly TreeNode[],
  maxBlockBytes: number,
): Promise<TreeNode[]> {
  const growing = [...roots];
  let signed = [...roots];
  let data: Piece[] = [];
  let nodes: TreeNode[] = [];
  const commits: Commit[] = [];
  const store = () => Promise.all(commits.splice(0).map((commit) => files.commit(commit)));
  const places = await files.signaturePlaces();
  let bytes = 0;
  for (let block = span(roots), offset = bytesOf(roots); block < places; block++) {
    const told = await files.storedNode(2 * block);
    if (told === undefined || told.size > maxBlockBytes) break;
    const value = await files.readData(offset, told.size);
    const node = leaf(crypto, block, value);
    if (!equals(node.hash, told.hash)) break;
    data.push({ offset, bytes: value });
    nodes.push(...grow(crypto, growing, node));
    offset += told.size;
    bytes += told.size;
    const length = block + 1;
    const signature = await files.readSignature(length);
    if (signature === undefined) continue;
    // An append that failed may have left one behind the end of the next.
    if (!(await verifySignature(crypto, key, signature, treeHash(crypto, growing), length))) continue;
    const blocks = data.map((_, i) => length - data.length + i);
    commits.push({ data, nodes, blocks, signatures: [{ length, bytes: signature }] });
    [data, nodes, signed] = [[], [], [...growing]];
    if (bytes < STEP_BYTES) continue;
    await store();
    bytes = 0;
  }
  await store();
  return signed;
}
