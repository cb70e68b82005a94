/**
 * A feed kept in memory, for as long as the object is. Every answer is synchronous.
 *
 * @module hypercore-wire/storage/memory
 */
import { assertBytes, assertInteger, StorageError } from '../errors.ts';
import type { FileName, Storage, StorageFile } from '../feed/storage.ts';

/** Bytes of one page: a block written far out takes one page, not all those before it. */
const PAGE = 65536;
/** The same of the other files, where hashes and bits of a few blocks are far from each other. */
const SMALL_PAGE = 4096;
/** The initial size of a page, which then doubles, so that many small feeds stay small. */
const FIRST = 256;

/** A file in memory. Its content can be read whether the storage is open or not. */
export interface MemoryFile extends StorageFile {
  size(): number;
  read(offset: number, length: number): Uint8Array;
  view(offset: number, length: number): Uint8Array;
  write(offset: number, bytes: Uint8Array): void;
  discard(offset: number, length: number): void;
  flush(): void;
}

/** A place in memory. Closed and opened again it still has its content, as a folder would. */
export interface MemoryStorage extends Storage {
  open(): void;
  file(name: FileName): MemoryFile;
  close(): void;
}

/** Makes an empty place in memory. */
export function memoryStorage(): MemoryStorage {
  const files = new Map<FileName, PagedFile>();
  let isOpen = false;
  return {
    open() {
      if (isOpen)
        throw new StorageError('locked', 'This memory is in use by another feed: close that first.');
      isOpen = true;
    },
    file(name) {
      let file = files.get(name);
      if (file === undefined) files.set(name, (file = new PagedFile(name === 'data' ? PAGE : SMALL_PAGE)));
      return file;
    },
    close() {
      isOpen = false;
    },
  };
}

class PagedFile implements MemoryFile {
  /** Pages by number; one may be shorter than `#pageSize`, and what is missing is zeros. */
  readonly #pages = new Map<number, Uint8Array>();
  readonly #pageSize: number;
  #size = 0;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    assertInteger('offset', offset);
    assertInteger('length', length);
    const bytes = new Uint8Array(length);
    const held = Math.min(length, this.#size - offset);
    for (let at = 0; at < held; ) {
      const number = Math.floor((offset + at) / this.#pageSize);
      const from = offset + at - number * this.#pageSize;
      const to = Math.min(from + held - at, this.#pageSize);
      const page = this.#pages.get(number);
      if (page !== undefined) bytes.set(page.subarray(from, to), at);
      at += to - from;
    }
    return bytes;
  }

  view(offset: number, length: number): Uint8Array {
    const number = Math.floor(offset / this.#pageSize);
    const from = offset - number * this.#pageSize;
    const page = this.#pages.get(number);
    const isWhole = page !== undefined && from + length <= page.length && offset + length <= this.#size;
    return isWhole ? page.subarray(from, from + length) : this.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    assertInteger('offset', offset);
    assertBytes('bytes', bytes);
    for (let at = 0; at < bytes.length; ) {
      const number = Math.floor((offset + at) / this.#pageSize);
      const from = offset + at - number * this.#pageSize;
      const to = Math.min(from + bytes.length - at, this.#pageSize);
      this.#page(number, to).set(bytes.subarray(at, at + to - from), from);
      at += to - from;
    }
    if (bytes.length > 0) this.#size = Math.max(this.#size, offset + bytes.length);
  }

  discard(offset: number, length: number): void {
    assertInteger('offset', offset);
    assertInteger('length', length);
    const end = offset + length;
    // Walks the existing pages, since the range may span far more than those.
    for (const [number, page] of this.#pages) {
      const from = Math.max(offset - number * this.#pageSize, 0);
      const to = Math.min(end - number * this.#pageSize, this.#pageSize);
      if (from === 0 && to === this.#pageSize) this.#pages.delete(number);
      // A view of it stays as it is.
      else if (from < to) this.#pages.set(number, page.slice().fill(0, from, to));
    }
  }

  flush(): void {}

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
