/** A storage whose files another thread has: the same interface, over a port. */
import { assertBytes, assertInteger, StorageError } from '../../errors.ts';
import type { FileName, Storage, StorageFile } from '../../feed/storage.ts';
import { type Clock, systemClock } from '../../stream/clock.ts';
import { type Deferred, deferred } from '../../stream/deferred.ts';
import { Calls } from './calls.ts';
import { connect } from './connect.ts';
import { messageChannel, type PortLike } from './port.ts';

/** The platform's own `MessagePort`, where its types are known. */
export type PlatformPort = typeof globalThis extends { MessagePort: { prototype: infer Port } }
  ? Port
  : PortLike;

/** What {@link remoteStorage} can be told. */
export interface RemoteOptions {
  readonly clock?: Clock;
}

export interface RemoteStorage extends Storage {
  /**
   * Of the opening that is next, or the last: resolves when the storage has been closed; with an error where its
   * worker, or the page that had it, is gone. What was acknowledged is stored then, and the rest is not. It can be
   * opened again at once.
   */
  readonly closed: Promise<StorageError | undefined>;
}

/**
 * The storage of `folder` at a worker that calls `serveStorage`: a page gives the `Worker`, and a shared worker
 * a port that a page made by `storagePort`. Of several, the first that answers is used; `open` looks anew. Calls
 * made together travel together, and one message is under way at a time, so that a worker which writes slower
 * than it is told to holds its caller back.
 */
export function remoteStorage(
  worker: PortLike | readonly PortLike[],
  folder: string,
  options: RemoteOptions = {},
): RemoteStorage {
  if (typeof folder !== 'string') throw new TypeError(`"folder" expected a path, got ${typeof folder}`);
  const workers = (): readonly PortLike[] => (Array.isArray(worker) ? worker : [worker as PortLike]);
  return new PortStorage(workers, folder, options.clock ?? systemClock());
}

/** A port that leads to `worker`, to be handed on, for `remoteStorage` in a shared worker or another page. */
export function storagePort(worker: PortLike): PlatformPort {
  const { port1, port2 } = messageChannel();
  worker.postMessage({ 'hypercore-wire storage': 'serve', port: port2 }, [port2]);
  return port1 as PlatformPort;
}

class PortStorage implements RemoteStorage {
  readonly #workers: () => readonly PortLike[];
  readonly #folder: string;
  readonly #clock: Clock;
  /** Who has it; nobody where it is closed. */
  #holder: Calls | 'opening' | undefined;
  /** Where calls go: to one that is lost too, which tells so. */
  #calls: Calls | undefined;
  #closed: Deferred<StorageError | undefined> = deferred();
  #isOver = false;

  constructor(workers: () => readonly PortLike[], folder: string, clock: Clock) {
    this.#workers = workers;
    this.#folder = folder;
    this.#clock = clock;
  }

  get closed(): Promise<StorageError | undefined> {
    return this.#closed.promise;
  }

  async open(): Promise<void> {
    if (this.#holder !== undefined) {
      throw new StorageError('locked', `${this.#folder} is in use by another feed here: close that first.`);
    }
    this.#holder = 'opening';
    this.#calls = undefined;
    if (this.#isOver) this.#closed = deferred();
    this.#isOver = false;
    let calls: Calls | undefined;
    try {
      calls = new Calls(await connect(this.#workers(), this.#folder, this.#clock), this.#folder);
      await calls.call({ call: 'open' });
    } catch (error) {
      calls?.end();
      this.#holder = undefined;
      throw error;
    }
    const opened = (this.#calls = this.#holder = calls);
    opened.lost.then((error) => this.#end(opened, error));
  }

  file(name: FileName): StorageFile {
    return {
      size: async () => (await this.#call({ call: 'size', file: name })) as number,
      read: async (offset, length) => {
        assertInteger('offset', offset);
        assertInteger('length', length);
        return (await this.#call({ call: 'read', file: name, offset, length })) as Uint8Array;
      },
      write: async (offset, bytes) => {
        assertInteger('offset', offset);
        assertBytes('bytes', bytes);
        // A copy that can be given away: these bytes are the caller's, who may have more in the same buffer.
        await this.#call({ call: 'write', file: name, offset, bytes: new Uint8Array(bytes) });
      },
      discard: async (offset, length) => {
        assertInteger('offset', offset);
        assertInteger('length', length);
        await this.#call({ call: 'discard', file: name, offset, length });
      },
      flush: async () => void (await this.#call({ call: 'flush', file: name })),
    };
  }

  async close(): Promise<void> {
    const calls = this.#calls;
    this.#calls = undefined;
    // What is lost has nothing to let go of.
    if (calls === undefined || calls.isLost) return;
    try {
      await calls.call({ call: 'close' });
    } finally {
      this.#end(calls, undefined);
    }
  }

  /** Lets go of the worker. Of no effect where that is done. */
  #end(calls: Calls, error: StorageError | undefined): void {
    calls.end();
    if (this.#holder !== calls) return;
    this.#holder = undefined;
    this.#isOver = true;
    this.#closed.resolve(error);
  }

  #call(call: Parameters<Calls['call']>[0]): Promise<unknown> {
    if (this.#calls === undefined)
      throw new TypeError(`"storage" expected to be open, got ${this.#folder} closed`);
    return this.#calls.call(call);
  }
}
