/** A storage over a port, with the files on the other side of it. In browsers: see ../browser/opfs.spec.ts. */
import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StorageError } from '../../src/errors.ts';
import { Feed } from '../../src/feed/feed.ts';
import type { FileName, Storage } from '../../src/feed/storage.ts';
import { memoryStorage } from '../../src/storage/memory.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { remoteStorage, storagePort } from '../../src/storage/port/remote.ts';
import { serveStorage } from '../../src/storage/port/serve.ts';
import { type MessagePortLike, messagePortTransport } from '../../src/transport/message-port.ts';
import { chunksOf, readAll } from '../transport/contract.ts';
import { ends, errorOf, folders, opened, scripted, served, soon } from './ports.ts';
import { storageContract } from './suite.ts';

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
  test('goes by one port together with a transport', async () => {
    const { port1, port2 } = new MessageChannel();
    const server = serveStorage(port2, folders());
    const here = messagePortTransport(port1 as unknown as MessagePortLike);
    const there = messagePortTransport(port2 as unknown as MessagePortLike);
    const storage = await opened(port1);
    await storage.file('data').write(0, Uint8Array.of(1, 2));
    const [read] = await Promise.all([
      readAll(there.source),
      here.sink(chunksOf(Uint8Array.of(3, 4))),
      there.sink(chunksOf()),
      readAll(here.source),
      storage.file('data').flush(),
    ]);
    expect([...read]).toEqual([3, 4]);
    expect([...(await storage.file('data').read(0, 2))]).toEqual([1, 2]);
    await storage.close();
    await server.close();
  });

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
