/** How much a feed sends at once: what is in one chunk holds other channels up, and is hashed together where it comes. */
import { expect, it } from 'vitest';
import { Feed, memoryPair, memoryStorage, replicate } from '../../src/index.ts';
import type { TraceEvent } from '../../src/trace.ts';

/** How many blocks were in each chunk that had some, as a copy takes blocks of these lengths. */
async function blocksPerChunk(byteLengths: readonly number[]): Promise<number[]> {
  const source = await Feed.create(memoryStorage());
  await source.append(byteLengths.map((byteLength, i) => new Uint8Array(byteLength).fill(i)));
  const copy = await Feed.open(memoryStorage(), { key: source.key });
  const found: number[] = [];
  let since = 0;
  const listener = (event: TraceEvent): void => {
    if (event.type === 'message' && event.direction === 'out' && event.message.type === 'data') since++;
    if (event.type !== 'bytes' || event.direction !== 'out') return;
    if (since > 0) found.push(since);
    since = 0;
  };
  const [here, there] = memoryPair();
  const sides = await Promise.all([
    replicate(here, { feeds: source, trace: { listener, types: ['bytes', 'message'] } }),
    replicate(there, { feeds: copy }),
  ]);
  await Promise.all(sides.map(({ closed }) => closed));
  expect(copy.count()).toBe(byteLengths.length);
  return found;
}

it.each([
  ['sixty-four short ones', 1000, 64],
  ['four of 64 KiB', 65_536, 4],
  ['two of 128 KiB', 131_072, 2],
  ['one of more', 131_073, 1],
  ['one of 3 MiB', 3_145_728, 1],
])('sends at most %s at once', async (_name, byteLength, most) => {
  const found = await blocksPerChunk(Array(3 * most + 1).fill(byteLength));
  expect(Math.max(...found)).toBe(most);
});

it('goes by the bytes where a few are far longer than the mean', async () => {
  const found = await blocksPerChunk([...Array(400).fill(10), ...Array(6).fill(140_000)]);
  expect(found.slice(-5)).toEqual([1, 1, 1, 1, 1]);
});
