import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { FileName, Storage, StorageFile } from '../../src/feed/storage.ts';
import { Feed, memoryPair, memoryStorage, replicate } from '../../src/index.ts';
import { FakeClock } from '../fake-clock.ts';
import { foreign } from '../foreign.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const blocks = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => text(`block ${i}`));

describe('replicating a feed', () => {
  it('takes all of it and ends on both sides', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks(100));
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [here, there] = memoryPair();
    const [a, b] = await Promise.all([
      replicate(here, { feeds: writer }),
      replicate(there, { feeds: reader }),
    ]);
    expect(await Promise.all([a.closed, b.closed])).toEqual([
      { code: expect.stringMatching(/closed/) },
      { code: expect.stringMatching(/closed/) },
    ]);
    expect(reader.length).toBe(100);
    expect(reader.has(0, 100)).toBe(true);
    expect(new TextDecoder().decode(await reader.get(42))).toBe('block 42');
    const read: string[] = [];
    for await (const block of reader.read()) read.push(new TextDecoder().decode(block));
    expect(read.length).toBe(100);
  });

  it('takes promises of another realm: from a storage, a provider, and a lookup', async () => {
    const slow = (): Storage => {
      const storage = memoryStorage();
      const file = (name: FileName): StorageFile => {
        const held = storage.file(name);
        return {
          size: () => foreign(held.size()),
          read: (...range) => foreign(held.read(...range)),
          write: (...bytes) => foreign(held.write(...bytes)),
          flush: () => foreign(held.flush()),
        };
      };
      return { open: () => foreign(storage.open()), file, close: () => foreign(storage.close()) };
    };
    const sodium = await libsodium();
    const crypto = {
      ...sodium,
      verify: (...args: Parameters<typeof sodium.verify>) => foreign(sodium.verify(...args)),
    };
    const writer = await Feed.create(slow(), { crypto });
    await writer.append(blocks(100));
    const reader = await Feed.open(slow(), { key: writer.key, crypto });
    const [here, there] = memoryPair();
    const [, b] = await Promise.all([
      replicate(here, { feeds: () => foreign(writer) }),
      replicate(there, { feeds: reader }),
    ]);
    await b.closed;
    expect(reader.has(0, 100)).toBe(true);
    expect(new TextDecoder().decode(await reader.get(42))).toBe('block 42');
  });

  it('reads what is on its way, and follows a live feed', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks(3));
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [here, there] = memoryPair();
    const [, b] = await Promise.all([
      replicate(here, { feeds: (dk) => (dk.length === 32 ? writer : undefined), live: true }),
      replicate(there, { feeds: reader, live: true }),
    ]);
    const seen: string[] = [];
    for await (const block of reader.read({ live: true })) {
      seen.push(new TextDecoder().decode(block));
      if (seen.length === 3) await writer.append([text('four'), text('five')]);
      if (seen.length === 5) break;
    }
    expect(seen).toEqual(['block 0', 'block 1', 'block 2', 'four', 'five']);
    expect(await reader.seek(9)).toEqual({ index: 1, offset: 2 });
    b.abort();
  });

  it('of which the remote opens only one ends once that is there, and the deadline has passed', async () => {
    const clock = new FakeClock();
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks(10));
    const [one, other] = await Promise.all([
      Feed.open(memoryStorage(), { key: writer.key }),
      Feed.open(memoryStorage(), { key: new Uint8Array(32).fill(7) }),
    ]);
    const [here, there] = memoryPair();
    const [a, b] = await Promise.all([
      replicate(here, { feeds: writer, clock }),
      replicate(there, { feeds: [one, other], clock }),
    ]);
    await one.download().done;
    await clock.advance(8000);
    // Which of the two is the first to end is all the same.
    expect(await a.closed).toEqual({ code: expect.stringMatching(/closed$/) });
    expect(await b.closed).toEqual({ code: expect.stringMatching(/closed$/) });
    expect([one.count(), other.count(), clock.pending]).toEqual([10, 0, 0]);
  });

  it('with many blocks asked for one by one, all at once, takes them all', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks(3000));
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [here, there] = memoryPair();
    const [a, b] = await Promise.all([
      replicate(here, { feeds: writer, live: true }),
      replicate(there, { feeds: reader, live: true }),
    ]);
    const all = await Promise.all(Array.from({ length: 3000 }, (_, i) => reader.get(2999 - i)));
    expect(all.reverse()).toEqual(blocks(3000));
    await Promise.all([a.close(), b.close()]);
  });
});
