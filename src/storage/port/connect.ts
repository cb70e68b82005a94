/** From workers that serve storages to one folder's port: that of the first one that answers. */
import { describe, StorageError } from '../../errors.ts';
import type { Clock } from '../../stream/clock.ts';
import { deferred } from '../../stream/deferred.ts';
import { holdLife, type Life } from './life.ts';
import type { DoorMessage } from './messages.ts';
import { listen, messageChannel, type PortLike } from './port.ts';

/** For a worker whose script has to be loaded first. */
const ANSWER_MS = 20_000;

/** A folder's port, at whose other end is a server. */
export interface Connection {
  readonly port: PortLike;
  readonly life: Life;
  /** The name of the server's life, where it has one. */
  readonly remoteLife: string | undefined;
}

/** @throws StorageError `platform` where none of the workers answers. */
export async function connect(
  workers: readonly PortLike[],
  folder: string,
  clock: Clock,
): Promise<Connection> {
  for (const worker of workers) {
    if (typeof worker?.postMessage === 'function') continue;
    throw new TypeError(`"worker" expected a Worker or a MessagePort, got ${describe(worker)}`);
  }
  const life = await holdLife();
  const first = deferred<{ readonly port: PortLike; readonly remoteLife: string | undefined }>();
  const fail = (why: string): void => first.reject(noAnswer(folder, why));
  /** One for each worker that may answer. */
  const waiting = new Set<PortLike>();
  const attempts = workers.map((worker) => {
    const { port1: port, port2 } = messageChannel();
    waiting.add(port);
    const onGone = (why: string): void => {
      waiting.delete(port);
      if (waiting.size === 0) fail(why);
    };
    const onGreeting = (greeting: unknown): void =>
      first.resolve({ port, remoteLife: (greeting as { life?: string } | null)?.life });
    const stop = listen(port, onGreeting, onGone);
    const onError = (event: { message?: unknown }): void =>
      onGone(String(event.message ?? 'it does not load'));
    worker.addEventListener('error', onError);
    const message: DoorMessage = { 'hypercore-wire storage': 'open', folder, port: port2, life: life.name };
    worker.postMessage(message, [port2]);
    return {
      port,
      stop(): void {
        stop();
        worker.removeEventListener('error', onError);
      },
    };
  });
  if (workers.length === 0) fail('there is none');
  const cancel = clock.after(ANSWER_MS, () => fail(`none within ${ANSWER_MS / 1000} s`));
  let taken: PortLike | undefined;
  try {
    const { port, remoteLife } = await first.promise;
    taken = port;
    return { port, life, remoteLife };
  } catch (error) {
    life.release();
    throw error;
  } finally {
    cancel();
    for (const { port, stop } of attempts) {
      stop();
      if (port === taken) continue;
      // One that answers later is not to wait for more.
      port.postMessage([{ call: 'close' }]);
      port.close?.();
    }
  }
}

function noAnswer(folder: string, why: string): StorageError {
  return new StorageError(
    'platform',
    `No worker answered for ${folder} (${why}): check that its script loads and calls serveStorage(self, opfsStorage), and that its page is still open.`,
  );
}
