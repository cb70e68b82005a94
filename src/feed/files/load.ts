/** What the files of a feed say, read once when they are opened, and what of it counts. */
import { StorageError } from '../../errors.ts';
import * as flat from '../merkle/flat-tree.ts';
import type { FileName, Storage } from '../storage.ts';
import { Bitfield } from './bitfield.ts';
import { type BitfieldPageSize, HEADER_BYTES, type HeadedFile, NODE_BYTES, readHeader } from './header.ts';

/** Bitfield pages read at once: some 230 KB. */
const PAGES_PER_READ = 64;

/** The files' state. */
export interface Loaded {
  /** 32 bytes, where a feed is stored. */
  readonly key: Uint8Array | undefined;
  /** 64 bytes, where it is ours to write. */
  readonly secretKey: Uint8Array | undefined;
  readonly bits: Bitfield;
  /** How many nodes the tree file has a whole place for. */
  readonly nodePlaces: number;
  /** The files whose header is there. */
  readonly headers: readonly HeadedFile[];
}

/**
 * Reads all but tree and data. Writes nothing.
 *
 * @throws StorageError `foreign` where the files are not those of a hypercore 7 feed
 */
export async function load(storage: Storage): Promise<Loaded> {
  const entryBytes = new Map<HeadedFile, number>();
  for (const name of ['tree', 'signatures', 'bitfield'] as const) {
    const file = storage.file(name);
    const bytes = await file.read(0, Math.min(await file.size(), HEADER_BYTES));
    const entry = readHeader(name, bytes);
    if (entry !== undefined) entryBytes.set(name, entry);
  }
  const bits = await loadBits(storage, entryBytes.get('bitfield') as BitfieldPageSize | undefined);
  const isEmpty = bits.lastNode(flat.MAX_NODE) === -1;
  // The headers go to the disk first: behind them, with nothing stored yet, a key may be cut off by a crash.
  const mayBeCut = isEmpty && entryBytes.size === 3;
  const key = await readKey(storage, 'key', 32, mayBeCut);
  const secretKey = await readKey(storage, 'secret_key', 64, mayBeCut);
  if (!entryBytes.has('tree') && (await storage.file('data').size()) > 0) {
    throw foreign('"data" has bytes, and "tree" none');
  }
  if (key === undefined && !isEmpty) throw foreign('there are blocks, and no "key" to prove them by');
  const treeBytes = await storage.file('tree').size();
  const nodePlaces = Math.max(0, Math.floor((treeBytes - HEADER_BYTES) / NODE_BYTES));
  return { key, secretKey, bits, nodePlaces, headers: [...entryBytes.keys()] };
}

/** Forgets what an interrupted commit left past the feed's end: a writer may put other blocks there. */
export function dropPast(bits: Bitfield, length: number): void {
  const end = 2 * length;
  bits.remove(length, Number.MAX_SAFE_INTEGER - length);
  dropNodes(bits, end);
  // A node before the end that reaches past it has the first block behind it below.
  let above = end;
  for (let levels = 0; levels < flat.MAX_DEPTH; levels++) {
    above = flat.parent(above, levels);
    bits.removeNode(above);
  }
}

/** Forgets the nodes from `start` on. */
export function dropNodes(bits: Bitfield, start: number): void {
  for (let node = bits.lastNode(flat.MAX_NODE); node >= start; node = bits.lastNode(node - 1))
    bits.removeNode(node);
}

/**
 * Forgets what cannot be proven any more in a feed of `length` whose tree file lost all from node `start` on. Where
 * that is below its last root, no more than the root is kept of it: blocks before `start` may lack nodes behind it.
 */
export function dropUnproven(bits: Bitfield, length: number, start: number): void {
  const root = flat.fullRoots(length).at(-1);
  if (root === undefined || flat.rightSpan(root) < start) return;
  dropPast(bits, flat.leftSpan(root) / 2);
  bits.addNode(root);
}

async function readKey(
  storage: Storage,
  name: FileName,
  length: number,
  mayBeCut: boolean,
): Promise<Uint8Array | undefined> {
  const file = storage.file(name);
  const size = await file.size();
  if (size === 0 || (size < length && mayBeCut)) return undefined;
  if (size !== length) throw foreign(`"${name}" has ${size} bytes, not ${length}`);
  return file.read(0, length);
}

async function loadBits(storage: Storage, pageSize: BitfieldPageSize | undefined): Promise<Bitfield> {
  const bits = new Bitfield(pageSize);
  if (pageSize === undefined) return bits;
  const file = storage.file('bitfield');
  // What a cut-off last page lacks reads as zeros.
  const pages = Math.ceil(((await file.size()) - HEADER_BYTES) / pageSize);
  for (let first = 0; first < pages; first += PAGES_PER_READ) {
    const count = Math.min(PAGES_PER_READ, pages - first);
    const bytes = await file.read(HEADER_BYTES + first * pageSize, count * pageSize);
    for (let i = 0; i < count; i++) bits.load(first + i, bytes.subarray(i * pageSize, (i + 1) * pageSize));
  }
  bits.clean();
  return bits;
}

function foreign(what: string): StorageError {
  return new StorageError(
    'foreign',
    `What is stored here is not a hypercore 7 feed: ${what}. It was left as it is; name another folder.`,
  );
}
