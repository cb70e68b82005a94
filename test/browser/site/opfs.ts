/** Feeds in OPFS: in the worker that has it, and from a page and a shared worker by its port. */
import { opfsStorage, remoteStorage, storagePort } from 'hypercore-wire/storage/opfs';
import { type Remote, remote } from './ask.ts';
import type { Progress, stoppingScenarios } from './stopping.ts';
import { type Blocks, type StorageScenarios, storageScenarios } from './storage-scenarios.ts';

export type WorkerScenarios = StorageScenarios & ReturnType<typeof stoppingScenarios>;
type SharedScenarios = StorageScenarios & { lost(): Promise<string>; end(): void };

export const startWorker = (): Worker =>
  new Worker(new URL('./storage-worker.ts', import.meta.url), { type: 'module' });
let worker: Worker | undefined;
const theWorker = (): Worker => (worker ??= startWorker());
let shared: SharedWorker | undefined;

/** Scenarios on OPFS itself. */
export const inWorker = (): Remote<WorkerScenarios> => remote<WorkerScenarios>(theWorker());

/** Scenarios in this page, by a port. */
const here = storageScenarios((folder) => remoteStorage(theWorker(), folder));
export const inPage = (): StorageScenarios => here;

/** Scenarios in the shared worker, to which this page has handed a port to its own worker. */
export async function inShared(): Promise<Remote<SharedScenarios>> {
  if (shared === undefined) {
    shared = new SharedWorker(new URL('./storage-shared.ts', import.meta.url), { type: 'module' });
    shared.port.start();
    const taken = new Promise((resolve) => shared!.port.addEventListener('message', resolve, { once: true }));
    const storage = storagePort(theWorker());
    shared.port.postMessage({ storage }, [storage]);
    await taken;
  }
  return remote<SharedScenarios>(shared.port);
}

export function terminateWorker(): void {
  worker?.terminate();
  worker = undefined;
}

/** How opening storages ends that cannot be opened, and what is there afterwards. */
export async function refusals(): Promise<Record<string, string | string[]>> {
  const root = await navigator.storage.getDirectory();
  await (await root.getDirectoryHandle('photos', { create: true })).getFileHandle('cat.jpg', {
    create: true,
  });
  await root.getFileHandle('note', { create: true });
  const ends: Record<string, string | string[]> = {};
  const end = async (what: string, act: () => unknown): Promise<void> => {
    try {
      await act();
      ends[what] = 'opened';
    } catch (error) {
      ends[what] = String(error);
    }
  };
  const open = (folder: string) => () => remoteStorage(theWorker(), folder).open();
  await end('in a page', () => opfsStorage('feed').open());
  await end('other things', open('photos'));
  await end('a file', open('note'));
  await end('below a file', open('note/feed'));
  await end('no name', open('/'));
  await end('outside', open('a/../b'));
  const storage = remoteStorage(theWorker(), '/new/deep/');
  await storage.open();
  await storage.file('tree').read(0, 10);
  await storage.file('tree').flush();
  ends['after opening'] = (await rootNames()).sort();
  await storage.file('tree').write(0, Uint8Array.of(1));
  await storage.close();
  ends['after writing'] = Object.keys(await filesOf('new/deep'));
  return ends;
}

/** A storage that a call waits for while its worker is terminated. */
export async function terminatedUnderway(): Promise<string[]> {
  const storage = remoteStorage(theWorker(), 'terminated');
  await storage.open();
  await storage.file('data').write(0, new Uint8Array(100));
  const calls = [storage.file('data').write(100, new Uint8Array(4_000_000)), storage.file('data').flush()];
  terminateWorker();
  const ends = await Promise.all(
    calls.map((call) =>
      Promise.resolve(call).then(
        () => 'done',
        (error) => error.code,
      ),
    ),
  );
  const lost = await storage.closed;
  await storage.close();
  return [...ends, String(lost)];
}

/** What a folder has, by file name. */
export async function filesOf(folder: string): Promise<Record<string, number[]>> {
  let place = await navigator.storage.getDirectory();
  for (const name of folder.split('/')) place = await place.getDirectoryHandle(name);
  const files: Record<string, number[]> = {};
  for await (const [name, handle] of place.entries()) {
    const file = await (handle as FileSystemFileHandle).getFile();
    files[name] = [...new Uint8Array(await file.arrayBuffer())];
  }
  return files;
}

/** Puts files into a folder. */
export async function putFiles(
  folder: string,
  files: Readonly<Record<string, readonly number[]>>,
): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const place = await root.getDirectoryHandle(folder, { create: true });
  for (const [name, bytes] of Object.entries(files)) {
    const writable = await (await place.getFileHandle(name, { create: true })).createWritable();
    await writable.write(Uint8Array.from(bytes));
    await writable.close();
  }
}

/** What the origin's own folder has. */
export async function rootNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
  return names;
}

/** Starts a download that stops at its `stopAt`th write or flush; resolves once `count` blocks are stored, with those. */
export function startDownload(
  folder: string,
  blocks: Blocks,
  count: number,
  stopAt: number,
): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const stored: number[] = [];
    theWorker().addEventListener('message', ({ data }: MessageEvent<Progress>) => {
      if ('stored' in data && stored.push(data.stored) === count) resolve(stored);
    });
    inWorker().downloadUntil(folder, blocks, stopAt).catch(reject);
  });
}
