/** The large pieces of a file in memory, each in an array of its own, or as it was handed over. */

/** Bytes from which on an array of their own costs less than pages. */
const LARGE_BYTES = 8192;
/** The smallest part of a buffer that is kept for its sake. Blocks come from a peer up to seven in a chunk. */
const PART = 1 / 8;
/** The same of what is left of an extent: what was cut off, or is overwritten, would stay as long. */
const REST_PART = 1 / 2;

/** Bytes that lie at an offset of a file. Nobody changes them. */
export interface Extent {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Whether bytes are enough for an extent. */
export function isLarge({ length }: Uint8Array): boolean {
  return length >= LARGE_BYTES;
}

/** Whether bytes are enough of their buffer, which is kept from being freed as a whole. */
export function isEnough({ length, buffer }: Uint8Array, part: number = PART): boolean {
  return length >= part * buffer.byteLength;
}

/** Extents that do not overlap, in order of offset. Their bytes may be viewed for as long as one likes. */
export class Extents {
  readonly #extents: Extent[] = [];

  /** The first one with a byte from `start` to before `end`. */
  find(start: number, end: number): Extent | undefined {
    const found = this.#extents[this.#position(start)];
    return found !== undefined && found.offset < end ? found : undefined;
  }

  /** Puts what is here of the bytes at `offset` into `bytes`. */
  copyTo(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    for (let i = this.#position(offset); i < this.#extents.length; i++) {
      const extent = this.#extents[i]!;
      if (extent.offset >= end) return;
      const part = extent.bytes.subarray(Math.max(0, offset - extent.offset), end - extent.offset);
      bytes.set(part, Math.max(0, extent.offset - offset));
    }
  }

  /** Keeps bytes, where nothing is: see {@link remove}. */
  add(offset: number, { buffer, byteOffset, length }: Uint8Array): void {
    // Plain, since they may be a Buffer, whose own `slice` is no copy.
    const extent = { offset, bytes: new Uint8Array(buffer, byteOffset, length) };
    this.#extents.splice(this.#position(offset), 0, extent);
  }

  /**
   * Has nothing from `start` to before `end` any more. Returns what is left of extents that it cut, where that is not
   * enough for one.
   */
  remove(start: number, end: number): Extent[] {
    const small: Extent[] = [];
    const first = this.#position(start);
    let last = first;
    const kept: Extent[] = [];
    for (; last < this.#extents.length && this.#extents[last]!.offset < end; last++) {
      const { offset, bytes } = this.#extents[last]!;
      const before = { offset, bytes: bytes.subarray(0, Math.max(0, start - offset)) };
      const behind = { offset: end, bytes: bytes.subarray(end - offset) };
      for (const rest of [before, behind]) {
        if (isLarge(rest.bytes) && isEnough(rest.bytes, REST_PART)) kept.push(rest);
        else if (rest.bytes.length > 0) small.push(rest);
      }
    }
    this.#extents.splice(first, last - first, ...kept);
    return small;
  }

  /** The place in the order of the first one that ends behind `offset`. */
  #position(offset: number): number {
    const isBehind = ({ offset: start, bytes }: Extent): boolean => start + bytes.length > offset;
    const last = this.#extents.at(-1);
    // Nearly always: what comes is appended.
    if (last === undefined || !isBehind(last)) return this.#extents.length;
    let low = 0;
    let high = this.#extents.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBehind(this.#extents[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
