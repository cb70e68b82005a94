import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import * as flat from '../../src/feed/merkle/flat-tree.ts';
import { treeHash } from '../../src/feed/merkle/hash.ts';
import type { FileName, Storage } from '../../src/feed/storage.ts';
import { type MemoryStorage, memoryStorage } from '../../src/storage/memory.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';
import { fileOf } from './file-of.ts';
import { MadeFeed } from './made-feed.ts';
import { filesOf, Reference, referenceFiles } from './reference.ts';

const names: readonly FileName[] = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];
let crypto: CryptoProvider;
beforeAll(async () => {
  crypto = await libsodium();
});

const made = () => new MadeFeed(crypto, crypto.keyPair(unhex(v6.merkle.seed)));
const known = (count: number): Uint8Array[] => v6.merkle.blocks.slice(0, count).map(unhex);
const text = (value: string) => new TextEncoder().encode(value);

async function opened(storage: Storage = memoryStorage()): Promise<SleepFiles> {
  const files = new SleepFiles(storage);
  await files.open();
  return files;
}

function contentOf(storage: MemoryStorage): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const file = storage.file(name);
      return [name, hex(file.read(0, file.size()))];
    }),
  );
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sleep-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the known files', () => {
  const places: [string, () => Storage][] = [
    ['memory', () => memoryStorage()],
    ['a folder', () => nodeStorage(folder)],
  ];
  const cases: [string, number[]][] = [
    ['oneByOne', [1, 1, 1]],
    ['batch', [3]],
    ['nine', [9]],
  ];
  for (const [where, make] of places) {
    test.each(cases)(`%s, in ${where}`, async (name, batches) => {
      const storage = make();
      const files = await opened(storage);
      const feed = made();
      for (const batch of batches) {
        await files.commit(feed.append(...known(feed.length + batch).slice(feed.length)));
      }
      expect(await files.findLength()).toBe(feed.length);
      const expected = v6.files[name];
      for (const file of ['key', 'secret_key', 'tree', 'signatures', 'data'] as const) {
        const size = await storage.file(file).size();
        expect(hex(await storage.file(file).read(0, size)), file).toBe(expected[file].hex);
      }
      const bits = expected.bitfield;
      expect(await storage.file('bitfield').size()).toBe(bits.length);
      const page = bits.data.padEnd(2048, '0') + bits.tree.padEnd(4096, '0') + bits.index;
      expect(hex(await storage.file('bitfield').read(0, bits.length))).toBe(bits.header + page);
      await files.close();
    });
  }
});

describe('with hypercore 7', () => {
  test('it opens and reads a folder that was written here, and goes on in it', async () => {
    const files = await opened(nodeStorage(folder));
    const feed = made();
    for (const block of known(17)) await files.commit(feed.append(block));
    await files.close();
    const theirs = await Reference.open(folder);
    expect(theirs.feed.length).toBe(17);
    expect(theirs.feed.writable).toBe(true);
    expect(hex(theirs.feed.key)).toBe(v6.merkle.publicKey);
    for (const [i, block] of feed.blocks.entries()) expect(hex(await theirs.get(i))).toBe(hex(block));
    await theirs.append(text('theirs'));
    await theirs.close();
    const again = await opened(nodeStorage(folder));
    expect(await again.findLength()).toBe(18);
    const more = feed.append(text('theirs'));
    expect(await feed.held(again)).toEqual(feed.blocks.map((_, i) => i));
    expect(hex((await again.readSignature(18))!)).toBe(hex(more.signatures![0]!.bytes));
    await again.close();
  });

  test('what it wrote to a folder is read here, and can be appended to', async () => {
    const theirs = await Reference.open(folder, unhex(v6.merkle.publicKey), {
      secretKey: unhex(v6.merkle.secretKey) && Buffer.from(v6.merkle.secretKey, 'hex'),
    });
    await theirs.append(...known(5));
    await theirs.append(...known(9).slice(5));
    await theirs.close();
    const files = await opened(nodeStorage(folder));
    expect(hex(files.key!)).toBe(v6.merkle.publicKey);
    expect(hex(files.secretKey!)).toBe(v6.merkle.secretKey);
    const feed = made();
    feed.append(...known(5));
    feed.append(...known(9).slice(5));
    expect(await files.findLength()).toBe(9);
    expect(await feed.held(files)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await files.readSignature(7)).toBeUndefined();
    await files.commit(feed.append(text('ours')));
    await files.close();
    const again = await Reference.open(folder);
    expect(String(await again.get(9))).toBe('ours');
    await again.close();
  });

  test('blocks that it cleared are not held here, nor there those cleared here', async () => {
    const theirs = await Reference.open(folder);
    await theirs.append(...known(9));
    await theirs.clear(2, 4);
    await theirs.close();
    const files = await opened(nodeStorage(folder));
    expect(files.bitfield.count(0, 9)).toBe(7);
    expect(files.bitfield.has(3)).toBe(false);
    await files.commit({ clear: [[6, 8]] });
    await files.close();
    const again = await Reference.open(folder);
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].filter((block) => again.feed.has(block))).toEqual([0, 1, 4, 5, 8]);
    expect(String(await again.get(8))).toBe('block 8');
    await again.close();
  });

  test('a feed of several pages, whole and sparse, both ways', async () => {
    const length = 2 * 8192 + 100;
    const blocks = Array.from({ length }, (_, i) => text(`${i % 10}`));
    const there = referenceFiles();
    const writer = await Reference.open(there.place, unhex(v6.merkle.publicKey), {
      secretKey: Buffer.from(v6.merkle.secretKey, 'hex'),
    });
    await writer.append(...blocks);
    const copy = memoryStorage();
    await there.copyTo(copy);
    const whole = await opened(copy);
    expect(await whole.findLength()).toBe(length);
    expect(whole.bitfield.nextMissing(0, length)).toBe(-1);

    const feed = made();
    const storage = memoryStorage();
    const files = await opened(storage);
    await files.commit(feed.append(...blocks));
    for (const name of ['tree', 'signatures', 'data', 'key'] as const) {
      expect(contentOf(storage)[name] === contentOf(copy)[name], name).toBe(true);
    }
    const theirs = await Reference.open(filesOf(storage));
    expect(theirs.feed.length).toBe(length);
    expect(String(await theirs.get(8192))).toBe('2');

    const sparse = memoryStorage();
    const some = await opened(sparse);
    const picked = [0, 5, 8191, 8192, 8193, 12000, 16384, length - 1];
    for (const block of picked) await some.commit(feed.download(block));
    expect(await some.findLength()).toBe(length);
    expect(await feed.held(some)).toEqual(picked);
    const reader = await Reference.open(filesOf(sparse));
    expect(reader.feed.length).toBe(length);
    expect(picked.every((block) => reader.feed.has(block))).toBe(true);
    await reader.download(writer);
    for (let block = 0; block < length; block++)
      if (!reader.feed.has(block)) expect.fail(`no block ${block}`);
  });

  test('a static feed has a length without a signature', async () => {
    const feed = made();
    const { nodes, data, blocks } = feed.append(text('a'), text('b'), text('c'));
    const key = treeHash(
      crypto,
      flat.fullRoots(3).map((root) => feed.nodes.get(root)!),
    );
    const storage = memoryStorage();
    const files = await opened(storage);
    await files.commit({ key, nodes: nodes!, data: data!, blocks: blocks! });
    await files.close();
    expect(await (await opened(storage)).findLength()).toBe(3);
    const theirs = await Reference.open(filesOf(storage), key);
    expect(theirs.feed.length).toBe(3);
    expect(String(await theirs.get(1))).toBe('b');
  });
});

describe('SleepFiles', () => {
  test('opening and reading write nothing', async () => {
    const files = await opened(nodeStorage(join(folder, 'feed')));
    expect(files.key).toBeUndefined();
    expect(await files.findLength()).toBe(0);
    expect(await files.readNode(0)).toBeUndefined();
    expect(await files.readSignature(1)).toBeUndefined();
    await files.close();
    expect(await readdir(folder)).toEqual([]);
  });

  const foreign: [string, Partial<Record<FileName, Uint8Array>>][] = [
    ['a tree that is none', { tree: text('fir, oak, beech and so on, 32 B!') }],
    ['a short file that is none', { signatures: text('dear sir') }],
    ['nodes of another size', { tree: unhex('0502570200002807424c414b453273'.padEnd(64, '0')) }],
    ['pages of another size', { bitfield: unhex('05025700001000'.padEnd(64, '0')) }],
    ['a key of a web server', { key: text('-----BEGIN PRIVATE KEY-----') }],
    ['a secret key that is too short', { secret_key: new Uint8Array(63) }],
    ['data alone', { data: text('a database') }],
    [
      'blocks without a key',
      { bitfield: unhex(`${v6.files.batch.bitfield.header}e0${'00'.repeat(1023)}e8${'00'.repeat(2559)}`) },
    ],
  ];
  test.each(foreign)('%s is foreign, and stays as it is', async (_, content) => {
    const storage = memoryStorage();
    for (const [name, bytes] of Object.entries(content)) storage.file(name as FileName).write(0, bytes);
    const before = contentOf(storage);
    await expect(new SleepFiles(storage).open()).rejects.toMatchObject({
      code: 'foreign',
      message: expect.stringContaining('name another folder'),
    });
    expect(contentOf(storage)).toEqual(before);
    // And it is free again.
    storage.open();
  });

  test('keeps the page size that it found', async () => {
    const storage = memoryStorage();
    storage.file('bitfield').write(0, unhex('05025700000d00'.padEnd(64, '0')));
    const files = await opened(storage);
    const feed = made();
    await files.commit(feed.append(...known(3)));
    await files.close();
    expect(storage.file('bitfield').size()).toBe(32 + 3328);
    expect(await feed.held(await opened(storage))).toEqual([0, 1, 2]);
    expect((await Reference.open(filesOf(storage))).feed.length).toBe(3);
  });

  test('takes headers that were cut off', async () => {
    const storage = memoryStorage();
    storage.file('tree').write(0, unhex('0502570200'));
    storage.file('signatures').write(0, new Uint8Array(96));
    const files = await opened(storage);
    const feed = made();
    await files.commit(feed.append(...known(2)));
    await files.close();
    expect(await feed.held(await opened(storage))).toEqual([0, 1]);
  });

  test('refuses another feed, and a first commit of none', async () => {
    const storage = memoryStorage();
    const files = await opened(storage);
    const feed = made();
    const { key: _, ...keyless } = feed.append(text('a'));
    await expect(files.commit(keyless)).rejects.toThrow('"key" expected in the first commit');
    await files.commit({ ...keyless, key: feed.keys.publicKey });
    await files.commit(feed.append(text('b')));
    const before = contentOf(storage);
    const other = new MadeFeed(crypto, crypto.keyPair());
    await expect(files.commit(other.append(text('x')))).rejects.toMatchObject({ code: 'other-feed' });
    expect(contentOf(storage)).toEqual(before);
  });

  test('commits of one moment go to the disk as one, and a clear keeps its place among them', async () => {
    const storage = memoryStorage();
    const writes: FileName[] = [];
    const counted: Storage = {
      ...storage,
      file: (name) => ({
        ...fileOf(storage, name),
        write: (offset, bytes) => {
          writes.push(name);
          storage.file(name).write(offset, bytes);
        },
        discard: (offset, length) => storage.file(name).discard(offset, length),
      }),
    };
    const files = await opened(counted);
    const feed = made();
    await Promise.all(known(9).map((block) => files.commit(feed.append(block))));
    expect(writes.filter((name) => name === 'data')).toHaveLength(1);
    expect(writes.filter((name) => name === 'bitfield')).toHaveLength(2);
    expect(await feed.held(files)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const first = files.commit({ clear: [[0, 5]] });
    const second = files.commit(feed.download(3));
    const third = files.commit({ clear: [[7, 9]] });
    await Promise.all([first, second, third]);
    expect(await feed.held(files)).toEqual([3, 5, 6]);
    expect(hex(storage.file('data').read(0, 4))).toBe('00000000');
  });

  test('close waits for what is being written, and takes no more', async () => {
    const storage = memoryStorage();
    const files = await opened(storage);
    const feed = made();
    const commit = files.commit(feed.append(...known(4)));
    await files.close();
    await commit;
    await expect(files.commit(feed.append(text('x')))).rejects.toThrow(TypeError);
    expect((await opened(storage)).bitfield.count(0, 9)).toBe(4);
  });

  test('keeps no view of a commit', async () => {
    const files = await opened();
    const feed = made();
    const commit = feed.append(text('a'));
    const hash = Uint8Array.from(commit.nodes![0]!.hash);
    await files.commit(commit);
    commit.nodes![0]!.hash.fill(0);
    commit.key!.fill(0);
    expect(hex((await files.readNode(0))!.hash)).toBe(hex(hash));
    expect(hex(files.key!)).toBe(v6.merkle.publicKey);
  });

  test('answers hot nodes at once', async () => {
    const files = await opened(nodeStorage(join(folder, 'feed')));
    const feed = made();
    const read = (indices: number[]) => files.readNodes(indices);
    const node = (index: number) => feed.nodes.get(index)!;
    await files.commit(feed.append(...Array.from({ length: 33 }, (_, i) => text(`block ${i}`))));
    // What is above 32 blocks from when it is written, the rest once its page was read.
    expect(read([31, 99])).toMatchObject([{ index: 31 }, undefined]);
    expect(await read([64])).toEqual([node(64)]);
    expect(read([64, 66])).toEqual([node(64), undefined]);
    // Also what is written to the page after that, or while it is read.
    await files.commit(feed.append(text('more')));
    expect(read([66, 65, 64])).toEqual([66, 65, 64].map(node));
    await files.close();
  });

  test('a page that is read while it is written is not kept as it was', async () => {
    const folderOfFeed = join(folder, 'feed');
    const feed = made();
    const first = await opened(nodeStorage(folderOfFeed));
    await first.commit(feed.append(text('a')));
    await first.close();
    const files = await opened(nodeStorage(folderOfFeed));
    const reading = files.readNodes([0]);
    const writing = files.commit(feed.append(text('b')));
    expect(await reading).toEqual([feed.nodes.get(0)]);
    await writing;
    expect(await files.readNodes([2, 1])).toEqual([feed.nodes.get(2), feed.nodes.get(1)]);
    await files.close();
  });

  test('refuses a commit that is none, with nothing written', async () => {
    const storage = memoryStorage();
    const files = await opened(storage);
    const key = new Uint8Array(32);
    const node = { index: 0, hash: new Uint8Array(31), size: 1 };
    await expect(files.commit({ key: new Uint8Array(31) })).rejects.toThrow(RangeError);
    await expect(files.commit({ key, nodes: [node] })).rejects.toThrow(
      '"nodes.hash" expected 32 bytes, got 31',
    );
    await expect(files.commit({ key, blocks: [-1] })).rejects.toThrow(RangeError);
    await expect(files.commit({ key, clear: [[2, 1]] })).rejects.toThrow(RangeError);
    await expect(
      files.commit({ key, signatures: [{ length: 0, bytes: new Uint8Array(64) }] }),
    ).rejects.toThrow(RangeError);
    expect(names.every((name) => storage.file(name).size() === 0)).toBe(true);
  });

  test('refuses use before it is open, and a second opening', async () => {
    const files = new SleepFiles(memoryStorage());
    expect(() => files.readNode(0)).toThrow('"SleepFiles" expected to be open, got new');
    await files.open();
    await expect(files.open()).rejects.toThrow(TypeError);
  });
});
