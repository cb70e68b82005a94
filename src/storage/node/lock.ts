/**
 * One process per folder: a file named `lock` says which process has it. A process that was killed leaves its
 * file behind; the next one sees that the process is gone and takes over, and of several that try, one does.
 *
 * How two takers cannot both win: every entry has a random token, and the right to succeed a dead holder is
 * the file `lock.<its token>`, which only one can make (`link` never replaces). So the holder is the end of
 * the chain that starts at `lock`. The winner then puts its own entry in the place of the chain's start by
 * renaming, which is atomic, and removes the rest. Whoever was slow, and made an entry for a chain that is
 * gone, finds on looking again from the start that the chain does not end in it, and takes the entry back.
 */
import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '../../errors.ts';
import { isCode } from './fault.ts';
import { isRunning, isVisible, type ProcessIdentity, thisProcess } from './process.ts';

const LOCK = 'lock';
/** What ends the name of an entry that has not taken its place yet. */
const NEW = '.new';

/** Whether a file in a folder belongs to its lock. */
export function isLockFile(name: string): boolean {
  return name === LOCK || name.startsWith(`${LOCK}.`);
}

/** Who holds, as the file has it. */
interface Holder extends ProcessIdentity {
  readonly token: string;
}

/** A lock that is held. */
export interface Lock {
  /** Lets go. */
  release(): Promise<void>;
}

/**
 * Takes the lock of a folder that exists.
 *
 * @throws StorageError `locked` when a process that runs holds it; the platform's error as it is
 */
export async function takeLock(folder: string): Promise<Lock> {
  const lock = join(folder, LOCK);
  const self: Holder = { ...(await thisProcess()), token: randomUUID() };
  const entry = `${lock}.${self.token}${NEW}`;
  await write(entry, self);
  try {
    for (;;) {
      const last = (await chain(folder)).at(-1);
      if (last !== undefined && (await isRunning(last, self))) throw inUse(folder, last, self);
      const place = last === undefined ? lock : `${lock}.${last.token}`;
      if (!(await put(entry, place, self))) continue;
      if ((await chain(folder)).at(-1)?.token === self.token) break;
      await remove(place);
    }
    await rename(entry, lock);
  } finally {
    await remove(entry);
  }
  await sweep(folder, self);
  return {
    async release() {
      // Not ours any more only if somebody removed the file by hand, and another process made its own.
      if ((await chain(folder))[0]?.token === self.token) await remove(lock);
    },
  };
}

/** Whoever holds or held the lock, each the successor of the one before; the last one is it. */
async function chain(folder: string): Promise<Holder[]> {
  const holders: Holder[] = [];
  for (let path = join(folder, LOCK); ; path = `${join(folder, LOCK)}.${holders.at(-1)!.token}`) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (text === undefined) return holders;
    holders.push(parse(text, path, folder));
  }
}

function parse(text: string, path: string, folder: string): Holder {
  try {
    const holder: Partial<Holder> | null = JSON.parse(text);
    const { pid, start = '', boot = '', namespace = '', token } = holder ?? {};
    // Zero and below would ask for groups of processes, not for one.
    if (Number.isSafeInteger(pid) && pid! > 0 && typeof token === 'string' && /^[\w-]+$/.test(token)) {
      return { pid: pid!, start: String(start), boot: String(boot), namespace: String(namespace), token };
    }
  } catch {
    // Not JSON: said below.
  }
  throw new StorageError(
    'locked',
    `${path} does not say which process uses ${folder}. If none does, remove that file; else name another folder.`,
  );
}

/** Writes an entry, to the disk, so that a loss of power leaves none that is empty. */
async function write(path: string, holder: Holder): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(`${JSON.stringify(holder)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Puts an entry in its place. Whether there was none before. */
async function put(entry: string, place: string, holder: Holder): Promise<boolean> {
  try {
    await link(entry, place);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    // Some file systems have no hard links. There an entry is for a moment not wholly written, and whoever
    // reads it then is told to look after it by hand.
    if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
  }
  try {
    await write(place, holder);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Removes what dead processes left. None of it counts while this process holds the lock. */
async function sweep(folder: string, self: Holder): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${LOCK}.`)) continue;
    const path = join(folder, name);
    // A new entry may be that of a taker about to find out that it comes too late: it removes it itself.
    if (name.endsWith(NEW)) {
      const text = await readFile(path, 'utf8').catch(() => '');
      const holder = await Promise.resolve()
        .then(() => parse(text, path, folder))
        .catch(() => undefined);
      if (holder === undefined || (await isRunning(holder, self))) continue;
    }
    await remove(path);
  }
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error;
  });
}

function inUse(folder: string, holder: Holder, self: Holder): StorageError {
  const where = !isVisible(holder, self)
    ? `process ${holder.pid} of another container: end that, or remove ${join(folder, LOCK)} if it is gone`
    : holder.pid === self.pid
      ? 'this process: close that feed first'
      : `process ${holder.pid}: end that first`;
  return new StorageError('locked', `${folder} is in use by ${where}, or name another folder.`);
}
