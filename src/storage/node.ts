/**
 * A feed in a folder of Node's file system, in hypercore 7's layout, for one process at a time.
 *
 * @module hypercore-wire/storage/node
 */
import { mkdir, open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StorageError } from '../errors.ts';
import type { FileName, Storage } from '../feed/storage.ts';
import { isFileName } from './file-names.ts';
import { fault, isCode } from './node/fault.ts';
import { DiskFile, type Folder } from './node/file.ts';
import { isLockFile, type Lock, takeLock } from './node/lock.ts';

/** The folders open in this process, by their real path. */
const openHere = new Set<string>();

/**
 * A place for a feed in `folder`. Opening makes nothing: the folder appears with the first write, and so does
 * each file. An error of the platform comes as `StorageError` `platform`.
 */
export function nodeStorage(folder: string): Storage {
  if (typeof folder !== 'string' || folder === '') {
    throw new TypeError(`"folder" expected a path, got ${folder === '' ? 'an empty string' : typeof folder}`);
  }
  return new FolderStorage(resolve(folder));
}

class FolderStorage implements Storage, Folder {
  readonly path: string;
  readonly #files = new Map<FileName, DiskFile>();
  #isOpen = false;
  /** Where it is among {@link openHere}. */
  #place: string | undefined;
  #lock: Lock | undefined;
  #making: Promise<void> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async open(): Promise<void> {
    try {
      const place = await realPlace(this.path);
      if (openHere.has(place)) {
        throw new StorageError(
          'locked',
          `${this.path} is in use by this process: close that feed first, or name another folder.`,
        );
      }
      openHere.add(place);
      this.#place = place;
    } catch (error) {
      throw fault(error, this.path);
    }
    try {
      const names = await namesIn(this.path);
      if (names !== undefined) {
        assertOurs(this.path, names);
        this.#lock = await lockOf(this.path);
        this.#making = Promise.resolve();
      }
      this.#isOpen = true;
    } catch (error) {
      this.#letGo();
      throw fault(error, this.path);
    }
  }

  file(name: FileName): DiskFile {
    let file = this.#files.get(name);
    if (file === undefined) this.#files.set(name, (file = new DiskFile(this, name)));
    return file;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      for (const file of this.#files.values()) await file.close();
      await this.#lock?.release();
    } catch (error) {
      throw fault(error, this.path);
    } finally {
      this.#letGo();
    }
  }

  assertOpen(): void {
    if (!this.#isOpen) throw new TypeError(`"storage" expected to be open, got ${this.path} closed`);
  }

  make(): Promise<void> {
    this.#making ??= this.#make().catch((error: unknown) => {
      // The next write tries again: the disk may have space by then.
      this.#making = undefined;
      throw error;
    });
    return this.#making;
  }

  async flush(): Promise<void> {
    await flushFolder(this.path);
  }

  async #make(): Promise<void> {
    const first = await mkdir(this.path, { recursive: true, mode: 0o755 });
    const lock = await takeLock(this.path);
    // There was no folder at open. If it has files by now, another process made them, and all that was read
    // of this feed since is wrong.
    const names = (await readdir(this.path)).filter((name) => !isLockFile(name));
    if (names.length > 0) {
      await lock.release();
      throw new StorageError(
        'locked',
        `${this.path} was made by another process meanwhile: open it again, or name another folder.`,
      );
    }
    this.#lock = lock;
    if (first === undefined) return;
    for (let path = this.path; path.length >= first.length; path = dirname(path))
      await flushFolder(dirname(path));
  }

  #letGo(): void {
    if (this.#place !== undefined) openHere.delete(this.#place);
    this.#place = undefined;
    this.#lock = undefined;
    this.#making = undefined;
  }
}

/** The path without links, of a folder that may not be there yet. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isCode(error, 'ENOENT') || dirname(path) === path) throw error;
    return join(await realPlace(dirname(path)), basename(path));
  }
}

async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    if (isCode(error, 'ENOTDIR')) {
      throw new StorageError('foreign', `${folder} is a file: name a folder.`, { cause: error });
    }
    throw error;
  }
}

/** Throws where a folder has files, and none of them is ours. */
function assertOurs(folder: string, names: readonly string[]): void {
  // The lock is ours as well; what a file manager leaves behind says nothing.
  const others = names.filter((name) => !isLockFile(name) && name !== '.DS_Store');
  if (others.length === 0 || others.some(isFileName)) return;
  throw new StorageError(
    'foreign',
    `${folder} has other things in it (${others[0]}), and no feed: name an empty folder, or a new one.`,
  );
}

/** The lock of a folder; none where the disk is read-only, and so nobody can write. */
async function lockOf(folder: string): Promise<Lock | undefined> {
  try {
    return await takeLock(folder);
  } catch (error) {
    if (isCode(error, 'EROFS')) return undefined;
    throw error;
  }
}

/** Waits until the names in a folder are on the disk, on platforms that can. */
async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!isCode(error, 'EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP')) throw error;
  }
}
