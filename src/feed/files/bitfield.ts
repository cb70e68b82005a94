/**
 * Which blocks and which tree nodes are held: the bitfield file of a feed, in memory. Pages are those of
 * the file (1024 bytes of block bits, 2048 of tree bits, then the index), kept only where a bit is set,
 * so that a single far block costs one page. Block and node numbers go up to 2^53, so they are never put
 * through 32-bit operations.
 */
import { assertBytes, assertInteger } from '../../errors.ts';
import { countBits, fillBits, getBit, nextBit, previousBit, putBit } from '../bits.ts';
import { SparsePages } from '../sparse-pages.ts';
import { BitfieldIndex, summary } from './bitfield-index.ts';
import { type BitfieldPageSize, bitfieldPageSizes, PAGE_BLOCK_BYTES, PAGE_NODE_BYTES } from './header.ts';

/** Blocks of one page. */
const BLOCKS = 8 * PAGE_BLOCK_BYTES;
/** Tree nodes of one page. */
const NODES = 8 * PAGE_NODE_BYTES;
/** Blocks that one of a page's four topmost summaries stands for. */
const QUARTER = BLOCKS / 4;

/** The even nodes, those of blocks, among the eight of a byte: four bits. */
const LEAVES: Uint8Array = /* @__PURE__ */ Uint8Array.from(
  { length: 256 },
  (_, byte) => ((byte >> 4) & 8) | ((byte >> 3) & 4) | ((byte >> 2) & 2) | ((byte >> 1) & 1),
);

interface Page {
  readonly blocks: Uint8Array;
  readonly nodes: Uint8Array;
  /** Held blocks of each quarter. */
  readonly quarters: [number, number, number, number];
  /** Held blocks of the page. */
  held: number;
}

/** The bits of one feed. A range is `start` to before `end`. */
export class Bitfield {
  readonly pageSize: BitfieldPageSize;
  readonly #pages = new SparsePages<Page>();
  readonly #index = new BitfieldIndex();
  readonly #dirty = new Set<number>();
  #pageCount = 0;

  constructor(pageSize: BitfieldPageSize = bitfieldPageSizes[0]) {
    if (!bitfieldPageSizes.includes(pageSize)) {
      throw new RangeError(`"pageSize" expected ${bitfieldPageSizes.join(' or ')}, got ${pageSize}`);
    }
    this.pageSize = pageSize;
  }

  /** Pages that the file has once all is written, holes counted. */
  get pageCount(): number {
    return this.#pageCount;
  }

  /** Whether the block is held. */
  has(block: number): boolean {
    const number = Math.floor(block / BLOCKS);
    const page = this.#pages.get(number);
    return page !== undefined && getBit(page.blocks, block - number * BLOCKS);
  }

  /** Notes `length` blocks from `start` as held. Allocates their pages, so only for what is stored. */
  add(start: number, length = 1): void {
    const end = rangeEnd(start, length);
    for (let at = start; at < end; ) {
      const number = Math.floor(at / BLOCKS);
      const stop = Math.min(end, (number + 1) * BLOCKS);
      this.#fill(number, this.#page(number), at - number * BLOCKS, stop - number * BLOCKS, true);
      at = stop;
    }
  }

  /** Notes `length` blocks from `start` as not held. */
  remove(start: number, length = 1): void {
    const end = rangeEnd(start, length);
    for (let i = this.#pages.position(Math.floor(start / BLOCKS)); i < this.#pages.size; i++) {
      const number = this.#pages.numberAt(i)!;
      const from = Math.max(start - number * BLOCKS, 0);
      const to = Math.min(end - number * BLOCKS, BLOCKS);
      if (to <= 0) return;
      const page = this.#pages.get(number)!;
      if (page.held > 0) this.#fill(number, page, from, to, false);
    }
  }

  /** Whether the tree node is held. */
  hasNode(index: number): boolean {
    const number = Math.floor(index / NODES);
    const page = this.#pages.get(number);
    return page !== undefined && getBit(page.nodes, index - number * NODES);
  }

  /** Notes a tree node as held. */
  addNode(index: number): void {
    this.#setNode(index, true);
  }

  /** Notes a tree node as not held. */
  removeNode(index: number): void {
    if (this.hasNode(index)) this.#setNode(index, false);
  }

  /** The highest tree node at or below `index` that is held, or -1. */
  lastNode(index: number): number {
    const first = Math.floor(index / NODES);
    for (let i = this.#pages.position(first + 1) - 1; i >= 0; i--) {
      const number = this.#pages.numberAt(i)!;
      const from = number === first ? index - number * NODES : NODES - 1;
      const found = previousBit(this.#pages.get(number)!.nodes, from);
      if (found !== -1) return number * NODES + found;
    }
    return -1;
  }

  /** The first block from `start` to before `end` that is not held, or -1. */
  nextMissing(start: number, end: number): number {
    for (let at = start; at < end; ) {
      const number = Math.floor(at / BLOCKS);
      const page = this.#pages.get(number);
      if (page === undefined || page.held === 0) return at;
      const base = number * BLOCKS;
      if (page.held < BLOCKS) {
        const found = nextBit(page.blocks, at - base, Math.min(end - base, BLOCKS), false);
        if (found !== -1) return base + found;
      }
      at = base + BLOCKS;
    }
    return -1;
  }

  /** How many blocks from `start` to before `end` are held. */
  count(start: number, end: number): number {
    let count = 0;
    for (let i = this.#pages.position(Math.floor(start / BLOCKS)); i < this.#pages.size; i++) {
      const number = this.#pages.numberAt(i)!;
      const from = Math.max(start - number * BLOCKS, 0);
      const to = Math.min(end - number * BLOCKS, BLOCKS);
      if (to <= 0) break;
      const page = this.#pages.get(number)!;
      count += from === 0 && to === BLOCKS ? page.held : countBits(page.blocks, from, to);
    }
    return count;
  }

  /**
   * The bits of `length` blocks from `start` (a multiple of 8) in bytes of their own, first block in `0x80`,
   * spare bits of the last byte zero. Allocates `length / 8` bytes: cut a remote's range to the feed first.
   */
  slice(start: number, length: number): Uint8Array {
    const end = rangeEnd(start, length);
    if (start % 8 !== 0) throw new RangeError(`"start" expected a multiple of 8, got ${start}`);
    const bytes = new Uint8Array(Math.ceil(length / 8));
    for (let i = this.#pages.position(Math.floor(start / BLOCKS)); i < this.#pages.size; i++) {
      const number = this.#pages.numberAt(i)!;
      const from = Math.max(start - number * BLOCKS, 0);
      const to = Math.min(end - number * BLOCKS, BLOCKS);
      if (to <= 0) break;
      const part = this.#pages.get(number)!.blocks.subarray(from / 8, Math.ceil(to / 8));
      bytes.set(part, (number * BLOCKS + from - start) / 8);
    }
    if (length % 8 !== 0) fillBits(bytes.subarray(bytes.length - 1), length % 8, 8, false);
    return bytes;
  }

  /** The pages that differ from the file since {@link clean}, ascending. */
  dirty(): number[] {
    return [...this.#dirty].sort((a, b) => a - b);
  }

  /** Notes that the file has all of it. */
  clean(): void {
    this.#dirty.clear();
  }

  /** One page as the file has it, in bytes of its own. */
  page(number: number): Uint8Array {
    const bytes = new Uint8Array(this.pageSize);
    const page = this.#pages.get(number);
    if (page !== undefined) {
      bytes.set(page.blocks);
      bytes.set(page.nodes, PAGE_BLOCK_BYTES);
    }
    const length = this.#indexSize;
    const blocksOf = (page: number): Uint8Array | undefined => {
      const found = this.#pages.get(page);
      return found === undefined || found.held === 0 ? undefined : found.blocks;
    };
    const index = this.#index.bytes(number * length, length, blocksOf);
    bytes.set(index, PAGE_BLOCK_BYTES + PAGE_NODE_BYTES);
    return bytes;
  }

  /**
   * Takes a page of the file, into an empty bitfield. Its index part is not believed, nor is a block whose
   * own tree node is missing: a page that was cut off while it was written can have that.
   */
  load(number: number, bytes: Uint8Array): void {
    assertBytes('bytes', bytes, this.pageSize);
    const blocks = bytes.slice(0, PAGE_BLOCK_BYTES);
    const nodes = bytes.slice(PAGE_BLOCK_BYTES, PAGE_BLOCK_BYTES + PAGE_NODE_BYTES);
    for (let i = 0; i < PAGE_BLOCK_BYTES; i++)
      blocks[i]! &= (LEAVES[nodes[2 * i]!]! << 4) | LEAVES[nodes[2 * i + 1]!]!;
    this.#grow(number + 1);
    if (nextBit(blocks, 0, BLOCKS, true) === -1 && nextBit(nodes, 0, NODES, true) === -1) return;
    const page: Page = { blocks, nodes, quarters: [0, 0, 0, 0], held: 0 };
    this.#pages.set(number, page);
    for (let quarter = 0; quarter < 4; quarter++) {
      page.quarters[quarter] = countBits(blocks, quarter * QUARTER, (quarter + 1) * QUARTER);
      page.held += page.quarters[quarter]!;
    }
    this.#summarise(number, page);
  }

  get #indexSize(): number {
    return this.pageSize - PAGE_BLOCK_BYTES - PAGE_NODE_BYTES;
  }

  #page(number: number): Page {
    let page = this.#pages.get(number);
    if (page === undefined) {
      const blocks = new Uint8Array(PAGE_BLOCK_BYTES);
      page = { blocks, nodes: new Uint8Array(PAGE_NODE_BYTES), quarters: [0, 0, 0, 0], held: 0 };
      this.#pages.set(number, page);
      this.#grow(number + 1);
    }
    return page;
  }

  #setNode(index: number, value: boolean): void {
    assertInteger('index', index);
    const number = Math.floor(index / NODES);
    putBit(this.#page(number).nodes, index - number * NODES, value);
    this.#dirty.add(number);
  }

  #fill(number: number, page: Page, from: number, to: number, value: boolean): void {
    let changed = false;
    for (let quarter = 0; quarter < 4; quarter++) {
      const start = Math.max(from, quarter * QUARTER);
      const end = Math.min(to, (quarter + 1) * QUARTER);
      if (start >= end) continue;
      const change = (value ? end - start : 0) - countBits(page.blocks, start, end);
      changed ||= change !== 0;
      page.quarters[quarter]! += change;
      page.held += change;
    }
    if (!changed) return;
    fillBits(page.blocks, from, to, value);
    this.#dirty.add(number);
    // A page of the old size keeps the index of another: half of it in each of two.
    if (this.#indexSize === 256) for (const half of [2 * number, 2 * number + 1]) this.#touch(256 * half);
    this.#summarise(number, page);
  }

  #summarise(number: number, page: Page): void {
    const quarters = page.quarters.reduce((byte, held) => (byte << 2) | summary(held, QUARTER), 0);
    this.#index.set(number, quarters, (indexByte) => this.#touch(indexByte));
  }

  /** Marks the page that has an index byte. A byte past the file's end waits until the file has grown. */
  #touch(indexByte: number): void {
    const number = Math.floor(indexByte / this.#indexSize);
    if (number < this.#pageCount) this.#dirty.add(number);
  }

  #grow(pageCount: number): void {
    if (pageCount <= this.#pageCount) return;
    const before = this.#pageCount * this.#indexSize;
    this.#pageCount = pageCount;
    for (const byte of this.#index.spine(before, pageCount * this.#indexSize)) this.#touch(byte);
  }
}

/** The end of a range of blocks. @throws RangeError for a range past 2^53. */
function rangeEnd(start: number, length: number): number {
  assertInteger('start', start);
  assertInteger('length', length, 0, Number.MAX_SAFE_INTEGER - start);
  return start + length;
}
