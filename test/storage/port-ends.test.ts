/** A storage over a port whose other side goes, or says what it should not. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { StorageError } from '../../src/errors.ts';
import { Feed } from '../../src/feed/feed.ts';
import { memoryStorage } from '../../src/storage/memory.ts';
import { remoteStorage } from '../../src/storage/port/remote.ts';
import { FakeClock } from '../fake-clock.ts';
import { ends, errorOf, folders, opened, scripted, served, soon } from './ports.ts';
import { bundle } from './processes.ts';

let workerScript: string;
beforeAll(async () => {
  workerScript = await bundle(new URL('./storage-worker.ts', import.meta.url));
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
    workers.push(other);
    await storage.open();
    await storage.file('data').write(0, Uint8Array.of(1));
    await storage.close();
    expect(await storage.closed).toBeUndefined();
  });

  test('`closed` can be taken before the storage is opened, and before it is opened again', async () => {
    const { port, server } = served(folders());
    const workers = [port];
    const storage = remoteStorage(workers, 'feed');
    const closed = storage.closed;
    const isOver = vi.fn();
    closed.then(isOver);
    const feed = await Feed.create(storage);
    await soon();
    expect(isOver).not.toHaveBeenCalled();
    await server.close();
    expect(await closed).toMatchObject({ code: 'platform' });
    await feed.close();
    // An attempt that fails is no opening.
    workers.pop();
    expect(await errorOf(storage.open())).toMatchObject({ code: 'platform' });
    const again = storage.closed;
    workers.push(served(folders()).port);
    await storage.open();
    await storage.close();
    expect(await again).toBeUndefined();
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
    relay.postMessage({ 'hypercore-wire storage': 'open', folder: 'feed', port: calling.port2 }, [
      calling.port2,
    ]);
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

  test('of several workers each counts once, whatever it tells', async () => {
    const bad = Object.assign(new EventTarget(), { postMessage: () => {} });
    const failure = Object.assign(new Event('error'), { message: 'SyntaxError in bad.js' });
    const { port } = served(folders());
    const [clock, deaf] = [new FakeClock(), new MessageChannel()];
    ends.push(() => deaf.port1.close());
    const storage = remoteStorage([bad, deaf.port1, bad], 'feed', { clock });
    const opening = errorOf(storage.open());
    await soon();
    for (let i = 0; i < 3; i++) bad.dispatchEvent(failure);
    await clock.advance(20_000);
    expect(await opening).toMatchObject({ message: expect.stringContaining('none within 20 s') });

    const good = remoteStorage([bad, port], 'feed');
    bad.postMessage = () => queueMicrotask(() => bad.dispatchEvent(failure));
    await good.open();
    await good.close();

    expect(await errorOf(remoteStorage([bad, bad], 'feed').open())).toMatchObject({
      message: expect.stringContaining('SyntaxError in bad.js'),
    });
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
    for (const message of [undefined, null, 5, 'x', [], {}, { 'hypercore-wire storage': 'x' }])
      port.postMessage(message);
    const calling = new MessageChannel();
    ends.push(() => calling.port1.close());
    const messages: { answers: { value?: unknown; error?: { name: string } }[] }[] = [];
    calling.port1.on('message', (message) => messages.push(message));
    const message = { 'hypercore-wire storage': 'open', folder: 'bad', port: calling.port2 };
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
