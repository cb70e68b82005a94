/** Where there is no OPFS, and one of its files by itself. Where there is, see ../browser/opfs.spec.ts. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import { OpfsFile } from '../../src/storage/opfs/file.ts';
import type { AccessHandle } from '../../src/storage/opfs/platform.ts';
import { opfsStorage } from '../../src/storage/opfs.ts';
import { type Deferred, deferred } from '../../src/stream/deferred.ts';
import { FakeClock } from '../fake-clock.ts';

afterEach(() => vi.unstubAllGlobals());

type Callback = (lock: unknown) => unknown;

class WithHandles {
  createSyncAccessHandle(): void {}
}

describe('opfsStorage', () => {
  test('says what to use where there is no OPFS', async () => {
    await expect(Feed.open(opfsStorage('feed'), { key: new Uint8Array(32) })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('use memoryStorage()'),
    });
  });

  test('says what to do in a page or a shared worker', async () => {
    vi.stubGlobal('navigator', { storage: { getDirectory: async () => ({}) } });
    vi.stubGlobal('FileSystemFileHandle', class {});
    await expect(opfsStorage('feed').open()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/dedicated worker only.*remoteStorage\(worker, folder\)/),
    });
  });

  test('says so where the browser keeps no files', async () => {
    const cause = Object.assign(new Error('Security error'), { name: 'SecurityError' });
    vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.reject(cause) } });
    vi.stubGlobal('FileSystemFileHandle', WithHandles);
    await expect(opfsStorage('feed').open()).rejects.toMatchObject({ code: 'unsupported', cause });
  });

  test('says so where nothing keeps two tabs apart', async () => {
    vi.stubGlobal('navigator', { storage: { getDirectory: async () => ({}) } });
    vi.stubGlobal('FileSystemFileHandle', WithHandles);
    await expect(opfsStorage('feed').open()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Web Locks'),
    });
  });

  test.each([
    ['gets in where it is free after all', true],
    ['says that it is in use where it is', false],
  ])('of a browser that does not answer in time: %s', async (_, isFree) => {
    const asked: object[] = [];
    const clock = new FakeClock();
    const locks = {
      request(_name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }, callback: Callback) {
        asked.push(options);
        if (options.ifAvailable) return Promise.resolve(callback(isFree ? {} : null));
        return new Promise((_, reject) => {
          options.signal!.addEventListener('abort', () => reject(options.signal!.reason));
          queueMicrotask(() => clock.advance(50));
        });
      },
    };
    const missing = Object.assign(new Error(), { name: 'NotFoundError' });
    const root = { getDirectoryHandle: () => Promise.reject(missing) };
    vi.stubGlobal('navigator', { locks, storage: { getDirectory: async () => root } });
    vi.stubGlobal('FileSystemFileHandle', WithHandles);
    const storage = opfsStorage('feed', { waitMs: 50, clock });
    if (isFree) await storage.open();
    else await expect(storage.open()).rejects.toMatchObject({ code: 'locked' });
    expect(asked).toEqual([{ signal: expect.any(AbortSignal) }, { ifAvailable: true }]);
    await storage.close();
  });

  test('refuses what is no folder, and a wait that is none', async () => {
    for (const folder of ['', '/', '..', 'a/../b', './a', undefined as unknown as string]) {
      expect(() => opfsStorage(folder)).toThrow(TypeError);
    }
    expect(() => opfsStorage('feed', { waitMs: -1 })).toThrow(RangeError);
    await expect((async () => opfsStorage('feed').file('key').size())()).rejects.toThrow(TypeError);
    await opfsStorage('feed').close();
  });
});

describe('a file that is being made', () => {
  /** A file whose folder makes it when the test says so, and what was done with it. */
  function making() {
    const made: Deferred<AccessHandle>[] = [];
    const written: number[] = [];
    const handle = {
      getSize: () => written.length,
      read: () => 0,
      write: (bytes: Uint8Array) => {
        written.push(bytes[0]!);
        return bytes.byteLength;
      },
      truncate() {},
      flush() {},
      close() {},
    };
    const folder = {
      path: 'feed',
      assertOpen() {},
      make: () => {
        const one = deferred<AccessHandle>();
        made.push(one);
        return one.promise;
      },
    };
    const file = new OpfsFile(folder, 'data');
    const write = (byte: number) => file.write(0, Uint8Array.of(byte));
    return { file, write, written, made, handle };
  }

  test('is written in the order of the calls, also in the turns right after it is there', async () => {
    const { file, write, written, made, handle } = making();
    const writes: unknown[] = [];
    const next = () => void writes.push(write(writes.length));
    next();
    next();
    made[0]!.resolve(handle);
    for (let turn = 0; turn < 10; turn++) {
      queueMicrotask(next);
      next();
      await undefined;
    }
    await Promise.all(writes);
    expect(written).toEqual(writes.map((_, i) => i));
    // From then on everything is synchronous.
    expect(file.size()).toBe(22);
  });

  test('and cannot be is tried again by the next write', async () => {
    const { write, written, made, handle } = making();
    const writes = [write(1), write(2)];
    made[0]!.reject(new Error('full'));
    expect(await Promise.allSettled(writes)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    const again = write(3);
    made[1]!.resolve(handle);
    await again;
    expect(written).toEqual([3]);
  });
});
