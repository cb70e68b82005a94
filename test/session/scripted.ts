/** A transport whose other end is the test: it says what arrives, and sees what was written. */
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { decodePacket } from '../../src/wire/codec.ts';
import { Deframer } from '../../src/wire/frame.ts';
import type { Packet } from '../../src/wire/messages.ts';

type Arrival = { readonly chunk: Uint8Array } | { readonly error: unknown } | 'end';

export class ScriptedTransport implements Transport {
  /** What was written, chunk by chunk. */
  readonly written: Uint8Array[] = [];
  /** Chunks that were read. */
  reads = 0;
  /** Whether the other side has ended its direction: all was written. */
  hasEnded = false;
  /** Reasons of the calls to `abort`. */
  readonly aborts: unknown[] = [];
  readonly source: AsyncIterable<Uint8Array> = this.#read();
  readonly #arrivals: Arrival[] = [];
  #wakeReader: () => void = () => {};
  #wakeWriter: () => void = () => {};
  #allowed = Number.POSITIVE_INFINITY;

  /** Lets a chunk arrive. */
  arrive(...chunks: Uint8Array[]): void {
    for (const chunk of chunks) this.#arrivals.push({ chunk: chunk.slice() });
    this.#wakeReader();
  }

  /** Lets the other side's end arrive. */
  end(): void {
    this.#arrivals.push('end');
    this.#wakeReader();
  }

  /** Lets the connection fail. */
  fail(error: unknown): void {
    this.#arrivals.push({ error });
    this.#wakeReader();
  }

  /** Takes this many more chunks, and then none. */
  allow(chunks: number): void {
    this.#allowed = chunks;
    this.#wakeWriter();
  }

  /** What was written, where nothing is enciphered. */
  get packets(): Packet[] {
    const bodies: Uint8Array[] = [];
    const deframer = new Deframer(8_388_608);
    for (const chunk of this.written) deframer.push(chunk, bodies);
    deframer.end();
    return bodies.map((body) => decodePacket(body, 256));
  }

  /** All bytes that were written. */
  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.written));
  }

  async sink(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      while (this.#allowed <= 0 && this.aborts.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
      }
      if (this.aborts.length > 0) throw this.aborts[0];
      const { value, done } = await iterator.next();
      if (this.aborts.length > 0) throw this.aborts[0];
      if (done) break;
      this.#allowed--;
      this.written.push(value.slice());
    }
    this.hasEnded = true;
  }

  abort(reason?: unknown): void {
    this.aborts.push(reason);
    this.#wakeReader();
    this.#wakeWriter();
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.aborts.length > 0) throw this.aborts[0];
      const arrival = this.#arrivals.shift();
      if (arrival === 'end') return;
      if (arrival === undefined) {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      } else if ('error' in arrival) {
        throw arrival.error;
      } else {
        this.reads++;
        yield arrival.chunk;
      }
    }
  }
}

/** The provider, but for its nonces: these in turn, the last one for ever. */
export function withNonces(crypto: CryptoProvider, ...nonces: Uint8Array[]): CryptoProvider {
  return {
    ...crypto,
    randomBytes: (length) =>
      length !== 24 ? crypto.randomBytes(length) : (nonces.length > 1 ? nonces.shift()! : nonces[0]!).slice(),
  };
}
