/** What a peer has, read where the feed keeps it. */
import type { Feed, MemoryStorage } from 'hypercore-wire';
import type { Holding } from './protocol.ts';

/** Bytes of the header of the file `tree`, and of a node in it. */
const [HEADER, NODE] = [32, 40];
/** Blocks of which it is told which ones are here. */
const TOLD = 4096;

export function holdingOf(feed: Feed, storage: MemoryStorage): Holding {
  const { length, remoteLength, byteLength } = feed;
  const told = Math.min(Math.max(length, remoteLength), TOLD);
  const blocks = Uint8Array.from({ length: told }, (_, index) => (feed.has(index) ? 1 : 0));
  const count = Math.max(2 * told - 1, 0);
  const tree = storage.file('tree').read(HEADER, count * NODE);
  const nodes = Uint8Array.from({ length: count }, (_, node) => {
    const bytes = tree.subarray(node * NODE, (node + 1) * NODE);
    // What was never written is zeros.
    return bytes.some((byte) => byte !== 0) ? 1 : 0;
  });
  return { length, remoteLength, byteLength, blocks, nodes };
}
