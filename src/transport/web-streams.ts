/**
 * A pair of web streams as a transport: a WebTransport stream, or any other of bytes.
 *
 * @module hypercore-wire/transport/web-streams
 */
import { describe } from '../errors.ts';
import type { Transport } from '../stream/transport.ts';
import { denoStreams, isDenoConn } from './web-streams/deno-conn.ts';

/** The part of a `ReadableStream` that is used. */
export interface ReadableStreamLike {
  getReader(): ReadableReaderLike;
}

/** The part of a reader of a `ReadableStream` that is used. */
export interface ReadableReaderLike {
  read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** The part of a `WritableStream` that is used. */
export interface WritableStreamLike {
  getWriter(): WritableWriterLike;
}

/** The part of a writer of a `WritableStream` that is used. */
export interface WritableWriterLike {
  readonly closed: Promise<unknown>;
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** Two streams that together are one connection. */
export interface WebStreams {
  readonly readable: ReadableStreamLike;
  readonly writable: WritableStreamLike;
}

/**
 * A transport over a pair of byte streams, which is the transport's from now on: they are locked, and released
 * when each has ended. The streams' own backpressure and half-close apply. An abort, or a failure of either,
 * cancels the one and aborts the other. A connection of Deno is used by its methods, as its streams have no half-close.
 * @throws TypeError if they are no streams, or locked.
 */
export function webStreamsTransport(streams: WebStreams): Transport {
  if (typeof streams !== 'object' || streams === null) {
    throw new TypeError(`"streams" expected { readable, writable }, got ${describe(streams)}`);
  }
  const { readable, writable } = isDenoConn(streams) ? denoStreams(streams) : streams;
  const reader = lock('readable', readable, () => readable.getReader());
  const writer = lock('writable', writable, () => writable.getWriter());
  let fault: { readonly reason: unknown } | undefined;
  let [isRead, isWritten] = [false, false];
  /** The sink waits for the stream, or for a chunk. */
  let interrupt: (reason: unknown) => void = () => {};

  const abort = (reason: unknown = new Error('the transport was aborted')): void => {
    if (fault !== undefined || (isRead && isWritten)) return;
    fault = { reason };
    interrupt(reason);
    // Where a stream has ended or failed already, there is nothing left to do.
    if (!isRead)
      reader
        .cancel(reason)
        .catch(() => {})
        .finally(() => reader.releaseLock());
    if (!isWritten)
      writer
        .abort(reason)
        .catch(() => {})
        .finally(() => writer.releaseLock());
  };
  const interruptible = <T>(promise: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      interrupt = reject;
      if (fault !== undefined) reject(fault.reason);
      promise.then(resolve, reject);
    });
  // Tells of a remote that takes nothing more, also while there is nothing to write.
  writer.closed.catch(abort);

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    while (fault === undefined) {
      const { done, value } = await reader.read().catch((reason) => {
        abort(reason);
        return { done: true, value: undefined };
      });
      // An abort ends a read that waits as if the remote had ended.
      if (fault !== undefined) break;
      if (done) {
        isRead = true;
        reader.releaseLock();
        return;
      }
      if (!(value instanceof Uint8Array)) {
        const reason = new TypeError(`"readable" expected chunks of Uint8Array, got ${describe(value)}`);
        abort(reason);
        throw reason;
      }
      if (value.byteLength > 0) yield value;
    }
    throw fault!.reason;
  }

  async function sink(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { value: chunk, done } = await interruptible(iterator.next());
        if (done) break;
        // Each is awaited, as `ready` does not hold back where a stream counts chunks (Node's do, by the thousand).
        // A stream of bytes refuses an empty one.
        if (chunk.byteLength > 0) await interruptible(writer.write(chunk as Uint8Array<ArrayBuffer>));
      }
      await interruptible(writer.close());
      isWritten = true;
      writer.releaseLock();
    } catch (error) {
      // Not awaited: a generator that waits for its own next chunk returns only once it has it.
      iterator.return?.().catch(() => {});
      abort(error);
      throw error;
    }
  }

  return { source: read(), sink, abort };
}

function lock<T>(name: string, stream: unknown, getLock: () => T): T {
  try {
    return getLock();
  } catch (cause) {
    throw new TypeError(`"${name}" expected a stream of bytes that is not locked, got ${describe(stream)}`, {
      cause,
    });
  }
}
