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

describe("a writer's bitfield that was cut", () => {
  test.each(histories)(
    'after appends of $batches: nothing is lost, and it goes on behind',
    async ({ batches }) => {
      const [feed, storage] = await stored(batches, true);
      for (let size = 0; size < storage.file('bitfield').size(); size += size < 40 ? 1 : 61) {
        const copy = cut(storage, 'bitfield', size);
        const opened = await Feed.open(copy);
        expect(opened.length, `cut to ${size}`).toBe(feed.length);
        for (let at = 0; at < feed.length; at++) expect(await opened.get(at)).toEqual(feed.blocks[at]);
        expect(await opened.append(block(99))).toBe(feed.length);
        await opened.close();
        const again = await Feed.open(copy);
        expect(again.length).toBe(feed.length + 1);
        expect(again.count()).toBe(feed.length + 1);
        await again.close();
      }
    },
  );

  test('beyond a page, and more than is kept in memory', async () => {
    const storage = memoryStorage();
    const writer = await Feed.create(storage);
    const large = new Uint8Array(400_000).fill(3);
    for (let i = 0; i < 9; i++)
      await writer.append([...Array.from({ length: 1000 }, (_, at) => block(at % 9)), large]);
    await writer.close();
    const opened = await Feed.open(cut(storage, 'bitfield', 32));
    expect(opened.count()).toBe(9009);
    expect(await opened.get(9008)).toEqual(large);
    await opened.close();
  });

  test('with blocks that are not as they were signed: what is before them is there', async () => {
    const [feed, storage] = await stored([1, 2, 1], true);
    const copy = cut(storage, 'bitfield', 32);
    copy.file('data').write(feed.offsets[2]!, Uint8Array.of(0xff));
    const opened = await Feed.open(copy);
    // The signature is over blocks 1 and 2.
    expect(opened.length).toBe(1);
    await opened.close();
  });

  test('with a size that no block has', async () => {
    const [, storage] = await stored([1, 1], true);
    const copy = cut(storage, 'bitfield', 32);
    copy.file('tree').write(32 + 2 * 40 + 32, Uint8Array.of(0, 0, 255, 255, 255, 255, 255, 255));
    const opened = await Feed.open(copy);
    expect(opened.length).toBe(1);
    await opened.close();
  });

  test('in a folder whose last append failed behind a shorter one: it is not signed, and not there', async () => {
    const [feed, storage] = await stored([2], true);
    const other = feed.upTo(2);
    const files = new SleepFiles(storage);
    await files.open();
    await files.commit(feed.append(block(5)));
    await files.close();
    // What a failed append of three blocks may leave: all of it, but for what the next one wrote over.
    const failed = other.append(block(7), block(8), block(9));
    for (const { index, hash, size } of failed.nodes!) {
      if (index < 2 * feed.length) continue;
      const bytes = new Uint8Array(40);
      bytes.set(hash);
      bytes[39] = size & 0xff;
      bytes[38] = size >> 8;
      storage.file('tree').write(32 + 40 * index, bytes);
    }
    for (const { offset, bytes } of failed.data!.slice(1)) storage.file('data').write(offset, bytes);
    storage.file('signatures').write(32 + 64 * 4, failed.signatures![0]!.bytes);
    const opened = await Feed.open(storage);
    expect(opened.length).toBe(3);
    await opened.close();
  });
});

describe("a writer's hash that changed", () => {
  const flipped = (storage: MemoryStorage, node: number, at: number): MemoryStorage => {
    const copy = cut(storage, 'tree', storage.file('tree').size());
    const [byte] = copy.file('tree').read(32 + 40 * node + at, 1);
    copy.file('tree').write(32 + 40 * node + at, Uint8Array.of(byte! ^ 1));
    return copy;
  };

  test('among those that the last signature is over is made again of what is below it', async () => {
    const [feed, storage] = await stored([2, 7], true);
    for (const node of [7, 16]) {
      for (let at = 0; at < 40; at++) {
        const copy = flipped(storage, node, at);
        if (node % 2 === 0 || at === 32) {
          // A block's own, of which nothing else tells whether it was signed; or a size that no feed has.
          await expect(Feed.open(copy), `byte ${at}`).rejects.toMatchObject({ code: 'damaged' });
          continue;
        }
        const opened = await Feed.open(copy);
        expect(await opened.append(block(3))).toBe(feed.length);
        await opened.close();
        expect(copy.file('tree').read(32 + 40 * node, 40)).toEqual(
          storage.file('tree').read(32 + 40 * node, 40),
        );
      }
    }
  });
});
