import { describe, expect, it } from 'vitest';
import { Feed, memoryPair, memoryStorage, replicate } from '../../src/index.ts';

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
});
