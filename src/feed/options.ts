/** What the methods of a feed can be told, and what they give. */
import type { CryptoProvider, KeyPair } from '../crypto/provider.ts';
import type { AbortSignalLike } from '../stream/transport.ts';

/** What `Feed.create` can be told. */
export interface CreateOptions {
  /** The feed's own keys; default fresh ones. */
  readonly keyPair?: KeyPair | undefined;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
}

/** What `Feed.open` can be told. */
export interface OpenOptions {
  /** 32 bytes, 64 hex characters or a `dat://` link. May be left out where the storage holds a feed. */
  readonly key?: Uint8Array | string | undefined;
  /** True: only what is asked for is downloaded. False, the default: everything that peers have. */
  readonly sparse?: boolean | undefined;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
}

/** Blocks from `start` (default 0) to before `end` (default: as far as anyone tells). */
export interface Range {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/** What `Feed.get` can be told. */
export interface GetOptions {
  /** False: throws a RangeError at once where the block is not here. Default true: waits for a peer. */
  readonly wait?: boolean | undefined;
  /** Stops the waiting: `get` rejects with the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
}

/** What `Feed.seek` can be told. */
export interface SeekOptions {
  /** Stops the waiting: `seek` rejects with the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
}

/** Where a byte of the feed is. */
export interface SeekResult {
  /** The block that holds it. */
  readonly index: number;
  /** In bytes, from the start of that block. */
  readonly offset: number;
}

/** What `Feed.read` can be told. */
export interface ReadOptions extends Range {
  /** True: waits for blocks that are appended later, and never ends by itself. Default false. */
  readonly live?: boolean | undefined;
  /** Stops the reading: the iterator throws the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
}

/** A range that is being downloaded. */
export interface Download {
  /**
   * Resolves when all blocks of the range are verified and stored. Rejects after `cancel`, when the feed is
   * closed, with a StorageError where a block cannot be written, and with a RangeError where this side is the writer
   * and has cleared one.
   */
  readonly done: Promise<void>;
  /** Stops downloading the range. A pending `done` rejects; blocks already stored stay. */
  cancel(): void;
}
