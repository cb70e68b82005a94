/** Files that lost their end, at any byte: a writer never goes on behind less than it has signed. */
import { beforeAll, describe, expect, test } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { Feed } from '../../src/feed/feed.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import type { FileName } from '../../src/feed/storage.ts';
import { type MemoryStorage, memoryStorage } from '../../src/storage/memory.ts';
import { MadeFeed } from './made-feed.ts';

const names: readonly FileName[] = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];
const block = (i: number) => Uint8Array.from({ length: 300 + i }, (_, k) => i + k);

let crypto: CryptoProvider;
beforeAll(async () => {
  crypto = await libsodium();
});

/** The files of a writer that appended batches, or of a reader who has all of it. */
async function stored(batches: readonly number[], isWriter: boolean): Promise<[MadeFeed, MemoryStorage]> {
  const feed = new MadeFeed(crypto, crypto.keyPair());
  const storage = memoryStorage();
  const files = new SleepFiles(storage);
  await files.open();
  for (const count of batches) {
    const commit = feed.append(...Array.from({ length: count }, (_, i) => block(feed.length + i)));
    if (isWriter) await files.commit(commit);
  }
  if (!isWriter) for (let at = 0; at < feed.length; at++) await files.commit(feed.download(at));
  await files.close();
  return [feed, storage];
}

function cut(storage: MemoryStorage, name: FileName, size: number): MemoryStorage {
  const copy = memoryStorage();
  for (const each of names) {
    const file = storage.file(each);
    copy.file(each).write(0, file.read(0, each === name ? size : file.size()));
  }
  return copy;
}

const histories = [[1], [1, 1, 1], [3], [8], [5, 4], [2, 7, 1]].map((batches) => ({ batches }));

describe("a writer's", () => {
  for (const name of ['tree', 'signatures'] as const) {
    test.each(histories)(`${name}, after appends of $batches`, async ({ batches }) => {
      const [, storage] = await stored(batches, true);
      for (let size = 0; size < storage.file(name).size(); size++) {
        const files = new SleepFiles(cut(storage, name, size));
        // Without its header there is no knowing what a tree was.
        const code = name === 'tree' && size < 32 ? 'foreign' : 'damaged';
        await expect(files.open(), `cut to ${size}`).rejects.toMatchObject({
          code,
          message: expect.stringMatching(
            code === 'damaged' ? /backup.* sync .*"secret_key"/ : /another folder/,
          ),
        });
      }
    });
  }

  test('tree that has zeros for its root', async () => {
    const [, storage] = await stored([8], true);
    storage.file('tree').write(32 + 40 * 7, new Uint8Array(40));
    await expect(new SleepFiles(storage).open()).rejects.toMatchObject({ code: 'damaged' });
  });

  test('signatures that are zeros at their end', async () => {
    const [, storage] = await stored([1, 1, 1], true);
    const file = storage.file('signatures');
    file.write(file.size() - 64, new Uint8Array(64));
    await expect(new SleepFiles(storage).open()).rejects.toMatchObject({ code: 'damaged' });
  });

  test('feed does not open, and its files stay as they are', async () => {
    const [{ keys }, storage] = await stored([1, 1, 1], true);
    const damaged = cut(storage, 'tree', 32);
    await expect(Feed.open(damaged, { key: keys.publicKey })).rejects.toMatchObject({ code: 'damaged' });
    for (const name of ['signatures', 'bitfield', 'data'] as const)
      expect(damaged.file(name).read(0, 9999)).toEqual(storage.file(name).read(0, 9999));
  });
});

describe("a reader's tree", () => {
  test.each(histories)(
    'of appends of $batches: no half node counts, and it is fetched again',
    async ({ batches }) => {
      const [feed, storage] = await stored(batches, false);
      for (let size = 32; size < storage.file('tree').size(); size++) {
        const copy = cut(storage, 'tree', size);
        const files = new SleepFiles(copy);
        await files.open();
        // What is left is whole, and each block of it can be proven to another.
        await feed.held(files);
        for (const [index, { hash }] of feed.nodes) {
          const node = await files.readNode(index);
          if (node !== undefined)
            expect(node, `node ${index}, cut to ${size}`).toMatchObject({ index, hash });
          if (32 + 40 * (index + 1) > size) expect(node).toBeUndefined();
        }
        for (let at = feed.length - 1; at >= 0; at--) {
          if (!files.bitfield.has(at)) await files.commit(feed.download(at));
          await feed.held(files);
        }
        await files.close();
        const again = new SleepFiles(copy);
        await again.open();
        expect(await feed.held(again)).toHaveLength(feed.length);
      }
    },
  );

  test('below its last root: the length stays, and so do the blocks before it', async () => {
    const [feed, storage] = await stored([2, 7, 3], false);
    const files = new SleepFiles(cut(storage, 'tree', 32 + 40 * 22));
    await files.open();
    expect(await files.findLength()).toBe(12);
    expect(await feed.held(files)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
