/** Node's streams as transports: a TCP or TLS socket, or any other Duplex of bytes. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Transport } from '../../stream/transport.ts';

/**
 * A transport over a Duplex that is open, or opening. The Duplex is the transport's from now on. A socket
 * should have been made with `allowHalfOpen`, or queued bytes are lost when the remote ends first.
 */
export function nodeTransport(duplex: Duplex): Transport {
  // An error without a listener would end the process; the reader and the writer are told of it too.
  const ignore = (): void => {};
  duplex.on('error', ignore);
  duplex.once('close', () => setImmediate(() => duplex.off('error', ignore)));
  if (duplex instanceof Socket) duplex.setNoDelay(true);
  let isCut = false;
  const cut = (): void => {
    isCut = true;
    duplex.destroy();
  };
  return { source: read(duplex, () => isCut), sink: (chunks) => write(duplex, chunks, cut), abort: cut };
}

/**
 * By `data` and not by the stream's own iterator, which stops and starts the socket for each chunk. What comes while
 * nobody waits for it pauses the stream, so that no more than a chunk or two are held here.
 */
async function* read(duplex: Duplex, isCut: () => boolean): AsyncGenerator<Uint8Array, void, undefined> {
  // A socket hands over memory that nobody else has; another stream's writer may still hold its own.
  const isOurs = duplex instanceof Socket;
  const chunks: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  const onChange = (): void => {
    wake?.();
    wake = undefined;
  };
  const onData = (bytes: Uint8Array): void => {
    chunks.push(
      isOurs ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Uint8Array.from(bytes),
    );
    if (wake === undefined) duplex.pause();
    onChange();
  };
  duplex.on('data', onData).once('end', onChange).once('close', onChange);
  try {
    while (!isCut()) {
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (duplex.readableEnded) return;
      else if (duplex.closed) break;
      else {
        if (duplex.isPaused()) duplex.resume();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    // Bun ends a socket that this side has destroyed as if the remote had.
    throw duplex.errored ?? new Error('the stream was closed before its end');
  } finally {
    duplex.off('data', onData).off('end', onChange).off('close', onChange);
    duplex.pause();
  }
}

async function write(duplex: Duplex, chunks: AsyncIterable<Uint8Array>, cut: () => void): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  const open = new WhileOpen(duplex);
  try {
    for (;;) {
      const { value: chunk, done } = await open.until<IteratorResult<Uint8Array>>((resolve, reject) => {
        iterator.next().then(resolve, reject);
      });
      if (done) break;
      // Told by its callback and not by `drain`, which takes listeners each time; what comes meanwhile goes together.
      await open.until((resolve, reject) => void duplex.write(chunk, settler(resolve, reject)));
    }
    if (!duplex.writableFinished) {
      await open.until((resolve, reject) => void duplex.end(settler(resolve, reject)));
    }
  } catch (error) {
    // Not awaited: a generator that waits for its own next chunk returns only once it has it.
    iterator.return?.().catch(() => {});
    // Left open, the remote would wait for the rest.
    cut();
    throw error;
  } finally {
    open.leave();
  }
}

type Settle<T> = (resolve: (value: T) => void, reject: (reason: unknown) => void) => void;

/** Waits for one thing after the other, as long as the stream is open. */
class WhileOpen {
  readonly #duplex: Duplex;
  #reject: (reason: unknown) => void = () => {};

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
    duplex.once('close', this.#onClose);
  }

  /** What `begin` settles; rejects once the stream has closed. */
  until<T = void>(begin: Settle<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#duplex.closed) this.#onClose();
      begin(resolve, reject);
    });
  }

  leave(): void {
    this.#duplex.off('close', this.#onClose);
  }

  readonly #onClose = (): void => {
    this.#reject(this.#duplex.errored ?? new Error('the stream closed before everything was written'));
  };
}

/** A callback of Node that settles a promise. */
function settler(
  resolve: () => void,
  reject: (reason: unknown) => void,
): (error?: Error | null | undefined) => void {
  return (error) => (error ? reject(error) : resolve());
}
