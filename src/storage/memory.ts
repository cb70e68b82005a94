/**
 * A feed kept in memory, for as long as the object is. Every answer is synchronous.
 *
 * @module hypercore-wire/storage/memory
 */
import { assertBytes, assertInteger, StorageError } from '../errors.ts';
import type { FileName, Storage, StorageFile } from '../feed/storage.ts';
import { Extents, isEnough, isLarge } from './memory/extents.ts';
import { Pages } from './memory/pages.ts';

/** A file in memory. Its content can be read whether the storage is open or not. */
export interface MemoryFile extends StorageFile {
  size(): number;
  read(offset: number, length: number): Uint8Array;
  view(offset: number, length: number): Uint8Array;
  write(offset: number, bytes: Uint8Array): void;
  adopt(offset: number, bytes: Uint8Array): void;
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
  const files = new Map<FileName, HeldFile>();
  let isOpen = false;
  return {
    open() {
      if (isOpen)
        throw new StorageError('locked', 'This memory is in use by another feed: close that first.');
      isOpen = true;
    },
    file(name) {
      let file = files.get(name);
      if (file === undefined) files.set(name, (file = new HeldFile()));
      return file;
    },
    close() {
      isOpen = false;
    },
  };
}

class HeldFile implements MemoryFile {
  /** What was written in small pieces. */
  readonly #pages = new Pages();
  /**
   * What came in large ones. It hides what the pages have in its place, and that never comes back: where an extent goes,
   * the pages are written or discarded.
   */
  readonly #extents = new Extents();
  #size = 0;

  size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    assertInteger('offset', offset);
    assertInteger('length', length);
    const bytes = new Uint8Array(length);
    // No further than the end, which may be far before that of the range.
    const held = bytes.subarray(0, Math.max(0, this.#size - offset));
    this.#pages.copyTo(held, offset);
    this.#extents.copyTo(held, offset);
    return bytes;
  }

  view(offset: number, length: number): Uint8Array {
    const end = offset + length;
    const extent = this.#extents.find(offset, end);
    if (extent === undefined) return this.#pages.view(offset, length) ?? this.read(offset, length);
    const from = offset - extent.offset;
    const isWhole = from >= 0 && from + length <= extent.bytes.length;
    return isWhole ? extent.bytes.subarray(from, from + length) : this.read(offset, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    assertInteger('offset', offset);
    assertBytes('bytes', bytes);
    if (isLarge(bytes)) return this.#keep(offset, new Uint8Array(bytes));
    if (bytes.length === 0) return;
    this.#uncover(offset, bytes.length);
    this.#pages.write(offset, bytes);
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  adopt(offset: number, bytes: Uint8Array): void {
    assertInteger('offset', offset);
    assertBytes('bytes', bytes);
    if (isLarge(bytes) && isEnough(bytes)) this.#keep(offset, bytes);
    else this.write(offset, bytes);
  }

  discard(offset: number, length: number): void {
    assertInteger('offset', offset);
    assertInteger('length', length);
    this.#uncover(offset, length);
    this.#pages.discard(offset, length);
  }

  flush(): void {}

  #keep(offset: number, bytes: Uint8Array): void {
    this.#uncover(offset, bytes.length);
    this.#pages.free(offset, bytes.length);
    this.#extents.add(offset, bytes);
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** Takes away the extents of a range, of which the pages have to get something else then. */
  #uncover(offset: number, length: number): void {
    for (const rest of this.#extents.remove(offset, offset + length))
      this.#pages.write(rest.offset, rest.bytes);
  }
}
