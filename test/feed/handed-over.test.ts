/** Which bytes a feed hands over to its storage, and that they are nobody else's then. */
import { equals } from 'uint8arrays/equals';
import { describe, expect, it } from 'vitest';
import { joined, keepable, type Piece } from '../../src/feed/files/commit.ts';
import { Feed, memoryPair, memoryStorage, replicate } from '../../src/index.ts';
import type { MemoryStorage } from '../../src/storage/memory.ts';
import type { TraceEvent } from '../../src/trace.ts';

const SIZE = 65_536;
const block = (value: number): Uint8Array => new Uint8Array(SIZE).fill(value);

/** Takes all of `from`; returns the feed and the blocks as they came. */
async function copied(from: Feed, storage: MemoryStorage): Promise<{ feed: Feed; came: Uint8Array[] }> {
  const feed = await Feed.open(storage, { key: from.key });
  const came: Uint8Array[] = [];
  const listener = (event: TraceEvent): void => {
    if (event.type !== 'message' || event.content?.type !== 'data') return;
    came[event.content.index!] = event.content.value!;
  };
  const [here, there] = memoryPair();
  const sides = await Promise.all([
    replicate(here, { feeds: from }),
    replicate(there, { feeds: feed, trace: { listener, types: ['message'], payloads: true } }),
  ]);
  await Promise.all(sides.map(({ closed }) => closed));
  return { feed, came };
}

describe('a feed in memory', () => {
  it('keeps the blocks that came as they are, and gives copies of them', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append([block(1), block(2), block(3)]);
    const storage = memoryStorage();
    const { feed, came } = await copied(writer, storage);
    expect(came).toHaveLength(3);
    for (const [i, value] of came.entries()) {
      const kept = storage.file('data').view(i * SIZE, SIZE);
      expect([kept.buffer === value.buffer, kept.byteOffset]).toEqual([true, value.byteOffset]);
    }
    const first = await feed.get(0);
    expect(equals(first, block(1))).toBe(true);
    first.fill(9);
    for await (const read of feed.read()) read.fill(9);
    for (const i of [0, 1, 2]) expect(equals(await feed.get(i), block(i + 1))).toBe(true);
    const { feed: next } = await copied(feed, memoryStorage());
    expect(equals(await next.get(2), block(3))).toBe(true);
  });

  it('keeps none of what the app appends', async () => {
    const storage = memoryStorage();
    const feed = await Feed.create(storage);
    const large = [block(1), block(2)];
    const small = Array.from({ length: 100 }, (_, i) => new Uint8Array(1000).fill(i));
    await feed.append(large);
    await feed.append(small);
    for (const bytes of [...large, ...small]) bytes.fill(9);
    expect(equals(await feed.get(1), block(2))).toBe(true);
    expect(equals(await feed.get(43), new Uint8Array(1000).fill(41))).toBe(true);
  });

  it('keeps small blocks as it joined them', async () => {
    const storage = memoryStorage();
    const feed = await Feed.create(storage);
    await feed.append(Array.from({ length: 100 }, (_, i) => new Uint8Array(1000).fill(i)));
    const kept = storage.file('data').view(0, 100_000);
    // On no page, but in one piece.
    expect(kept.buffer).toBe(storage.file('data').view(70_000, 1000).buffer);
    expect(kept.buffer.byteLength).toBe(100_000);
  });
});

describe('pieces that a storage may keep', () => {
  const piece = (offset: number, bytes: Uint8Array, isFinal?: boolean): Piece => ({
    offset,
    bytes,
    ...(isFinal && { isFinal }),
  });

  it('are final, and most of their buffer', () => {
    const [shared, padded] = [new Uint8Array(130_000), new Uint8Array(130_000)];
    const some = [0, 1, 2].map((i) => piece(i * 40_000, shared.subarray(i * 40_000, (i + 1) * 40_000), true));
    const one = piece(200_000, padded.subarray(0, 40_000), true);
    const own = piece(300_000, new Uint8Array(40_000));
    expect([...keepable(joined([...some, one, own]))]).toEqual(some);
  });

  it('are those that were joined', () => {
    const pieces = [0, 1].map((i) => piece(i * 10_000, new Uint8Array(10_000).fill(i)));
    const writes = joined(pieces);
    expect(writes).toHaveLength(1);
    expect([...keepable(writes)]).toEqual(writes);
    expect(keepable(joined([pieces[0]!])).size).toBe(0);
  });
});
