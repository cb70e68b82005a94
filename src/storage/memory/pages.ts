/** The small pieces of a file in memory. What is on no page is zeros. */

/** Bytes of a page. Small, since hashes, bits and what is left of blocks can be far from each other. */
const PAGE = 4096;
/** The initial size of a page, which then doubles, so that many small feeds stay small. */
const FIRST = 256;

export class Pages {
  /** By number; one may be shorter than {@link PAGE}, and what is missing is zeros. */
  readonly #pages = new Map<number, Uint8Array>();

  /** Fills `bytes`, which are zeros, with what is at `offset`. */
  copyTo(bytes: Uint8Array, offset: number): void {
    for (let at = 0; at < bytes.length; ) {
      const number = Math.floor((offset + at) / PAGE);
      const from = offset + at - number * PAGE;
      const to = Math.min(from + bytes.length - at, PAGE);
      const page = this.#pages.get(number);
      if (page !== undefined) bytes.set(page.subarray(from, to), at);
      at += to - from;
    }
  }

  /** The bytes of a range, where one page has them all. They change only when they are written. */
  view(offset: number, length: number): Uint8Array | undefined {
    const number = Math.floor(offset / PAGE);
    const from = offset - number * PAGE;
    const page = this.#pages.get(number);
    if (page === undefined || from + length > page.length) return undefined;
    return page.subarray(from, from + length);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const number = Math.floor((offset + at) / PAGE);
      const from = offset + at - number * PAGE;
      const to = Math.min(from + bytes.length - at, PAGE);
      this.#page(number, to).set(bytes.subarray(at, at + to - from), from);
      at += to - from;
    }
  }

  /** Makes zeros of a range, which may span far more than there is. */
  discard(offset: number, length: number): void {
    const end = offset + length;
    for (const [number, page] of this.#pages) {
      const from = Math.max(offset - number * PAGE, 0);
      const to = Math.min(end - number * PAGE, PAGE);
      if (from === 0 && to === PAGE) this.#pages.delete(number);
      // A view of it stays as it is.
      else if (from < to) this.#pages.set(number, page.slice().fill(0, from, to));
    }
  }

  /** Frees the pages that lie in a range with all they have. The rest of it stays. */
  free(offset: number, length: number): void {
    const end = Math.floor((offset + length) / PAGE);
    for (let number = Math.ceil(offset / PAGE); number < end; number++) this.#pages.delete(number);
  }

  #page(number: number, length: number): Uint8Array {
    const page = this.#pages.get(number);
    if (page !== undefined && page.length >= length) return page;
    let size = page?.length ?? FIRST;
    while (size < length) size *= 2;
    const grown = new Uint8Array(size);
    if (page !== undefined) grown.set(page);
    this.#pages.set(number, grown);
    return grown;
  }
}
