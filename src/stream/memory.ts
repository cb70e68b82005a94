/** Two transports joined back to back in memory: for tests, and for two parties in one program. */
import { deferred } from './deferred.ts';
import type { Transport } from './transport.ts';

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

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#interrupt(reason);
    this.#flushed.reject(reason);
  }
}

/** A pair: what one sinks, the other reads. Aborting either ends both, as a cut wire would. */
export function memoryPair(): [Transport, Transport] {
  const there = new Pipe();
  const back = new Pipe();
  const abort = (reason: unknown = new Error('the transport was aborted')): void => {
    there.abort(reason);
    back.abort(reason);
  };
  const side = (inward: Pipe, outward: Pipe): Transport => ({
    source: inward.read(),
    sink: (chunks) => outward.sink(chunks),
    abort,
  });
  return [side(back, there), side(there, back)];
}
