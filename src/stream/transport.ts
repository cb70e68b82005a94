/** The only thing that the core knows of the outside world: bytes in, bytes out, and a way to stop both. */

import { describe } from '../errors.ts';

/**
 * A two-way byte stream. A chunk belongs to whoever pulled it, in both directions: the puller may overwrite
 * it, and whoever yielded it does not touch it again.
 */
export interface Transport {
  /**
   * What the remote sends, in any chunking. Has one reader. Ends when the remote ends its direction;
   * throws when the connection fails.
   */
  readonly source: AsyncIterable<Uint8Array>;
  /** Sends `chunks`, pulling only while it can write. Resolves once all is flushed; then ends this direction. */
  sink(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Ends both directions now: a pending read and write settle. Idempotent. */
  abort(reason?: unknown): void;
}

/** Whether `value` has the three members of a transport. */
export function isTransport(value: unknown): value is Transport {
  const { source, sink, abort } = (value ?? {}) as Partial<Transport>;
  const isSource = typeof source?.[Symbol.asyncIterator] === 'function';
  return isSource && typeof sink === 'function' && typeof abort === 'function';
}

/** Throws a TypeError unless `value` is a transport. */
export function assertTransport(value: unknown): asserts value is Transport {
  if (isTransport(value)) return;
  throw new TypeError(
    `"transport" expected what an adapter gives, as in await dialWebSocket(url), got ${describe(value)}: did you forget await?`,
  );
}

/** The part of an `AbortSignal` that is used, so that the core needs no platform types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
