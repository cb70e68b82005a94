/**
 * Two transports joined back to back in memory: for tests, and for two parties in one program.
 *
 * @module hypercore-wire/transport/memory
 */
import { deferred } from '../stream/deferred.ts';
import type { Transport } from '../stream/transport.ts';

type Chunks = AsyncIterator<Uint8Array>;
type Result = IteratorResult<Uint8Array, undefined>;

const END: Result = { done: true, value: undefined };

/** One direction. A chunk is handed over only when the reader asks for it. */
class Pipe implements AsyncIterable<Uint8Array> {
  #writer: Chunks | undefined;
  readonly #flushed = deferred<void>();
  /** Begins the read that waits for a writer. */
  #begin: (writer: Chunks) => void = () => {};
  #interrupt: (reason: unknown) => void = () => {};
  /** Gives the error that the reader gets. */
  #aborted: (() => unknown) | undefined;
  #isOver = false;

  sink(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#writer = chunks[Symbol.asyncIterator]();
    this.#begin(this.#writer);
    return this.#flushed.promise;
  }

  /** For its one reader. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this;
  }

  next(): Promise<Result> {
    if (this.#isOver) return Promise.resolve(END);
    if (this.#aborted !== undefined) {
      this.#isOver = true;
      return Promise.reject(this.#aborted());
    }
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      const begin = (writer: Chunks) => {
        writer.next().then(
          (result) => {
            if (this.#aborted !== undefined) reject(this.#aborted());
            else resolve(result.done ? this.#ended() : result);
          },
          (error) => reject(this.#aborted === undefined ? this.#failed(error) : this.#aborted()),
        );
      };
      // Not kept once it has begun: V8 would keep each one's chunk until it collects everything.
      if (this.#writer === undefined) this.#begin = begin;
      else begin(this.#writer);
    });
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** The reader has had enough. */
  return(): Promise<Result> {
    this.#isOver = true;
    return Promise.resolve(END);
  }

  abort(readerError: () => unknown, writerError: () => unknown): void {
    this.#aborted = readerError;
    // An Error that is made now records the whole stack of who aborts, which takes a sixth as long as to open and close
    // a session. Who wants to know gives a reason.
    Promise.resolve().then(() => {
      this.#interrupt(readerError());
      this.#flushed.rejectWith(writerError);
    });
  }

  #ended(): Result {
    this.#isOver = true;
    this.#flushed.resolve();
    return END;
  }

  #failed(error: unknown): unknown {
    this.#isOver = true;
    this.#flushed.reject(error);
    return error;
  }
}

/**
 * A pair: what one sinks, the other reads. Aborting either ends both, as a cut wire would: the other side
 * sees that it was cut, and not why.
 */
export function memoryPair(): [Transport, Transport] {
  const there = new Pipe();
  const back = new Pipe();
  const side = (inward: Pipe, outward: Pipe): Transport => ({
    source: inward,
    sink: (chunks) => outward.sink(chunks),
    abort(reason) {
      if (inward.isAborted) return;
      let cutError: Error | undefined;
      const cut = () => (cutError ??= cutBy(reason));
      // Without a reason there is none to keep from the other side, and one error will do.
      const own = reason == null ? cut : () => reason;
      inward.abort(own, cut);
      outward.abort(cut, own);
    },
  });
  return [side(back, there), side(there, back)];
}

function cutBy(reason: unknown): Error {
  return reason == null
    ? new Error('the transport was aborted')
    : new Error('the other side aborted the transport', { cause: reason });
}
