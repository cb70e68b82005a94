/** The side of a port that has the files: does what the calls ask for, in their order. */
import { describe } from '../../errors.ts';
import type { Storage, StorageFile } from '../../feed/storage.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import { isFileName } from '../file-names.ts';
import { holdLife, type Life, watchLife } from './life.ts';
import { type Answer, type Call, type DoorMessage, isDoorMessage, transferable } from './messages.ts';
import { listen, type PortLike, type PortListener } from './port.ts';
import { sentError } from './sent-error.ts';

/** Serves storages until it is closed. */
export interface StorageServer {
  /** Closes all storages, and serves no more. */
  close(): Promise<void>;
}

/**
 * Serves storages to whoever calls `remoteStorage` with the other end of `port`, which in a worker is `self`.
 * `open` makes the storage of a folder; of one whose owner is gone without a word it lets go. Other messages to
 * the port are left alone. To be called before anything is awaited: what a worker was sent before may be lost.
 */
export function serveStorage(port: PortListener, open: (folder: string) => Storage): StorageServer {
  const stops: (() => void)[] = [];
  const served = new Set<ServedStorage>();
  const take = (message: DoorMessage): void => {
    if (message['hypercore-wire storage'] === 'serve') return listenTo(message.port);
    const storage = new ServedStorage(message, open, () => served.delete(storage));
    served.add(storage);
  };
  const listenTo = (door: PortListener): void => {
    stops.push(listen(door, (data) => isDoorMessage(data) && take(data)));
  };
  listenTo(port);
  return {
    async close() {
      for (const stop of stops.splice(0)) stop();
      await Promise.all([...served].map((storage) => storage.end()));
    },
  };
}

/** One storage, for one who has opened it. */
class ServedStorage {
  readonly #port: PortLike;
  readonly #make: () => Storage;
  readonly #onEnd: () => void;
  readonly #stops: (() => void)[];
  #life: Life | undefined;
  #storage: Storage | undefined;
  /** The end of what was asked for so far. */
  #turn: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor({ port, folder, life }: DoorMessage, open: (folder: string) => Storage, onEnd: () => void) {
    this.#port = port;
    this.#make = () => open(folder!);
    this.#onEnd = onEnd;
    const gone = (): void => void this.end();
    const take = (calls: unknown): void => {
      this.#turn = this.#turn.then(() => this.#answerAll(calls));
    };
    this.#stops = [listen(port, take, gone), watchLife(life, gone)];
    void this.#greet();
  }

  async #greet(): Promise<void> {
    this.#life = await holdLife();
    if (this.#ended === undefined) this.#port.postMessage({ life: this.#life.name });
    else this.#life.release();
  }

  async #answerAll(calls: unknown): Promise<void> {
    if (this.#ended !== undefined) return;
    const answers: Answer[] = [];
    const arrays: Uint8Array[] = [];
    // No array is answered with no answers, which is not what whoever asked waits for.
    for (const call of Array.isArray(calls) ? calls : []) {
      const answer = await this.#answer(call);
      answers.push(answer);
      if ('value' in answer && answer.value instanceof Uint8Array) arrays.push(answer.value);
    }
    this.#port.postMessage({ answers }, transferable(arrays));
    // It could not be opened, or was closed.
    if (this.#storage === undefined) void this.end();
  }

  async #answer(call: Call): Promise<Answer> {
    try {
      const value = await this.#do(call);
      // Of a view, its whole buffer would travel.
      const isView = value instanceof Uint8Array && value.byteLength < value.buffer.byteLength;
      return { value: isView ? new Uint8Array(value) : value };
    } catch (error) {
      return { error: sentError(error) };
    }
  }

  #do(call: Call): MaybePromise<unknown> {
    switch (call?.call) {
      case 'open':
        return this.#open();
      case 'close':
        return this.#close();
      case 'size':
        return this.#file(call.file).size();
      case 'flush':
        return this.#file(call.file).flush();
      case 'read':
        return this.#file(call.file).read(call.offset, call.length);
      case 'discard':
        return this.#file(call.file).discard?.(call.offset, call.length);
      case 'write':
        return this.#file(call.file).write(call.offset, call.bytes);
      default:
        throw new TypeError(`"call" expected one of a storage, got ${describe(call)}`);
    }
  }

  async #open(): Promise<void> {
    if (this.#storage !== undefined) throw new TypeError('"open" expected a storage that is closed');
    const storage = this.#make();
    await storage.open();
    this.#storage = storage;
  }

  async #close(): Promise<void> {
    const storage = this.#storage;
    this.#storage = undefined;
    await storage?.close();
  }

  #file(name: unknown): StorageFile {
    if (this.#storage === undefined) throw new TypeError('"storage" expected to be open');
    if (!isFileName(name)) throw new TypeError(`"file" expected one of a feed, got ${describe(name)}`);
    return this.#storage.file(name);
  }

  /** Takes no more calls, and closes the storage once those before are done. Idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#turn;
    // Nobody is left to tell of a fault, and what was acknowledged is on the disk.
    await this.#close().catch(() => {});
    this.#port.close?.();
    this.#life?.release();
    this.#onEnd();
  }
}
