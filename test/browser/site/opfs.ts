/** Feeds in OPFS: in the worker that has it, and from a page and a shared worker by its port. */
import { memoryStorage } from 'hypercore-wire';
import { opfsStorage, remoteStorage, storagePort } from 'hypercore-wire/storage/opfs';
import { type Remote, remote } from './ask.ts';
import type { Progress, stoppingScenarios } from './stopping.ts';
import { type Blocks, removeFolder, type StorageScenarios, storageScenarios } from './storage-scenarios.ts';

type WorkerScenarios = StorageScenarios & ReturnType<typeof stoppingScenarios>;
type SharedScenarios = StorageScenarios & { lost(): Promise<string>; end(): void };

const start = (): Worker => new Worker(new URL('./storage-worker.ts', import.meta.url), { type: 'module' });
let worker: Worker | undefined;
const theWorker = (): Worker => (worker ??= start());
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

/** Starts a download, and resolves once so many blocks are stored, with those that are. */
export function startDownload(folder: string, blocks: Blocks, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const stored: number[] = [];
    theWorker().addEventListener('message', ({ data }: MessageEvent<Progress>) => {
      if ('stored' in data && stored.push(data.stored) === count) resolve(stored);
    });
    inWorker().downloadUntil(folder, blocks).catch(reject);
  });
}

/** Stops a download at each write and flush in turn, by terminating its worker. Returns what was not as it should be. */
export async function crashEverywhere(blocks: Blocks): Promise<{ crashes: number; wrong: string[] }> {
  const wrong: string[] = [];
  for (let stopAt = 1; ; stopAt++) {
    const folder = `crash-${stopAt}`;
    await removeFolder(folder);
    const one = start();
    const stored: number[] = [];
    const stopped = new Promise<boolean>((resolve) => {
      one.addEventListener('message', ({ data }: MessageEvent<Progress>) => {
        if ('stored' in data) stored.push(data.stored);
        if ('stopped' in data) resolve(true);
      });
    });
    const done = remote<WorkerScenarios>(one)
      .downloadUntil(folder, blocks, stopAt, stopAt % 2 === 0)
      .then(() => false);
    const hasStopped = await Promise.race([stopped, done]);
    one.terminate();
    wrong.push(...(await goneOn(folder, blocks, stored)).map((what) => `stopped at ${stopAt}: ${what}`));
    await removeFolder(folder);
    if (!hasStopped) return { crashes: stopAt - 1, wrong };
  }
}

/** Terminates a worker at any moment, again and again, each time with a new one that goes on. */
export async function crashAnyTime(
  folder: string,
  blocks: Blocks,
  afterStored: readonly number[],
): Promise<{ rounds: number[]; wrong: string[] }> {
  const wrong: string[] = [];
  const rounds: number[] = [];
  let before: number[] = [];
  for (const count of afterStored) {
    const one = start();
    const stored: number[] = [];
    const enough = new Promise<void>((resolve) => {
      one.addEventListener('message', ({ data }: MessageEvent<Progress>) => {
        if ('stored' in data && stored.push(data.stored) >= count) resolve();
      });
    });
    const done = remote<WorkerScenarios>(one).downloadUntil(folder, blocks);
    await Promise.race([enough, done]);
    // Whatever it does now.
    await new Promise((resolve) => setTimeout(resolve, stored.length % 5));
    one.terminate();
    const two = start();
    const held = await remote<WorkerScenarios>(two).held(folder);
    two.terminate();
    for (const index of [...before, ...stored])
      if (!held.includes(index)) wrong.push(`block ${index} was lost`);
    for (const index of stored) if (before.includes(index)) wrong.push(`block ${index} came again`);
    before = held;
    rounds.push(held.length);
  }
  return { rounds, wrong };
}

async function goneOn(
  folder: string,
  { count, bytes }: Blocks,
  stored: readonly number[],
): Promise<string[]> {
  const wrong: string[] = [];
  const one = start();
  try {
    const next = remote<WorkerScenarios>(one);
    const held = await next.held(folder);
    for (const index of stored) if (!held.includes(index)) wrong.push(`block ${index} was lost`);
    const came = await next.download(folder, { count, bytes });
    for (const index of came) if (held.includes(index)) wrong.push(`block ${index} came again`);
    if (came.length + held.length !== count) wrong.push(`${came.length} came, and ${held.length} were here`);
    if ((await next.held(folder)).length !== count) wrong.push('not all are here in the end');
  } catch (error) {
    wrong.push(String(error));
  } finally {
    one.terminate();
  }
  return wrong;
}

/** Milliseconds of a download and of sparse reads, in the worker, by the port, and in memory for comparison. */
export async function measure(blocks: Blocks): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const time = async (name: string, act: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    await act();
    times[name] = Math.round(performance.now() - start);
    console.log(name, times[name]);
  };
  const memory = storageScenarios(memoryStorage);
  await removeFolder('worker');
  await removeFolder('page');
  await time('writer', () => memory.writer(blocks));
  await time('memory', () => memory.download('memory', blocks));
  await time('worker', () => inWorker().download('worker', blocks));
  await time('port', () => inPage().download('page', blocks));
  await time('reads in worker', () => inWorker().readSparse('worker', 1000));
  await time('reads by port', () => inPage().readSparse('page', 1000));
  return times;
}
