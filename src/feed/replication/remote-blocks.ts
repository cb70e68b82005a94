/**
 * What one peer says that it holds. The peer may say anything, so each message costs what it is long, not
 * what it announces: whole pages of blocks are kept as runs, and bits only where a page is held in part.
 */
import { assertBytes, assertInteger, ProtocolError } from '../../errors.ts';
import { fillBits, getBit, nextBit, previousBit } from '../bits.ts';
import { SparsePages } from '../sparse-pages.ts';
import { PageRuns } from './page-runs.ts';

/** Blocks of one page, as in hypercore's bitfield file, and the grain of its Wants. */
const BLOCKS = 8192;
const BYTES = BLOCKS / 8;

/** Pages held in part that are kept for one peer: 4 MiB, for 33 million blocks without one whole page among them. */
const MAX_BIT_PAGES = 4096;
/** Runs of whole pages: more have only peers with over a thousand holes of 8192 blocks or more. */
const MAX_RUNS = 1024;

/** The blocks of one peer. Every method throws TypeError or RangeError for numbers that are no blocks. */
export class RemoteBlocks {
  /** Pages held in part: never empty, never full. */
  readonly #bits = new SparsePages<Uint8Array>();
  /** Pages held as a whole. */
  readonly #whole = new PageRuns();

  /** What was found last, until something changes. */
  #length: number | undefined = 0;

  /** The highest block held, and one; 0 where none is. */
  get length(): number {
    this.#length ??= this.#findLength();
    return this.#length;
  }

  #findLength(): number {
    const last = this.#bits.last;
    const bits = this.#bits.get(last);
    const partial = bits === undefined ? 0 : last * BLOCKS + previousBit(bits, BLOCKS - 1) + 1;
    return Math.max(partial, this.#whole.end * BLOCKS);
  }

  /** Whether the peer says that it holds the block. */
  has(block: number): boolean {
    const page = Math.floor(block / BLOCKS);
    const bits = this.#bits.get(page);
    return bits === undefined ? this.#whole.has(page) : getBit(bits, block - page * BLOCKS);
  }

  /** The first block held from `start` to before `end`, or -1. */
  next(start: number, end: number = Number.MAX_SAFE_INTEGER): number {
    const first = Math.floor(start / BLOCKS);
    const whole = Math.max(this.#whole.next(first) * BLOCKS, start);
    const limit = Math.min(end, whole);
    for (let i = this.#bits.position(first); i < this.#bits.size; i++) {
      const page = this.#bits.numberAt(i)!;
      const base = page * BLOCKS;
      if (base >= limit) break;
      const found = nextBit(this.#bits.get(page)!, Math.max(start - base, 0), BLOCKS, true);
      if (found !== -1) return base + found < end ? base + found : -1;
    }
    return whole < end ? whole : -1;
  }

  /**
   * Notes `length` blocks from `start` as held (a plain Have).
   *
   * @throws ProtocolError `have-flood` when what is held is scattered beyond the limits
   */
  add(start: number, length = 1): void {
    this.#range(start, length, true);
  }

  /**
   * Notes `length` blocks from `start` as not held (an Unhave).
   *
   * @throws ProtocolError `have-flood` when what is left is scattered beyond the limits
   */
  remove(start: number, length = 1): void {
    this.#range(start, length, false);
  }

  /**
   * Notes what a Have with a bitfield says of the `length` blocks from `start`, in place of what was known of
   * them. Blocks past the bits are not held; bits past the range are not looked at. `bits` is copied.
   *
   * @param start a multiple of 8
   * @param bits first block in `0x80` of the first byte
   * @throws ProtocolError `have-flood` when what is held is scattered beyond the limits
   */
  replace(start: number, length: number, bits: Uint8Array): void {
    assertBytes('bits', bits);
    if (start % 8 !== 0) throw new RangeError(`"start" expected a multiple of 8, got ${start}`);
    this.#range(start, length, false);
    const end = Math.min(cut(start, length), start + bits.length * 8);
    for (let at = start; at < end; ) {
      const page = Math.floor(at / BLOCKS);
      const from = at - page * BLOCKS;
      const to = Math.min(end - page * BLOCKS, BLOCKS);
      const offset = (at - start) / 8;
      this.#merge(page, from, to, bits.subarray(offset, offset + Math.ceil((to - from) / 8)));
      at = page * BLOCKS + to;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#bits.clear();
    this.#whole.clear();
    this.#length = 0;
  }

  #range(start: number, length: number, value: boolean): void {
    assertInteger('start', start);
    assertInteger('length', length);
    const end = cut(start, length);
    this.#length = undefined;
    const first = Math.ceil(start / BLOCKS);
    const last = Math.floor(end / BLOCKS);
    if (first > last) {
      this.#part(last, start - last * BLOCKS, end - last * BLOCKS, value);
      return;
    }
    if (first < last) {
      this.#bits.delete(first, last);
      if (value) this.#whole.add(first, last);
      else this.#whole.delete(first, last);
    }
    this.#part(first - 1, start - (first - 1) * BLOCKS, BLOCKS, value);
    this.#part(last, 0, end - last * BLOCKS, value);
    this.#check();
  }

  /** Sets or clears blocks `from` to before `to` of one page. */
  #part(page: number, from: number, to: number, value: boolean): void {
    if (from >= to) return;
    const known = this.#bits.get(page);
    if (known === undefined && this.#whole.has(page) === value) return;
    const bits = known ?? this.#fresh(page);
    fillBits(bits, from, to, value);
    this.#settle(page, bits);
  }

  /** Adds the set ones of `bits`, which stand for blocks `from` to before `to` of one page; none is held yet. */
  #merge(page: number, from: number, to: number, bits: Uint8Array): void {
    if (nextBit(bits, 0, to - from, true) === -1) return;
    if (to - from === BLOCKS && nextBit(bits, 0, BLOCKS, false) === -1) {
      // None of it was held: it has no bits.
      this.#length = undefined;
      this.#whole.add(page, page + 1);
      return this.#check();
    }
    const into = this.#bits.get(page) ?? this.#fresh(page);
    // The rest of the last byte may belong to blocks behind the range, which stay as they are.
    const behind = to % 8 === 0 ? 0 : into[to >> 3]! & (0xff >> (to & 7));
    into.set(bits, from / 8);
    if (to % 8 !== 0) into[to >> 3] = (into[to >> 3]! & ~(0xff >> (to & 7))) | behind;
    this.#settle(page, into);
  }

  /** The bits of a page that is held as a whole, or not at all. */
  #fresh(page: number): Uint8Array {
    const bits = new Uint8Array(BYTES);
    if (this.#whole.has(page)) bits.fill(0xff);
    return bits;
  }

  /** Keeps a page in the form that it has now. */
  #settle(page: number, bits: Uint8Array): void {
    this.#length = undefined;
    const isEmpty = nextBit(bits, 0, BLOCKS, true) === -1;
    const isFull = !isEmpty && nextBit(bits, 0, BLOCKS, false) === -1;
    if (isEmpty || isFull) this.#bits.delete(page, page + 1);
    else this.#bits.set(page, bits);
    if (isFull) this.#whole.add(page, page + 1);
    else this.#whole.delete(page, page + 1);
    this.#check();
  }

  #check(): void {
    if (this.#bits.size <= MAX_BIT_PAGES && this.#whole.size <= MAX_RUNS) return;
    throw new ProtocolError(
      'have-flood',
      `the remote announces blocks scattered over ${this.#bits.size} pages of ${BLOCKS} in part and ` +
        `${this.#whole.size} runs of whole pages, where at most ${MAX_BIT_PAGES} and ${MAX_RUNS} are kept: ` +
        'take the feed from another peer',
    );
  }
}

/** The end of a range; one that would pass 2^53-1 ends there, since no block is beyond. */
function cut(start: number, length: number): number {
  return Math.min(start + length, Number.MAX_SAFE_INTEGER);
}
