/** A feed whose blocks tell by their bytes where they belong. */
import { Feed, memoryStorage } from 'hypercore-wire';

export const BLOCKS = 200;

function block(index: number): Uint8Array {
  return new Uint8Array((index * 7919) % 20_000).fill(index);
}

export async function writeNumbered(): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(Array.from({ length: BLOCKS }, (_, index) => block(index)));
  return feed;
}

/** How many blocks are here, and each is what it should be. */
export async function countNumbered(feed: Feed): Promise<number> {
  let count = 0;
  for (let index = 0; index < BLOCKS; index++) {
    if (!feed.has(index)) continue;
    const [actual, expected] = [await feed.get(index), block(index)];
    const same =
      actual.byteLength === expected.byteLength && actual.every((byte, at) => byte === expected[at]);
    if (!same) throw new Error(`block ${index} is another one`);
    count++;
  }
  return count;
}
