/** What is to be stored at once, and how it becomes writes. */
import { concat } from 'uint8arrays/concat';
import { assertBytes, assertInteger } from '../../errors.ts';
import * as flat from '../merkle/flat-tree.ts';
import { putU64, type TreeNode } from '../merkle/hash.ts';
import { HEADER_BYTES, NODE_BYTES, SIGNATURE_BYTES } from './header.ts';

/** Bytes that belong at an offset of a file. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Nobody changes the bytes any more, so the storage may keep them instead of a copy. */
  readonly isFinal?: boolean;
}

/**
 * Changes to a feed that are stored together. Arrays and bytes stay untouched until the commit has settled, and final
 * ones for good.
 */
export interface Commit {
  /** The feed's key, 32 bytes. The first commit to an empty place has it. */
  readonly key?: Uint8Array;
  /** 64 bytes, where the feed is ours to write. */
  readonly secretKey?: Uint8Array;
  /** Blocks' bytes, at their offsets in the feed. */
  readonly data?: readonly Piece[];
  readonly nodes?: readonly TreeNode[];
  /** Signatures (64 bytes), each over the feed at a `length`. */
  readonly signatures?: readonly { readonly length: number; readonly bytes: Uint8Array }[];
  /** The blocks that are held from now on. Their bytes and nodes are in this commit, or stored before. */
  readonly blocks?: readonly number[];
  /** Blocks, `start` to before `end`, that are not held any more. */
  readonly clear?: readonly (readonly [start: number, end: number])[];
}

/** Bytes copied together into one write at most. */
const JOIN = 1_048_576;
/** Bytes of a piece that is written by itself. */
const LARGE = 32_768;

/** Throws TypeError or RangeError for a commit that does not say what it should. */
export function assertCommit(commit: Commit): void {
  if (commit.key !== undefined) assertBytes('key', commit.key, 32);
  if (commit.secretKey !== undefined) assertBytes('secretKey', commit.secretKey, 64);
  for (const { offset, bytes } of commit.data ?? []) {
    assertBytes('data.bytes', bytes);
    assertInteger('data.offset', offset, 0, Number.MAX_SAFE_INTEGER - bytes.length);
  }
  for (const { index, hash, size } of commit.nodes ?? []) {
    assertInteger('nodes.index', index, 0, flat.MAX_NODE);
    assertBytes('nodes.hash', hash, 32);
    assertInteger('nodes.size', size);
  }
  for (const { length, bytes } of commit.signatures ?? []) {
    assertInteger('signatures.length', length, 1, 2 ** flat.MAX_DEPTH);
    assertBytes('signatures.bytes', bytes, SIGNATURE_BYTES);
  }
  for (const block of commit.blocks ?? []) assertInteger('blocks', block, 0, flat.MAX_NODE / 2);
  for (const [start, end] of commit.clear ?? []) {
    assertInteger('clear.start', start, 0, flat.MAX_NODE / 2);
    assertInteger('clear.end', end, start, flat.MAX_NODE / 2 + 1);
  }
}

/** Commits as one, so that they wait for the disk together. None but the last may clear. */
export function merge(commits: readonly Commit[]): Commit {
  if (commits.length === 1) return commits[0]!;
  const key = commits.find((commit) => commit.key !== undefined)?.key;
  const secretKey = commits.find((commit) => commit.secretKey !== undefined)?.secretKey;
  return {
    ...(key === undefined ? {} : { key }),
    ...(secretKey === undefined ? {} : { secretKey }),
    data: commits.flatMap((commit) => commit.data ?? []),
    nodes: commits.flatMap((commit) => commit.nodes ?? []),
    signatures: commits.flatMap((commit) => commit.signatures ?? []),
    blocks: commits.flatMap((commit) => commit.blocks ?? []),
    clear: commits.flatMap((commit) => commit.clear ?? []),
  };
}

/** Where a tree node is in its file. */
export function nodeOffset(index: number): number {
  return HEADER_BYTES + NODE_BYTES * index;
}

/** Where the signature over a length is in its file. */
export function signatureOffset(length: number): number {
  return HEADER_BYTES + SIGNATURE_BYTES * (length - 1);
}

/** Tree nodes as the file has them, each the hash, then the size in eight bytes; neighbours in one piece. */
export function nodePieces(nodes: readonly TreeNode[]): Piece[] {
  // The sort keeps the order of nodes at one place, so the last of them stays.
  const sorted = [...nodes].sort((a, b) => a.index - b.index);
  const pieces: Piece[] = [];
  for (let from = 0; from < sorted.length; ) {
    const first = sorted[from]!.index;
    let to = from;
    while (++to < sorted.length && sorted[to]!.index - sorted[to - 1]!.index <= 1);
    const bytes = new Uint8Array((sorted[to - 1]!.index - first + 1) * NODE_BYTES);
    for (; from < to; from++) {
      const node = sorted[from]!;
      putNode(bytes, (node.index - first) * NODE_BYTES, node);
    }
    pieces.push({ offset: nodeOffset(first), bytes });
  }
  return pieces;
}

/** Writes a tree node as the file has it. */
export function putNode(bytes: Uint8Array, at: number, { hash, size }: TreeNode): void {
  bytes.set(hash, at);
  putU64(bytes, at + 32, size);
}

/** Reads a tree node; all zeros are none, nor is one of a size that no feed has. */
export function parseNode(index: number, bytes: Uint8Array, at = 0): TreeNode | undefined {
  const size = getU32(bytes, at + 32) * 2 ** 32 + getU32(bytes, at + 36);
  if (!Number.isSafeInteger(size) || (size === 0 && isZero(bytes, at))) return undefined;
  return { index, hash: bytes.slice(at, at + 32), size };
}

function getU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function isZero(bytes: Uint8Array, start: number): boolean {
  for (let at = start; at < start + NODE_BYTES; at++) if (bytes[at] !== 0) return false;
  return true;
}

/**
 * Pieces in order of offset, small ones that touch joined: fewer writes, at the price of one copy, which costs more
 * than a write where they are large.
 */
export function joined(pieces: readonly Piece[]): Piece[] {
  if (pieces.length === 1) return pieces[0]!.bytes.length > 0 ? [pieces[0]!] : [];
  // The sort keeps the order of pieces at one offset, so the last of them is written last, and stays.
  const sorted = pieces.filter(({ bytes }) => bytes.length > 0).sort((a, b) => a.offset - b.offset);
  const writes: Piece[] = [];
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i]!;
    const run = [first.bytes];
    let end = first.offset + first.bytes.length;
    while (++i < sorted.length && sorted[i]!.offset === end) {
      const { bytes } = sorted[i]!;
      if (Math.max(first.bytes.length, bytes.length) > LARGE) break;
      if (end + bytes.length - first.offset > JOIN) break;
      run.push(bytes);
      end += bytes.length;
    }
    writes.push(run.length === 1 ? first : finalPiece(first.offset, concat(run, end - first.offset)));
  }
  return writes;
}

/** Of bytes that are ours: final, unless they are part of a larger buffer, as of Node's pool, which others have too. */
function finalPiece(offset: number, bytes: Uint8Array): Piece {
  return { offset, bytes, isFinal: bytes.byteLength === bytes.buffer.byteLength };
}

/**
 * Which of the pieces the storage may keep: final ones that have together at least half of their buffer. It would keep
 * all of that, and a peer could fill it with something else.
 */
export function keepable(pieces: readonly Piece[]): Set<Piece> {
  const final = pieces.filter(({ isFinal }) => isFinal);
  const lengths = new Map<ArrayBufferLike, number>();
  for (const { bytes } of final) lengths.set(bytes.buffer, (lengths.get(bytes.buffer) ?? 0) + bytes.length);
  return new Set(final.filter(({ bytes: { buffer } }) => 2 * lengths.get(buffer)! >= buffer.byteLength));
}

/**
 * The new nodes among the roots of the lengths that a commit brings. A feed is as long as all its roots are
 * there, so the bits of these are what makes the rest count, and go to the disk last.
 */
export function newRoots(nodes: readonly TreeNode[], signatures: Commit['signatures'] = []): number[] {
  const lengths = new Set(signatures.map(({ length }) => length));
  // A static feed has no signature: it is as long as its last node reaches.
  let end = 0;
  for (const { index } of nodes) end = Math.max(end, flat.rightSpan(index) / 2 + 1);
  lengths.add(end);
  const roots = new Set([...lengths].flatMap(flat.fullRoots));
  const found: number[] = [];
  for (const { index } of nodes) if (roots.has(index)) found.push(index);
  return found;
}

/** Blocks as runs of neighbours, in the order in which they are given. */
export function runs(blocks: readonly number[]): [start: number, length: number][] {
  const found: [start: number, length: number][] = [];
  for (const block of blocks) {
    const last = found.at(-1);
    if (last !== undefined && last[0] + last[1] === block) last[1]++;
    else found.push([block, 1]);
  }
  return found;
}
