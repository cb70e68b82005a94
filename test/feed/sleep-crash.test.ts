/** What is left when the disk gives up at any write: whole blocks, and all that were reported stored. */
import { beforeAll, describe, expect, test } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { Feed } from '../../src/feed/feed.ts';
import { type Commit, SleepFiles } from '../../src/feed/files/sleep-files.ts';
import type { FileName, Storage } from '../../src/feed/storage.ts';
import { type MemoryStorage, memoryStorage } from '../../src/storage/memory.ts';
import { FailingStorage } from './failing-storage.ts';
import { fileOf } from './file-of.ts';
import { MadeFeed } from './made-feed.ts';
import { filesOf, Reference } from './reference.ts';

const names: readonly FileName[] = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];

function copyOf(storage: MemoryStorage): MemoryStorage {
  const copy = memoryStorage();
  for (const name of names) {
    const file = storage.file(name);
    copy.file(name).write(0, file.read(0, file.size()));
  }
  return copy;
}

async function opened(storage: Storage): Promise<SleepFiles> {
  const files = new SleepFiles(storage);
  await files.open();
  return files;
}

let crypto: CryptoProvider;
/** A feed that ends just before its second page. */
let long: MadeFeed;
let longFiles: MemoryStorage;
/** What a writer appends to it, over the border of the page. */
let appends: Commit[];
const block = (i: number) => Uint8Array.from({ length: 1 + (i % 5) }, (_, k) => i + k);

beforeAll(async () => {
  crypto = await libsodium();
  long = new MadeFeed(crypto, crypto.keyPair(new Uint8Array(32).fill(7)));
  const first = long.append(...Array.from({ length: 8189 }, (_, i) => block(i)));
  longFiles = memoryStorage();
  const files = await opened(longFiles);
  await files.commit(first);
  await files.close();
  appends = [2, 3, 1].map((count) => long.append(...Array.from({ length: count }, (_, i) => block(i + 100))));
});

/** Runs commits against a disk that fails at each write in turn, and looks at what is left each time. */
async function crashEverywhere(
  start: () => MemoryStorage,
  commits: readonly Commit[],
  check: (files: SleepFiles, storage: MemoryStorage, stored: readonly Commit[]) => Promise<void>,
): Promise<void> {
  for (const half of [false, true]) {
    for (let failAt = 1, failed = true; failed; failAt++) {
      const disk = start();
      const failing = new FailingStorage(disk, failAt, half);
      const files = await opened(failing);
      const stored: Commit[] = [];
      failed = false;
      for (const commit of commits) {
        try {
          await files.commit(commit);
          stored.push(commit);
        } catch {
          failed = true;
          break;
        }
      }
      const before = stored.at(-1)?.blocks ?? [];
      expect(before.every((at) => files.bitfield.has(at))).toBe(true);
      const next = commits[stored.length]?.blocks ?? [];
      if (failed) expect(next.filter((at) => files.bitfield.has(at))).toEqual([]);

      // What a process finds that comes after a crash here.
      const crashed = copyOf(disk);
      const found = await opened(crashed);
      await check(found, crashed, stored);

      // The same process, once there is space again.
      if (failed) {
        failing.isMended = true;
        for (const commit of commits.slice(stored.length)) await files.commit(commit);
      }
      await files.close();
      await check(await opened(disk), disk, commits);
    }
  }
}

describe('a disk that gives up at any write', () => {
  test('in a new feed', async () => {
    const feed = new MadeFeed(crypto, crypto.keyPair());
    const commits = [1, 2, 5].map((count) =>
      feed.append(...Array.from({ length: count }, (_, i) => block(i))),
    );
    await crashEverywhere(memoryStorage, commits, async (files, _, stored) => {
      const held = await feed.held(files);
      const reported = stored.flatMap((commit) => commit.blocks!);
      expect(held.slice(0, reported.length)).toEqual(reported);
      // A writer's feed has no holes: nobody else could fill them.
      expect(held).toHaveLength(await files.findLength());
    });
  });

  test('while a writer appends over the border of a page', async () => {
    await crashEverywhere(
      () => copyOf(longFiles),
      appends,
      async (files, _, stored) => {
        const length = await files.findLength();
        expect(files.bitfield.nextMissing(0, length)).toBe(-1);
        expect(length).toBeGreaterThanOrEqual(stored.at(-1)?.signatures?.[0]?.length ?? 8189);
        for (let node = 2 * length; node < 2 * length + 40; node++)
          expect(files.bitfield.hasNode(node)).toBe(false);
        for (const at of [0, 4096, 8188, 8191, length - 1]) {
          if (at >= length) continue;
          const bytes = await files.readData(long.offsets[at]!, long.blocks[at]!.length);
          expect(Buffer.compare(bytes, long.blocks[at]!)).toBe(0);
          expect(await files.readNode(2 * at)).toBeDefined();
        }
        expect(await files.readSignature(length)).toBeDefined();
      },
    );
  });

  test('while a reader downloads over the border of a page', async () => {
    const commits = [8191, 3, 8193, 8190, 8192].map((at) => long.download(at));
    await crashEverywhere(memoryStorage, commits, async (files, storage, stored) => {
      const held = await long.held(files);
      for (const { blocks } of stored) expect(held).toContain(blocks![0]);
      if (stored.length === 0) return;
      const theirs = await Reference.open(filesOf(storage));
      expect(theirs.feed.length).toBe(long.length);
      for (const { blocks } of stored) expect(theirs.feed.has(blocks![0]!)).toBe(true);
    });
  });

  test('for a moment stores nothing of what waited behind, since it may build on what was lost', async () => {
    const disk = memoryStorage();
    const feed = new MadeFeed(crypto, crypto.keyPair());
    feed.append(...Array.from({ length: 4 }, (_, i) => block(i)));
    let writes = 0;
    const failing: Storage = {
      ...disk,
      file: (name) => ({
        ...fileOf(disk, name),
        write: async (offset, bytes) => {
          await undefined;
          if (name === 'bitfield' && ++writes === 2) throw new Error('disk full');
          disk.file(name).write(offset, bytes);
        },
      }),
    };
    const files = await opened(failing);
    const first = feed.download(0);
    const commits = [files.commit({ ...first, nodes: first.nodes!.filter(({ index }) => index !== 2) })];
    for (let i = 0; i < 5; i++) await undefined;
    // The second block's own node came with the first one's proof, and is not sent again.
    commits.push(files.commit({ data: feed.download(1).data!, blocks: [1] }));
    const [one, two] = await Promise.allSettled(commits);
    expect([one!.status, two!.status]).toEqual(['rejected', 'rejected']);
    expect(files.failure).toEqual(new Error('disk full'));
    await files.close();
    expect((await opened(copyOf(disk))).bitfield.has(1)).toBe(false);
  });

  test('at a flush, and is opened again before the power goes, keeps what it stored after that', async () => {
    for (const failing of names) {
      const disk = memoryStorage();
      const cached = memoryStorage();
      let isFailing = true;
      const storage: Storage = {
        ...cached,
        file: (name) => ({
          ...fileOf(cached, name),
          flush: () => {
            if (name === failing && isFailing) throw new Error('the disk does not answer');
            disk.file(name).write(0, cached.file(name).read(0, cached.file(name).size()));
          },
        }),
      };
      const feed = new MadeFeed(crypto, crypto.keyPair());
      const commit = feed.append(block(1), block(2));
      const first = await opened(storage);
      await expect(first.commit(commit), failing).rejects.toThrow('the disk does not answer');
      await first.close();

      isFailing = false;
      const second = await opened(storage);
      await second.commit(commit);
      await second.close();

      const found = await opened(disk);
      expect(await feed.held(found), failing).toEqual([0, 1]);
      expect(found.secretKey, failing).toEqual(commit.secretKey);
    }
  });

  test('before its first flush leaves a place that can be used', async () => {
    // Of what was not flushed, one file at a time is on the disk, and nothing of the others.
    for (const kept of names) {
      const disk = memoryStorage();
      const cached = memoryStorage();
      const losing: Storage = {
        ...cached,
        file: (name) => ({
          ...fileOf(cached, name),
          flush: () => {
            throw new Error('the power went');
          },
          write: (offset, bytes) => {
            cached.file(name).write(offset, bytes);
            if (name === kept) disk.file(name).write(offset, bytes);
          },
        }),
      };
      const files = await opened(losing);
      const feed = new MadeFeed(crypto, crypto.keyPair());
      const commit = feed.append(block(1), block(2));
      await expect(files.commit(commit)).rejects.toThrow('the power went');
      const found = await opened(copyOf(disk));
      await found.commit(commit);
      expect(await feed.held(found)).toEqual([0, 1]);
    }
  });

  test('of the page that is written last has one sector and not the other', async () => {
    for (const kept of [0, 1]) {
      for (let lastAt = 1; lastAt < 6; lastAt++) {
        const disk = copyOf(longFiles);
        const start = await opened(disk);
        for (const commit of appends.slice(0, 2)) await start.commit(commit);
        await start.close();
        let writes = 0;
        const tearing: Storage = {
          ...disk,
          file: (name) => ({
            ...fileOf(disk, name),
            write: (offset, bytes) => {
              if (name === 'bitfield') writes++;
              if (writes > lastAt) throw new Error('the power went');
              const border = Math.max(0, Math.min(4096 * Math.ceil(offset / 4096) - offset, bytes.length));
              const isTorn = name === 'bitfield' && writes === lastAt;
              const part = isTorn ? (kept === 0 ? bytes.subarray(0, border) : bytes.subarray(border)) : bytes;
              disk.file(name).write(isTorn && kept === 1 ? offset + border : offset, part);
              if (isTorn) throw new Error('the power went');
            },
          }),
        };
        const writing = new SleepFiles(tearing);
        await writing.open();
        const isStored = await writing.commit(appends[2]!).then(
          () => true,
          () => false,
        );
        const found = await opened(copyOf(disk));
        const length = await found.findLength();
        expect(length).toBeGreaterThanOrEqual(isStored ? 8195 : 8194);
        expect(found.bitfield.nextMissing(0, length), `${kept} of write ${lastAt}`).toBe(-1);
      }
    }
  });

  test('another append after one that failed on its last flush, and then a crash, leaves one of the two whole', async () => {
    const keys = crypto.keyPair();
    for (let lastAt = 1; lastAt < 40; lastAt++) {
      const disk = memoryStorage();
      const first = new MadeFeed(crypto, keys);
      const files = await opened(disk);
      await files.commit(first.append(block(1), block(2)));
      await files.close();

      // All of it is written, and the disk does not say so.
      const wrong = first.upTo(2);
      let flushes = 0;
      const failing: Storage = {
        ...disk,
        file: (name) => ({
          ...fileOf(disk, name),
          flush: () => {
            if (name === 'bitfield' && ++flushes === 1) throw new Error('disk full');
          },
        }),
      };
      let writes = 0;
      const dying: Storage = {
        ...failing,
        file: (name) => {
          const file = failing.file(name);
          return {
            ...file,
            write: (offset, bytes) => {
              if (flushes > 0 && ++writes > lastAt) throw new Error('the power went');
              return file.write(offset, bytes);
            },
          };
        },
      };
      const writing = new SleepFiles(dying);
      await writing.open();
      await expect(writing.commit(wrong.append(block(3), block(4)))).rejects.toThrow('disk full');
      const right = first.upTo(2);
      await writing.commit(right.append(block(5))).catch(() => {});

      const found = await opened(copyOf(disk));
      const length = await found.findLength();
      const said = length === 4 ? wrong : length === 3 ? right : first;
      expect(await said.held(found), `after ${lastAt} writes`).toHaveLength(length);
      for (let node = 0; node < 2 * length; node++)
        if (found.bitfield.hasNode(node))
          expect((await found.readNode(node))?.hash).toEqual(said.nodes.get(node)!.hash);
    }
  });

  test('another append after a crash leaves nothing of the one that failed', async () => {
    for (let failAt = 1; failAt < 30; failAt++) {
      const disk = copyOf(longFiles);
      const failing = await opened(new FailingStorage(disk, failAt, false));
      for (const commit of appends) await failing.commit(commit).catch(() => {});
      const after = copyOf(disk);
      const files = await opened(after);
      const length = await files.findLength();
      const feed = long.upTo(length);
      await files.commit(feed.append(Uint8Array.of(failAt), Uint8Array.of(1)));
      await files.close();
      const again = await opened(after);
      expect(await again.findLength()).toBe(length + 2);
      for (let node = 2 * length; node < 2 * length + 40; node++) {
        const stored = await again.readNode(node);
        expect(stored?.hash).toEqual(feed.nodes.get(node)?.hash);
      }
    }
  });
});

test('a writer whose append fails, and the next one half way through taking its bits back, has no holes', async () => {
  const start = new MadeFeed(crypto, crypto.keyPair(new Uint8Array(32).fill(8)));
  const first = start.append(block(1), block(2), block(3), block(4));
  for (const count of [1, 2, 5, 20]) {
    for (let written = 0; written < 3584; written += written > 1022 && written < 1040 ? 1 : 97) {
      const disk = memoryStorage();
      let bitWrites = 0;
      const failing: Storage = {
        open: () => {},
        close: () => {},
        file(name) {
          const file = fileOf(disk, name);
          if (name !== 'bitfield') return file;
          return {
            ...file,
            write(offset, bytes) {
              // The second append writes first the byte of each root, then the page.
              const isPage = bytes.length > 1000;
              if (isPage) bitWrites++;
              if (!isPage || bitWrites < 3) return file.write(offset, bytes);
              file.write(offset, bytes.subarray(0, written));
              throw new Error('no more');
            },
            flush() {
              if (bitWrites === 2) {
                bitWrites = 2.5;
                throw new Error('not flushed');
              }
            },
          };
        },
      };
      const files = await opened(failing);
      await files.commit(first);
      const other = start.upTo(4);
      await expect(
        files.commit(other.append(...Array.from({ length: count }, (_, i) => block(i + 50)))),
      ).rejects.toThrow('not flushed');
      await expect(files.commit(start.upTo(4).append(block(9)))).rejects.toThrow('no more');
      const feed = await Feed.open(disk);
      expect([4, 4 + count], `${written} bytes`).toContain(feed.length);
      expect(feed.count(), `${written} bytes`).toBe(feed.length);
      for (let i = 0; i < feed.length; i++) expect(await feed.get(i)).toEqual(other.blocks[i]);
      await feed.close();
    }
  }
});
