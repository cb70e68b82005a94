/**
 * What a feed asks of the place that keeps it: six named files with random access. The layout inside
 * them is the feed's business (see `files/sleep-files.ts`), so that a folder can travel between storages.
 */

import type { MaybePromise } from '../stream/stage.ts';

/** The files of one feed, as hypercore 7 names them. */
export type FileName = 'key' | 'secret_key' | 'tree' | 'signatures' | 'bitfield' | 'data';

/** One file with random access. Offsets and lengths are in bytes. */
export interface StorageFile {
  /** The file's length now. */
  size(): MaybePromise<number>;
  /**
   * Reads `length` bytes from `offset`; what lies past the end, or was never written, is zeros.
   * The array is the caller's to keep.
   */
  read(offset: number, length: number): MaybePromise<Uint8Array>;
  /**
   * As `read`, for bytes that are only looked at, which spares a copy: the storage may give its own, where these stay
   * as they are until something else is written in their place, discarded or not.
   */
  view?(offset: number, length: number): MaybePromise<Uint8Array>;
  /** Writes all of `bytes` at `offset`, growing the file where needed. The caller may reuse `bytes` after. */
  write(offset: number, bytes: Uint8Array): MaybePromise<void>;
  /**
   * As `write`, for bytes that nobody changes any more, which spares a copy: the storage may keep them as they are, and
   * so all of their buffer, most of which is to be handed over. It neither changes nor transfers them: more pieces of
   * that buffer may follow, and views of it may be out.
   */
  adopt?(offset: number, bytes: Uint8Array): MaybePromise<void>;
  /** Returns the space of a range to the machine where that can be done; its bytes are worth nothing after. */
  discard?(offset: number, length: number): MaybePromise<void>;
  /** Returns once everything written before would survive a loss of power. */
  flush(): MaybePromise<void>;
}

/** The place that keeps one feed, held by one opener at a time. */
export interface Storage {
  /** Takes hold of the place. Throws `StorageError` `locked` when another holds it. */
  open(): MaybePromise<void>;
  /** A file of the feed; made on its first write. */
  file(name: FileName): StorageFile;
  /** Lets go of the place. Idempotent. */
  close(): MaybePromise<void>;
}
