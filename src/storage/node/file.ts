/** One file of a feed on disk: opened when it is first used, made when it is first written. */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { assertBytes, assertInteger } from '../../errors.ts';
import type { FileName, StorageFile } from '../../feed/storage.ts';
import { fault, isCode } from './fault.ts';

/** What a file asks of its folder. */
export interface Folder {
  readonly path: string;
  /** Throws TypeError unless the folder is open. */
  assertOpen(): void;
  /** Makes the folder, and takes its lock, where that has not been done. */
  make(): Promise<void>;
  /** Waits until the names of new files are on the disk. */
  flush(): Promise<void>;
}

export class DiskFile implements StorageFile {
  readonly #folder: Folder;
  readonly #path: string;
  /** Only its owner may read the secret key. */
  readonly #mode: number;
  #handle: { readonly file: FileHandle; readonly canWrite: boolean } | undefined;
  /** Opening one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #isNew = false;

  constructor(folder: Folder, name: FileName) {
    this.#folder = folder;
    this.#path = join(folder.path, name);
    this.#mode = name === 'secret_key' ? 0o600 : 0o644;
  }

  size(): Promise<number> {
    return this.#with(false, async (file) => (await file?.stat())?.size ?? 0);
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    assertInteger('offset', offset);
    assertInteger('length', length);
    return this.#with(false, async (file) => {
      const bytes = new Uint8Array(length);
      if (file === undefined) return bytes;
      for (let at = 0; at < length; ) {
        const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes;
    });
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    assertInteger('offset', offset);
    assertBytes('bytes', bytes);
    return this.#with(true, async (file) => {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file!.write(bytes, at, bytes.length - at, offset + at);
        at += bytesWritten;
      }
    });
  }

  flush(): Promise<void> {
    return this.#with(false, async (file) => {
      await file?.datasync();
      if (!this.#isNew) return;
      await this.#folder.flush();
      this.#isNew = false;
    });
  }

  /** Waits for what is under way. The file opens again when it is used again. */
  async close(): Promise<void> {
    await this.#turn;
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.file.close();
  }

  async #with<T>(write: boolean, use: (file: FileHandle | undefined) => Promise<T>): Promise<T> {
    this.#folder.assertOpen();
    try {
      return await use(await this.#open(write));
    } catch (error) {
      throw fault(error, this.#path);
    }
  }

  /** The file; undefined where there is none, and none is to be made. */
  #open(write: boolean): Promise<FileHandle | undefined> | FileHandle {
    if (this.#handle !== undefined && (this.#handle.canWrite || !write)) return this.#handle.file;
    const opened = this.#turn.then(() => this.#reopen(write));
    this.#turn = opened.catch(() => undefined);
    return opened;
  }

  async #reopen(write: boolean): Promise<FileHandle | undefined> {
    if (this.#handle !== undefined && (this.#handle.canWrite || !write)) return this.#handle.file;
    if (write) await this.#folder.make();
    const before = this.#handle;
    try {
      const file = await open(this.#path, constants.O_RDWR);
      this.#handle = { file, canWrite: true };
    } catch (error) {
      if (write && isCode(error, 'ENOENT')) await this.#create();
      else if (write) throw error;
      else if (isCode(error, 'ENOENT')) return undefined;
      else if (!isCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
      else this.#handle = { file: await open(this.#path, constants.O_RDONLY), canWrite: false };
    }
    await before?.file.close();
    return this.#handle!.file;
  }

  async #create(): Promise<void> {
    const file = await open(this.#path, constants.O_RDWR | constants.O_CREAT, this.#mode);
    this.#handle = { file, canWrite: true };
    this.#isNew = true;
  }
}
