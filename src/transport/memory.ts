/**
 * Two transports joined back to back in memory: for tests, and for two parties in one program.
 *
 * @module hypercore-wire/transport/memory
 */
import { deferred } from '../stream/deferred.ts';
import type { Transport } from '../stream/transport.ts';

/** One direction. A chunk is handed over only when the reader asks for it. */
class Pipe {
  readonly #writer = deferred<AsyncIterator<Uint8Array>>();
  readonly #flushed = deferred<void>();
  #interrupt: (reason: unknown) => void = () => {};
  #aborted: { reason: unknown } | undefined;

  sink(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#writer.resolve(chunks[Symbol.asyncIterator]());
    return this.#flushed.promise;
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const result = await this.#pull();
        if (result.done) break;
        yield result.value;
      }
      this.#flushed.resolve();
    } catch (error) {
      this.#flushed.reject(error);
      throw error;
    }
  }

  #pull(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      if (this.#aborted) return reject(this.#aborted.reason);
      this.#interrupt = reject;
      this.#writer.promise.then((writer) => writer.next()).then(resolve, reject);
    });
  }

  /** Each end with its own reason. */
  abort(reader: unknown, writer: unknown): void {
    this.#aborted ??= { reason: reader };
    this.#interrupt(reader);
    this.#flushed.reject(writer);
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
    source: inward.read(),
    sink: (chunks) => outward.sink(chunks),
    abort(reason = new Error('the transport was aborted')) {
      const cut = new Error('the other side aborted the transport', { cause: reason });
      inward.abort(reason, cut);
      outward.abort(cut, reason);
    },
  });
  return [side(back, there), side(there, back)];
}
