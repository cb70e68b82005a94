/** One file of a feed in OPFS. Where it exists, every answer is synchronous; it is made when it is first written. */
import { assertBytes, assertInteger } from '../../errors.ts';
import type { FileName, StorageFile } from '../../feed/storage.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import { fault, full } from './fault.ts';
import type { AccessHandle } from './platform.ts';

/** What a file asks of its folder. */
export interface Folder {
  readonly path: string;
  /** Throws TypeError unless the folder is open. */
  assertOpen(): void;
  /** Opens a file, which it makes where it is missing, and the folder too. */
  make(name: FileName): Promise<AccessHandle>;
}

export class OpfsFile implements StorageFile {
  readonly #folder: Folder;
  readonly #name: FileName;
  #handle: AccessHandle | undefined;
  /** The file, for as long as anything waits for it: what is asked for then may not go before that. */
  #making: Promise<AccessHandle> | undefined;
  #waiting = 0;

  constructor(folder: Folder, name: FileName) {
    this.#folder = folder;
    this.#name = name;
  }

  /** The file exists. */
  open(handle: AccessHandle): void {
    this.#handle = handle;
  }

  size(): MaybePromise<number> {
    return this.#use((handle) => handle?.getSize() ?? 0);
  }

  read(offset: number, length: number): MaybePromise<Uint8Array> {
    assertInteger('offset', offset);
    assertInteger('length', length);
    return this.#use((handle) => {
      const bytes = new Uint8Array(length);
      if (handle === undefined) return bytes;
      for (let at = 0; at < length; ) {
        const count = handle.read(bytes.subarray(at), { at: offset + at });
        if (count === 0) break;
        at += count;
      }
      return bytes;
    });
  }

  write(offset: number, bytes: Uint8Array): MaybePromise<void> {
    assertInteger('offset', offset);
    assertBytes('bytes', bytes);
    this.#folder.assertOpen();
    if (this.#handle === undefined) this.#making ??= this.#make();
    return this.#use((handle) => {
      // Chromium throws where it keeps the files on the disk. In a private window, where it keeps them in
      // memory, it writes what fits and answers with a number that is none.
      if (handle!.write(bytes, { at: offset }) !== bytes.byteLength) throw full(this.#folder.path);
    });
  }

  discard(offset: number, length: number): MaybePromise<void> {
    assertInteger('offset', offset);
    assertInteger('length', length);
    // A hole cannot be made, but an end can be cut off.
    return this.#use((handle) => {
      const size = handle?.getSize() ?? 0;
      if (offset < size && offset + length >= size) handle!.truncate(offset);
    });
  }

  flush(): MaybePromise<void> {
    return this.#use((handle) => handle?.flush());
  }

  /** Waits for what is under way. Can be opened again. */
  async close(): Promise<void> {
    await this.#making?.catch(() => {});
    this.#handle?.close();
    this.#handle = undefined;
  }

  /** At once, unless the file is being made: then after what was asked for before. */
  #use<T>(act: (handle: AccessHandle | undefined) => T): MaybePromise<T> {
    this.#folder.assertOpen();
    const guarded = (handle: AccessHandle | undefined): T => {
      try {
        return act(handle);
      } catch (error) {
        throw fault(error, this.#folder.path);
      }
    };
    if (this.#making === undefined) return guarded(this.#handle);
    this.#waiting++;
    return this.#making.then(guarded).finally(() => {
      // After a failure the next write tries again: there may be space by then.
      if (--this.#waiting === 0) this.#making = undefined;
    });
  }

  async #make(): Promise<AccessHandle> {
    try {
      this.#handle = await this.#folder.make(this.#name);
      return this.#handle;
    } catch (error) {
      throw fault(error, this.#folder.path);
    }
  }
}
