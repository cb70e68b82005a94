/** A storage over a port, with the files on the other side of it. In browsers: see ../browser/opfs.spec.ts. */
import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { StorageError } from '../../src/errors.ts';
import { Feed } from '../../src/feed/feed.ts';
import type { FileName, Storage } from '../../src/feed/storage.ts';
import { memoryStorage } from '../../src/storage/memory.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import type { Call, DoorMessage } from '../../src/storage/port/messages.ts';
import { type RemoteStorage, remoteStorage, storagePort } from '../../src/storage/port/remote.ts';
import { type StorageServer, serveStorage } from '../../src/storage/port/serve.ts';
import { FakeClock } from '../fake-clock.ts';
import { bundle } from './processes.ts';
import { storageContract } from './suite.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A port that leads to a server of storages, in this thread. */
function served(open: (folder: string) => Storage): { port: MessagePort; server: StorageServer } {
  const { port1, port2 } = new MessageChannel();
  const server = serveStorage(port2, open);
  ends.push(() => {
    port1.close();
    return server.close();
  });
  return { port: port1, server };
}

/** Storages in memory by their folder's name. */
function folders(): (folder: string) => Storage {
  const made = new Map<string, Storage>();
  return (folder) => {
    if (!made.has(folder)) made.set(folder, memoryStorage());
    return made.get(folder)!;
  };
}

async function opened(port: MessagePort, folder = 'feed'): Promise<RemoteStorage> {
  const storage = remoteStorage(port, folder);
  await storage.open();
  return storage;
}

/** Answers by hand: takes calls as they come, and says what it is told. */
interface Scripted {
  readonly port: MessagePort;
  /** Messages that came over the folder's port. */
  readonly messages: Call[][];
  /** Resolves once there are so many. */
  come(count: number): Promise<void>;
  say(message: unknown): void;
  /** Answers what has come with these values. */
  answer(...values: unknown[]): void;
  close(): void;
}

function scripted(): Scripted {
  const { port1, port2 } = new MessageChannel();
  const messages: Call[][] = [];
  let folder: MessagePort | undefined;
  port2.on('message', (message: DoorMessage) => {
    folder = message.port as MessagePort;
    folder.on('message', (calls: Call[]) => {
      messages.push(calls);
      if (calls[0]?.call === 'open') folder!.postMessage({ answers: [{ value: undefined }] });
    });
    folder.postMessage({ life: undefined });
  });
  const close = (): void => {
    folder?.close();
    port2.close();
  };
  ends.push(close);
  return {
    port: port1,
    messages,
    come: (count) => vi.waitFor(() => expect(messages).toHaveLength(count)),
    say: (message) => folder!.postMessage(message),
    answer: (...values) => folder!.postMessage({ answers: values.map((value) => ({ value })) }),
    close,
  };
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const errorOf = (promise: PromiseLike<unknown> | unknown): Promise<StorageError> =>
  Promise.resolve(promise).then(
    () => expect.unreachable(),
    (error) => error,
  );

storageContract('remoteStorage over memory', async () => {
  const { port, server } = served(folders());
  return {
    storage: remoteStorage(port, 'feed'),
    again: () => remoteStorage(port, 'feed'),
    cleanup: () => server.close(),
  };
});

storageContract('remoteStorage over the disk', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'storage-'));
  const { port, server } = served((folder) => nodeStorage(join(parent, folder)));
  return {
    storage: remoteStorage(port, 'feed'),
    again: () => remoteStorage(port, 'feed'),
    async cleanup() {
      await server.close();
      await rm(parent, { recursive: true });
    },
  };
});

describe('remoteStorage', () => {
  test('does what is asked in the order of the calls, whoever waits for what', async () => {
    const at = fc.integer({ min: 0, max: 30 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), at, length: at }),
      fc.record({ kind: fc.constant('read' as const), at, length: at }),
      fc.record({ kind: fc.constantFrom('size' as const, 'flush' as const, 'pause' as const) }),
    );
    const isSlow = fc.boolean();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), isSlow, async (steps, isSlow) => {
        const memory = memoryStorage();
        const slow = (name: FileName) => {
          const file = memory.file(name);
          const later = async <T>(act: () => T): Promise<T> => {
            if (Math.random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
            return act();
          };
          return {
            size: () => later(() => file.size()),
            read: (offset: number, length: number) => later(() => file.read(offset, length)),
            write: (offset: number, bytes: Uint8Array) => later(() => file.write(offset, bytes)),
            flush: () => later(() => file.flush()),
          };
        };
        const { port, server } = served(() => (isSlow ? { ...memory, file: slow } : memory));
        const storage = await opened(port);
        const file = storage.file('data');
        const naive = new Uint8Array(100);
        let size = 0;
        const checks: Promise<void>[] = [];
        for (const [i, one] of steps.entries()) {
          if (one.kind === 'write') {
            const bytes = new Uint8Array(one.length).fill(i + 1);
            checks.push(Promise.resolve(file.write(one.at, bytes)));
            bytes.fill(0xee);
            naive.fill(i + 1, one.at, one.at + one.length);
            if (one.length > 0) size = Math.max(size, one.at + one.length);
          } else if (one.kind === 'read') {
            const expected = naive.slice(one.at, one.at + one.length);
            checks.push(
              Promise.resolve(file.read(one.at, one.length)).then((read) => expect(read).toEqual(expected)),
            );
          } else if (one.kind === 'size') {
            const expected = size;
            checks.push(Promise.resolve(file.size()).then((got) => expect(got).toBe(expected)));
          } else if (one.kind === 'flush') {
            checks.push(Promise.resolve(file.flush()));
          } else {
            await new Promise((resolve) => setImmediate(resolve));
          }
        }
        await Promise.all(checks);
        await storage.close();
        await server.close();
      }),
      { numRuns: 50 },
    );
  });

  test('sends what is called together in one message, and one message at a time', async () => {
    const { port, messages, come, answer } = scripted();
    const storage = await opened(port);
    const file = storage.file('tree');
    const all = [file.size(), file.size(), file.flush()];
    await come(2);
    const later = [file.flush(), file.flush()];
    await soon();
    expect(messages.slice(1).map((calls) => calls.length)).toEqual([3]);
    answer(1, 2, undefined);
    expect(await Promise.all(all)).toEqual([1, 2, undefined]);
    await come(3);
    expect(messages.slice(1).map((calls) => calls.length)).toEqual([3, 2]);
    answer(undefined, undefined);
    await Promise.all(later);
  });

  test('holds back who writes faster than the other side stores', async () => {
    const { port, messages, come, answer } = scripted();
    const storage = await opened(port);
    const writes = Array.from({ length: 20 }, (_, i) =>
      Promise.resolve(storage.file('data').write(i, new Uint8Array(1_048_576))),
    );
    for (let sent = 0; sent < 20; ) {
      await come(2 + sent / 4);
      const calls = messages.at(-1)!;
      expect(calls).toHaveLength(4);
      sent += calls.length;
      let isDone = false;
      writes[sent - 1]!.then(() => {
        isDone = true;
      });
      await soon();
      expect(isDone).toBe(false);
      answer(...calls.map(() => undefined));
      await writes[sent - 1];
    }
    await Promise.all(writes);
  });

  test('throws what the storage throws, with its class, code, advice and cause', async () => {
    const cause = Object.assign(new Error('no room'), { name: 'QuotaExceededError' });
    const broken: Storage = {
      ...memoryStorage(),
      file: (name) => ({
        ...memoryStorage().file(name),
        size: () => {
          throw new StorageError('platform', 'The disk is full: free some space.', { cause });
        },
        flush: () => Promise.reject(new RangeError('"x" expected y')),
        read: () => Promise.reject(new TypeError('"x" expected z')),
        write: () => Promise.reject(cause),
      }),
    };
    const file = (await opened(served(() => broken).port)).file('data');
    const error = await errorOf(file.size());
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({
      code: 'platform',
      message: '[platform] The disk is full: free some space.',
      reason: 'The disk is full: free some space.',
      cause: { name: 'QuotaExceededError', message: 'no room' },
    });
    expect(await errorOf(file.flush())).toBeInstanceOf(RangeError);
    expect(await errorOf(file.read(0, 1))).toBeInstanceOf(TypeError);
    expect(await errorOf(file.write(0, new Uint8Array(1)))).toMatchObject({
      name: 'QuotaExceededError',
      message: 'no room',
    });
  });

  test('a folder that cannot be opened is let go of, and can be tried again', async () => {
    let tries = 0;
    const { port } = served((folder) => {
      if (folder === 'bad') throw new TypeError('"folder" expected a path');
      if (++tries === 1) throw new StorageError('locked', 'in use');
      return memoryStorage();
    });
    expect(await errorOf(opened(port, 'bad'))).toBeInstanceOf(TypeError);
    const storage = remoteStorage(port, 'good');
    expect(await errorOf(storage.open())).toMatchObject({ code: 'locked' });
    await storage.open();
    await storage.file('key').write(0, Uint8Array.of(1));
    expect(await errorOf(storage.open())).toMatchObject({ code: 'locked' });
    await storage.close();
    expect(await storage.closed).toBeUndefined();
    expect(await errorOf(storage.file('key').size())).toBeInstanceOf(TypeError);
  });

  test('keeps several folders of one worker apart, and leaves no listener behind', async () => {
    const { port } = served(folders());
    const a = await opened(port, 'a');
    const b = await opened(port, 'b');
    await a.file('key').write(0, Uint8Array.of(1));
    await b.file('key').write(0, Uint8Array.of(2));
    expect([...(await a.file('key').read(0, 1)), ...(await b.file('key').read(0, 1))]).toEqual([1, 2]);
    await a.close();
    expect([...(await b.file('key').read(0, 1))]).toEqual([2]);
    await b.close();
    for (const event of ['message', 'close', 'messageerror', 'error']) {
      expect(getEventListeners(port as unknown as EventTarget, event)).toHaveLength(0);
    }
  });

  test('a port that was handed on leads to the same worker', async () => {
    const { port } = served(folders());
    const handed = storagePort(port) as unknown as MessagePort;
    ends.push(() => handed.close());
    const storage = await opened(handed);
    expect(await errorOf(opened(port))).toMatchObject({ code: 'locked' });
    await storage.file('key').write(0, Uint8Array.of(3));
    await storage.close();
    expect([...(await (await opened(port)).file('key').read(0, 1))]).toEqual([3]);
  });

  test('carries a feed', async () => {
    const { port } = served(folders());
    const feed = await Feed.create(remoteStorage(port, 'feed'));
    const blocks = Array.from({ length: 50 }, (_, i) => new Uint8Array(i * 50).fill(i));
    await feed.append(blocks);
    await feed.close();
    const again = await Feed.open(remoteStorage(port, 'feed'));
    expect(again.writable).toBe(true);
    for (const [i, block] of blocks.entries()) expect(await again.get(i)).toEqual(block);
    await again.close();
  });
});

describe('where the other side goes', () => {
  test('what waits is rejected, and so is what comes after; another worker can be asked', async () => {
    const { port, come, close } = scripted();
    const { port: other } = served(folders());
    const workers = [port];
    const storage = remoteStorage(workers, 'feed');
    await storage.open();
    const waiting = errorOf(storage.file('data').read(0, 1));
    await come(2);
    close();
    const error = await waiting;
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({
      code: 'platform',
      message: expect.stringMatching(/is gone.*open it again/),
    });
    expect(await storage.closed).toBe(error);
    expect(await errorOf(storage.file('data').flush())).toBe(error);
    await storage.close();
    workers.push(other);
    await storage.open();
    await storage.file('data').write(0, Uint8Array.of(1));
    await storage.close();
    expect(await storage.closed).toBeUndefined();
  });

  test('a worker thread that is terminated', async () => {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(workerScript, { workerData: port2, transferList: [port2] });
    ends.push(() => worker.terminate());
    const storage = await opened(port1);
    await storage.file('data').write(0, Uint8Array.of(7));
    expect([...(await storage.file('data').read(0, 1))]).toEqual([7]);
    const never = errorOf(storage.file('data').read(0, 2 ** 30));
    await worker.terminate();
    expect(await never).toMatchObject({ code: 'platform', message: expect.stringContaining('is gone') });
    expect(await storage.closed).toBeInstanceOf(StorageError);
    await storage.close();
    expect(await errorOf(storage.open())).toMatchObject({
      code: 'platform',
      message: expect.stringContaining('No worker answered'),
    });
  });

  test('a feed says so, and what it had acknowledged is there for the next', async () => {
    const memory = memoryStorage();
    const { port, server } = served(() => memory);
    const feed = await Feed.create(remoteStorage(port, 'feed'));
    await feed.append(Uint8Array.of(1));
    await server.close();
    expect(await errorOf(feed.append(Uint8Array.of(2)))).toMatchObject({ code: 'platform' });
    expect(await errorOf(feed.get(0))).toMatchObject({ code: 'platform' });
    await feed.close();
    const again = await Feed.open(memory);
    expect(again.length).toBe(1);
    await again.close();
  });

  test('a caller that goes without a word: its storage is closed, after what it had asked for', async () => {
    const memory = memoryStorage();
    const { port } = served(() => memory);
    let folder!: MessagePort;
    const relay = {
      postMessage(message: object, transfer: object[]) {
        folder = (message as { port: MessagePort }).port;
        port.postMessage(message, transfer as MessagePort[]);
      },
      addEventListener: () => {},
      removeEventListener: () => {},
    };
    const calling = new MessageChannel();
    relay.postMessage({ 'hypercore-wire': 'open', folder: 'feed', port: calling.port2 }, [calling.port2]);
    expect(folder).toBeDefined();
    calling.port1.postMessage([{ call: 'open' }]);
    calling.port1.postMessage([{ call: 'write', file: 'key', offset: 0, bytes: Uint8Array.of(1) }]);
    await vi.waitFor(() => expect(memory.file('key').size()).toBe(1));
    expect(() => memory.open()).toThrow('locked');
    calling.port1.close();
    await vi.waitFor(() => memory.open());
    expect([...memory.file('key').read(0, 1)]).toEqual([1]);
    memory.close();
  });

  test('a worker that never answers, one that fails to load, and none', async () => {
    const clock = new FakeClock();
    const deaf = new MessageChannel();
    ends.push(() => deaf.port1.close());
    const storage = remoteStorage(deaf.port1, 'feed', { clock });
    const opening = errorOf(storage.open());
    await clock.advance(20_000);
    expect(await opening).toMatchObject({
      code: 'platform',
      message: expect.stringMatching(/No worker answered.*serveStorage\(self, opfsStorage\)/),
    });
    expect(clock.pending).toBe(0);

    const target = Object.assign(new EventTarget(), { postMessage: () => {} });
    const failing = errorOf(remoteStorage(target, 'feed').open());
    await soon();
    target.dispatchEvent(Object.assign(new Event('error'), { message: 'SyntaxError in worker.js' }));
    expect(await failing).toMatchObject({
      code: 'platform',
      message: expect.stringContaining('SyntaxError in worker.js'),
    });

    expect(await errorOf(remoteStorage([], 'feed').open())).toMatchObject({ code: 'platform' });
    expect(await errorOf(remoteStorage([{} as MessagePort], 'feed').open())).toBeInstanceOf(TypeError);
    expect(() => remoteStorage(deaf.port1, undefined as unknown as string)).toThrow(TypeError);
  });

  test('of several workers the first that answers is used, and the others let go', async () => {
    const gone = new MessageChannel();
    gone.port2.close();
    const deaf = new MessageChannel();
    ends.push(() => deaf.port1.close());
    let opens = 0;
    const count = () => {
      opens++;
      return memoryStorage();
    };
    const storage = remoteStorage([gone.port1, deaf.port1, served(count).port, served(count).port], 'feed');
    await storage.open();
    await storage.file('key').write(0, Uint8Array.of(1));
    await soon();
    expect(opens).toBe(1);
    await storage.close();
  });
});

describe('what no side says', () => {
  const junk: [string, unknown][] = [
    ['nothing', undefined],
    ['no answers', {}],
    ['too few', { answers: [] }],
    ['too many', { answers: [{ value: 1 }, { value: 1 }] }],
    ['of another kind', { answers: [{ value: 'x' }] }],
    ['no answer', { answers: [null] }],
    ['no error', { answers: [{ error: 5 }] }],
  ];
  test.each(junk)('answered to a call: %s', async (_, message) => {
    const { port, come, say } = scripted();
    const storage = await opened(port);
    const waiting = errorOf(storage.file('data').size());
    await come(2);
    say(message);
    expect(await waiting).toMatchObject({
      code: 'platform',
      message: expect.stringContaining('load the page anew'),
    });
    await storage.close();
  });

  test('bytes of another length, and answers that nobody asked for', async () => {
    const { port, come, answer } = scripted();
    const storage = await opened(port);
    const waiting = errorOf(storage.file('data').read(0, 4));
    await come(2);
    answer(new Uint8Array(3));
    expect(await waiting).toMatchObject({ code: 'platform' });
    await storage.close();
    await storage.open();
    answer(undefined);
    expect(await storage.closed).toBeInstanceOf(StorageError);
    await storage.close();
  });

  test('said to a server: it answers, and other storages go on', async () => {
    const { port } = served(folders());
    const good = await opened(port, 'good');
    for (const message of [undefined, null, 5, 'x', [], {}, { 'hypercore-wire': 'x' }])
      port.postMessage(message);
    const calling = new MessageChannel();
    ends.push(() => calling.port1.close());
    const messages: { answers: { value?: unknown; error?: { name: string } }[] }[] = [];
    calling.port1.on('message', (message) => messages.push(message));
    const message = { 'hypercore-wire': 'open', folder: 'bad', port: calling.port2 };
    port.postMessage(message, [calling.port2]);
    calling.port1.postMessage([
      { call: 'size', file: 'data' },
      { call: 'open' },
      { call: 'open' },
      null,
      {},
      { call: 'constructor' },
      { call: 'size', file: '../other' },
      { call: 'size', file: '__proto__' },
      { call: 'write', file: 'data', offset: 0, bytes: [1, 2] },
      { call: 'write', file: 'data', offset: -1, bytes: Uint8Array.of(1) },
      { call: 'read', file: 'data', offset: 0, length: 2 ** 52 },
      { call: 'size', file: 'data' },
    ]);
    await vi.waitFor(() => expect(messages).toHaveLength(2));
    const names = messages[1]!.answers.map((answer) => answer.error?.name ?? answer.value);
    expect(names.slice(0, 3)).toEqual(['TypeError', undefined, 'TypeError']);
    expect(names.slice(3, 9)).toEqual(Array.from({ length: 6 }, () => 'TypeError'));
    expect(names.slice(9)).toEqual(['RangeError', 'RangeError', 0]);
    calling.port1.postMessage('x');
    await vi.waitFor(() => expect(messages).toHaveLength(3));
    expect(messages[2]).toEqual({ answers: [] });
    await good.file('key').write(0, Uint8Array.of(1));
    await good.close();
  });
});

let workerScript: string;
beforeAll(async () => {
  workerScript = await bundle(new URL('./storage-worker.ts', import.meta.url));
});
