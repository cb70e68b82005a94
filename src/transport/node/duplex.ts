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

async function* read(duplex: Duplex, isCut: () => boolean): AsyncGenerator<Uint8Array, void, undefined> {
  // A socket hands over memory that nobody else has; another stream's writer may still hold its own.
  const isOurs = duplex instanceof Socket;
  for await (const chunk of duplex.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Uint8Array;
    yield isOurs ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Uint8Array.from(bytes);
  }
  // Bun ends a socket that this side has destroyed as if the remote had.
  if (isCut()) throw duplex.errored ?? new Error('the stream was closed here before its end');
}

async function write(duplex: Duplex, chunks: AsyncIterable<Uint8Array>, cut: () => void): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value: chunk, done } = await untilClosed(duplex, iterator.next());
      if (done) break;
      if (!duplex.write(chunk)) await event(duplex, 'drain');
    }
  } catch (error) {
    // Not awaited: a generator that waits for its own next chunk returns only once it has it.
    iterator.return?.().catch(() => {});
    // Left open, the remote would wait for the rest.
    cut();
    throw error;
  }
  if (duplex.writableFinished) return;
  const finished = event(duplex, 'finish');
  duplex.end();
  await finished;
}

/** The promise's outcome, or a rejection once the stream has closed. */
function untilClosed<T>(duplex: Duplex, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(closedEarly(duplex));
    if (duplex.closed) onClose();
    duplex.once('close', onClose);
    promise.then(resolve, reject).finally(() => duplex.off('close', onClose));
  });
}

/** Waits for the event; rejects if the stream closes first. */
function event(duplex: Duplex, name: 'drain' | 'finish'): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => void duplex.off(name, onEvent).off('close', onClose);
    const onEvent = (): void => {
      settle();
      resolve();
    };
    const onClose = (): void => {
      settle();
      reject(closedEarly(duplex));
    };
    if (duplex.destroyed) return onClose();
    duplex.once(name, onEvent).once('close', onClose);
  });
}

function closedEarly(duplex: Duplex): Error {
  return duplex.errored ?? new Error('the stream closed before everything was written');
}
