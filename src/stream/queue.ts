/**
 * The one bounded queue: for a transport that is handed chunks and cannot make its platform pause.
 * Counted in bytes; past the cap it ends with a typed error instead of growing.
 */
import { ProtocolError } from '../errors.ts';

/** What a chunk takes beside its bytes: some 600 in Node, 200 of them in V8's heap. Tiny chunks are mostly this. */
const CHUNK_BYTES = 512;

/** What a chunk of so many bytes counts in the queue. */
export function queueCost(byteLength: number): number {
  return byteLength + CHUNK_BYTES;
}

/** Chunks in by `push`, out as an async iterable with one reader. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown;
  #wake: (() => void) | undefined;
  #taken: (() => void) | undefined;

  /** `maxBytes`: how much may wait, by {@link queueCost}; `onTaken` is called whenever the reader took a chunk. */
  constructor(maxBytes: number, onTaken?: () => void) {
    this.#maxBytes = maxBytes;
    this.#taken = onTaken;
  }

  /** Bytes that wait, by {@link queueCost}. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a chunk, which is the queue's from now on. Past the cap the queue fails with `transport-overflow`,
   * which is returned.
   */
  push(chunk: Uint8Array): ProtocolError | undefined {
    if (this.#ended || chunk.byteLength === 0) return undefined;
    const bytes = this.#bytes + queueCost(chunk.byteLength);
    if (bytes > this.#maxBytes) {
      const overflow = new ProtocolError(
        'transport-overflow',
        `the remote sent ${bytes} bytes that were not read yet, over the cap of ${this.#maxBytes}: consume faster, or raise the cap`,
      );
      this.fail(overflow);
      return overflow;
    }
    this.#chunks.push(chunk);
    this.#bytes = bytes;
    this.#wake?.();
    return undefined;
  }

  /** No more chunks: the reader gets what waits, then the end. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The reader gets what waits, then the error. The first end or failure counts. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#error = error;
    this.end();
  }

  /** Drops what waits; the reader gets the error at once. */
  abort(error: unknown): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#error = error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= queueCost(chunk.byteLength);
        this.#taken?.();
        yield chunk;
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
