/** The way out, as the transport pulls it: the first frame in clear, then what the outbox gives, enciphered. */
import type { Keystream } from '../crypto/provider.ts';
import type { Feed } from '../wire/messages.ts';
import { encodeBatch } from '../wire/packet.ts';
import type { Outbox } from './outbox.ts';
import type { Tracer } from './tracer.ts';

type Result = IteratorResult<Uint8Array, undefined>;

const END: Result = { done: true, value: undefined };

/** Who is told of it. */
export interface OutgoingHost {
  /** A chunk is handed over. */
  onSent(): void;
  /** A message cannot be made or encoded. */
  abort(error: unknown): void;
}

/** Not an async generator, of which the suspended state alone takes as much as all of this. */
export class Outgoing implements AsyncIterable<Uint8Array> {
  readonly #outbox: Outbox;
  readonly #tracer: Tracer;
  readonly #host: OutgoingHost;
  /** What goes out first, once it is known, until it has. */
  #opening: Feed | undefined;
  #encipher: Keystream | undefined;
  #hasBegun = false;

  constructor(outbox: Outbox, tracer: Tracer, host: OutgoingHost) {
    this.#outbox = outbox;
    this.#tracer = tracer;
    this.#host = host;
  }

  /** This side's first Feed is known. All that follows it is enciphered, unless there is nothing to do so with. */
  begin(feed: Feed, encipher: Keystream | undefined): void {
    this.#opening = feed;
    this.#encipher = encipher;
    this.#hasBegun = true;
  }

  /** For the transport, which is its one reader. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this;
  }

  next(): Promise<Result> {
    return new Promise((resolve) => this.#give(resolve));
  }

  #give(resolve: (result: Result) => void): void {
    try {
      const chunk = this.#take();
      if (chunk === 'later') return this.#outbox.onChange(() => this.#give(resolve));
      resolve(chunk === 'end' ? END : { done: false, value: chunk });
    } catch (error) {
      this.#host.abort(error);
      resolve(END);
    }
  }

  #take(): Uint8Array | 'later' | 'end' {
    if (!this.#hasBegun) return this.#outbox.isOpen ? 'later' : 'end';
    const packets =
      this.#opening === undefined ? this.#outbox.take() : [{ channel: 0, message: this.#opening }];
    if (packets === undefined) return 'end';
    if (packets.length === 0) return 'later';
    const chunk = encodeBatch(packets, (of, bodies, bytes) => this.#tracer.framed(of, bodies, bytes));
    if (this.#opening === undefined) this.#encipher?.xor(chunk);
    this.#opening = undefined;
    this.#host.onSent();
    this.#tracer.chunk('out', chunk);
    return chunk;
  }
}
