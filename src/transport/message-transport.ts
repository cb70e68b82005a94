/**
 * What transports over messages have in common. Their platforms cannot pause what comes, so it waits in a
 * bounded queue; and they have no half-close, so a message says that a side has ended, and the platform's own
 * close follows only once both have, when nothing can be lost by it.
 */
import { ProtocolError } from '../errors.ts';
import { ByteQueue } from '../stream/queue.ts';
import type { Transport } from '../stream/transport.ts';

/** What an adapter says of its platform. */
export interface MessageLink {
  /** The most bytes that a message may have now; 0 while the sink has to wait. */
  room(): number;
  /** Sends a message, which is the platform's from now on. What it throws ends the connection. */
  send(bytes: Uint8Array): void;
  /** Tells the other side that no more comes. */
  end(): void;
  /** Whether the other side understands `end`; where it does not, either side's end is the end of both. */
  knowsEnd?(): boolean;
  /** Whether all that was sent has left. */
  isFlushed(): boolean;
  /** The sink waits until `room` or `isFlushed` change: for a platform that does not tell when. */
  onWait?(): void;
  /** Lets go of the platform, once. `fault` is given unless it ends properly. */
  release(fault: unknown): void;
}

/** How it was over: with an error, or by a remote that closed properly and takes nothing more. */
interface Over {
  readonly error?: unknown;
}

export class MessageTransport implements Transport {
  readonly #link: MessageLink;
  readonly #queue: ByteQueue;
  #hasEnded = false;
  #hasRemoteEnded = false;
  #over: Over | undefined;
  /** The sink waits for the platform, or for a chunk. */
  #wake: () => void = () => {};
  #interrupt: () => void = () => {};

  /** `queueBytes`: how much may be received and not yet read; `onTaken` is called whenever some was read. */
  constructor(link: MessageLink, queueBytes: number, onTaken?: () => void) {
    this.#link = link;
    this.#queue = new ByteQueue(queueBytes, onTaken);
  }

  get source(): AsyncIterable<Uint8Array> {
    return this.#queue;
  }

  /** Bytes that were received and not yet read. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  async sink(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    while (await this.#until(() => this.#link.room() > 0)) {
      const next = await this.#pull(iterator);
      if (next?.done) return this.#end();
      if (next !== undefined) await this.#write(next.value);
    }
    // Not awaited: a generator that waits for its own next chunk returns only once it has it.
    iterator.return?.().catch(() => {});
    this.#throwIfFailed();
  }

  abort(reason?: unknown): void {
    const error = reason ?? new Error('the transport was aborted');
    this.#queue.abort(this.#over?.error ?? error);
    // A side that has ended owes the remote nothing, and may stop waiting for it.
    this.#finish(this.#hasEnded && reason === undefined ? {} : { error });
  }

  // From the platform.

  /** A message has come; it is the transport's from now on. */
  receive(bytes: Uint8Array): void {
    if (this.#over !== undefined) return;
    if (this.#hasRemoteEnded) {
      this.fail(
        new ProtocolError('bad-message', 'the remote went on after its end: check that it is one peer'),
      );
      return;
    }
    const overflow = this.#queue.push(bytes);
    if (overflow !== undefined) this.fail(overflow);
    this.changed();
  }

  /** `room` or `isFlushed` may have changed. */
  changed(): void {
    this.#wake();
  }

  /** The remote sends no more. */
  remoteEnded(): void {
    this.#hasRemoteEnded = true;
    this.#queue.end();
    this.#finishIfEnded();
  }

  /** The remote has closed properly: it sends no more, and what this side has left to say is of no use to it. */
  remoteClosed(): void {
    this.remoteEnded();
    this.#finish({});
  }

  /** The connection has failed. What was received before can still be read. */
  fail(error: unknown): void {
    if (this.#over !== undefined) return;
    this.#queue.fail(error);
    this.#finish({ error });
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.byteLength; ) {
      if (!(await this.#until(() => this.#link.room() > 0))) return;
      const end = Math.min(start + this.#link.room(), chunk.byteLength);
      const message = chunk.subarray(start, end);
      this.#try(() => this.#link.send(message));
      start = end;
    }
  }

  async #end(): Promise<void> {
    if (this.#over === undefined) this.#try(() => this.#link.end());
    await this.#until(() => this.#link.isFlushed());
    this.#throwIfFailed();
    this.#hasEnded = true;
    if (this.#link.knowsEnd?.() === false) this.remoteEnded();
    else this.#finishIfEnded();
  }

  #try(send: () => void): void {
    try {
      send();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Waits until it holds. False if it was over before. */
  async #until(holds: () => boolean): Promise<boolean> {
    while (this.#over === undefined && !holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#link.onWait?.();
      });
    }
    return this.#over === undefined;
  }

  /** The next chunk; `undefined` if it is over first. What it throws ends the connection. */
  #pull(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array> | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return resolve(undefined);
      this.#interrupt = () => resolve(undefined);
      iterator.next().then(resolve, (error) => {
        if (this.#over === undefined) this.abort(error);
        reject(error);
      });
    });
  }

  #throwIfFailed(): void {
    if (this.#over?.error !== undefined) throw this.#over.error;
  }

  #finishIfEnded(): void {
    if (this.#hasEnded && this.#hasRemoteEnded) this.#finish({});
  }

  #finish(over: Over): void {
    if (this.#over !== undefined) return;
    this.#over = over;
    this.#link.release(over.error);
    this.#wake();
    this.#interrupt();
  }
}
