/**
 * A feed in a browser's own file system (OPFS), in hypercore 7's layout, for one tab at a time.
 *
 * @module hypercore-wire/storage/opfs
 */
import { assertInteger, describe, StorageError } from '../errors.ts';
import type { FileName, Storage } from '../feed/storage.ts';
import { aborter } from '../stream/abort.ts';
import { type Clock, systemClock } from '../stream/clock.ts';
import { isFileName } from './file-names.ts';
import { fault, inUse, isNamed } from './opfs/fault.ts';
import { type Folder, OpfsFile } from './opfs/file.ts';
import { type AccessHandle, type DirectoryHandle, originFolder } from './opfs/platform.ts';
import { holdLock, type LockManagerLike, type WebLock, webLocks } from './web-locks.ts';

export type { PortEvent, PortLike, PortListener } from './port/port.ts';
export {
  type PlatformPort,
  type RemoteOptions,
  type RemoteStorage,
  remoteStorage,
  storagePort,
} from './port/remote.ts';
export { type StorageServer, serveStorage } from './port/serve.ts';

/** What {@link opfsStorage} can be told. */
export interface OpfsOptions {
  /**
   * How long `open` waits for whoever has the folder, in milliseconds; 5000 by default. A page that was reloaded
   * while its worker was busy lets go within two seconds or so.
   */
  readonly waitMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Between two attempts to open a file that somebody else has open. */
const RETRY_MS = 20;

/**
 * A place for a feed in `folder` of the origin's file system, for use in a dedicated worker: nowhere else do
 * browsers give a file that can be read and written in place. Opening makes nothing: the folder appears with the
 * first write, and so does each file. What a sparse copy leaves out counts against what the browser lets the
 * origin keep, up to the last block that it has.
 *
 * `open` throws `StorageError`: `unsupported` where there is no OPFS, `locked` where another tab has the folder,
 * `foreign`, and `platform`, as everything else does when the browser's storage is full.
 */
export function opfsStorage(folder: string, options: OpfsOptions = {}): Storage {
  const { waitMs = 5000, clock = systemClock() } = options;
  assertInteger('waitMs', waitMs);
  const names = typeof folder === 'string' ? folder.split('/').filter((name) => name !== '') : [];
  if (names.length === 0 || names.includes('.') || names.includes('..')) {
    throw new TypeError(`"folder" expected a path from the origin's own folder, got ${describe(folder)}`);
  }
  return new OpfsStorage(names, waitMs, clock);
}

class OpfsStorage implements Storage, Folder {
  readonly path: string;
  readonly #names: readonly string[];
  readonly #waitMs: number;
  readonly #clock: Clock;
  readonly #files = new Map<FileName, OpfsFile>();
  #root: DirectoryHandle | undefined;
  #lock: WebLock | undefined;

  constructor(names: readonly string[], waitMs: number, clock: Clock) {
    this.path = names.join('/');
    this.#names = names;
    this.#waitMs = waitMs;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    const root = await originFolder();
    const lock = await this.#takeLock();
    try {
      await this.#openFiles(root);
    } catch (error) {
      await this.#closeFiles();
      await lock.release();
      throw fault(error, this.path);
    }
    this.#root = root;
    this.#lock = lock;
  }

  file(name: FileName): OpfsFile {
    let file = this.#files.get(name);
    if (file === undefined) this.#files.set(name, (file = new OpfsFile(this, name)));
    return file;
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    if (lock === undefined) return;
    this.#lock = undefined;
    try {
      await this.#closeFiles();
    } finally {
      await lock.release();
    }
  }

  assertOpen(): void {
    if (this.#lock === undefined)
      throw new TypeError(`"storage" expected to be open, got ${this.path} closed`);
  }

  async make(name: FileName): Promise<AccessHandle> {
    return this.#access(await this.#find(this.#root!, true), name);
  }

  async #takeLock(): Promise<WebLock> {
    const locks = webLocks();
    if (locks === undefined) {
      throw new StorageError(
        'unsupported',
        'There are no Web Locks here, which keep two tabs apart: use memoryStorage(), which keeps nothing.',
      );
    }
    const name = `hypercore-wire folder ${this.path}`;
    try {
      // That it did not come in time may be the browser's own delay: only the second answer tells that somebody has it.
      const lock = (await this.#waitFor(locks, name)) ?? (await holdLock(locks, name, { ifAvailable: true }));
      if (lock !== undefined) return lock;
    } catch (error) {
      throw fault(error, this.path);
    }
    throw inUse(this.path);
  }

  /** Undefined where it does not come in time. */
  async #waitFor(locks: LockManagerLike, name: string): Promise<WebLock | undefined> {
    if (this.#waitMs === 0) return undefined;
    const stop = aborter();
    const cancel = this.#clock.after(this.#waitMs, () => stop.abort());
    try {
      return await holdLock(locks, name, { signal: stop.signal });
    } catch (error) {
      if (isNamed(error, 'AbortError')) return undefined;
      throw error;
    } finally {
      cancel();
    }
  }

  async #openFiles(root: DirectoryHandle): Promise<void> {
    const folder = await this.#find(root, false).catch((error: unknown) => {
      if (isNamed(error, 'NotFoundError')) return undefined;
      throw error;
    });
    if (folder === undefined) return;
    const names: string[] = [];
    for await (const name of folder.keys()) names.push(name);
    const ours = names.filter(isFileName);
    if (names.length > 0 && ours.length === 0) {
      throw new StorageError(
        'foreign',
        `${this.path} has other things in it (${names[0]}), and no feed: name an empty folder, or a new one.`,
      );
    }
    for (const name of ours) this.file(name).open(await this.#access(folder, name));
  }

  async #find(root: DirectoryHandle, create: boolean): Promise<DirectoryHandle> {
    let folder = root;
    for (const name of this.#names) folder = await folder.getDirectoryHandle(name, { create });
    return folder;
  }

  /** Opens a file. One whose worker has just died may be in use for a moment longer than its lock. */
  async #access(folder: DirectoryHandle, name: FileName): Promise<AccessHandle> {
    const file = await folder.getFileHandle(name, { create: true });
    const end = this.#clock.now() + this.#waitMs;
    for (;;) {
      try {
        return await file.createSyncAccessHandle();
      } catch (error) {
        if (!isNamed(error, 'NoModificationAllowedError') || this.#clock.now() >= end) throw error;
      }
      await new Promise<void>((resolve) => this.#clock.after(RETRY_MS, resolve));
    }
  }

  async #closeFiles(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }
}
