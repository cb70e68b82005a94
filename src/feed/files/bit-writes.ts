/** The writes to the bitfield file that make a commit count, in the order that a crash may cut short. */

import type { TreeNode } from '../merkle/hash.ts';
import type { Bitfield } from './bitfield.ts';
import { type Commit, type Piece, runs } from './commit.ts';
import { HEADER_BYTES, PAGE_BLOCK_BYTES, PAGE_NODE_BYTES } from './header.ts';

/** What a disk writes as a whole, or not at all. */
const SECTOR_BYTES = 4096;

/** The page that has a node's bit. */
const pageOf = (node: number): number => Math.floor(node / (8 * PAGE_NODE_BYTES));
const sectorOf = (offset: number): number => Math.floor(offset / SECTOR_BYTES);
const endOf = ({ offset, bytes }: Piece): number => offset + bytes.length;

/**
 * The writes in groups, each of which is to be on the disk before the next. A commit within one page that lies in
 * one sector is one write. Over several, the nodes come first, so that no block is held without its proof; then the pages; and
 * last those with new roots, which make the feed longer.
 *
 * On return cleared blocks are gone from `bits`, so that nothing is reported that may be lost; the new blocks
 * and nodes are not in it, since the file does not have them yet. All pages stay dirty until all is written.
 *
 * @param blocks those not held before and held from now on
 * @param nodes those not held before
 * @param roots those of `nodes` that make the feed longer
 */
export function bitWrites(
  bits: Bitfield,
  blocks: readonly number[],
  nodes: readonly TreeNode[],
  roots: readonly number[],
  clear: NonNullable<Commit['clear']>,
): Piece[][] {
  const added = runs(blocks);
  for (const [start, length] of added) bits.add(start, length);
  for (const { index } of nodes) bits.addNode(index);
  for (const [start, end] of clear) bits.remove(start, end - start);
  const dirty = bits.dirty();
  const whole = dirty.map((page) => pageBits(bits, page));
  for (const root of roots) bits.removeNode(root);
  const isOneSector = whole.length === 1 && sectorOf(whole[0]!.offset) === sectorOf(endOf(whole[0]!) - 1);
  // None but the pages that have one are another page without it.
  const rootPages = new Set(roots.map(pageOf));
  const rootless = isOneSector
    ? []
    : whole.map((piece, i) => (rootPages.has(dirty[i]!) ? pageBits(bits, dirty[i]!) : piece));
  for (const { index } of nodes) bits.removeNode(index);
  for (const [start, length] of added) bits.remove(start, length);
  if (dirty.length === 0) return [];
  if (isOneSector) return [whole];
  const nodesAlone = rootless.map(({ offset, bytes }) => ({
    offset: offset + PAGE_BLOCK_BYTES,
    bytes: bytes.subarray(PAGE_BLOCK_BYTES, PAGE_BLOCK_BYTES + PAGE_NODE_BYTES),
  }));
  const rooted = whole.filter((_, i) => rootPages.has(dirty[i]!));
  return rooted.length === 0 ? [nodesAlone, rootless] : [nodesAlone, rootless, rooted];
}

/** A page, where it belongs in the file. */
export function pageBits(bits: Bitfield, page: number): Piece {
  return { offset: HEADER_BYTES + page * bits.pageSize, bytes: bits.page(page) };
}

/** The byte that has a node's bit, where it belongs in the file. */
export function nodeBits(bits: Bitfield, node: number): Piece {
  const page = pageOf(node);
  const { offset, bytes } = pageBits(bits, page);
  const at = PAGE_BLOCK_BYTES + Math.floor(node / 8) - page * PAGE_NODE_BYTES;
  return { offset: offset + at, bytes: bytes.subarray(at, at + 1) };
}
