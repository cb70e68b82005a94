/** Two that need each other's blocks, over a line that one of them has limited. */
import { expect, it } from 'vitest';
import { Feed, limited, memoryPair, memoryStorage, replicate } from '../../src/index.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { blocksOf } from '../interop/blocks.ts';
import { outcome } from '../session/peers.ts';
import { answering, scriptedPeer, truthOf } from './scripted-peer.ts';

const blocks = blocksOf(100, 8000);
const truth = await truthOf(blocks);

/** A copy of every second block. */
async function half(parity: number): Promise<Feed> {
  const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
  const { replication } = await scriptedPeer(feed, answering(truth));
  await Promise.all(blocks.map((_, i) => (i % 2 === parity ? feed.get(i) : undefined)));
  await replication.close();
  return feed;
}

it('a Request that waits behind a long queue of blocks is not held against the remote', async () => {
  const clock = new FakeClock();
  const [evens, odds] = [await half(0), await half(1)];
  const [near, far] = memoryPair();
  const line = limited(near, clock);
  const replications = await Promise.all([
    replicate(line, { feeds: evens, live: true, clock }),
    replicate(far, { feeds: odds, live: true, clock }),
  ]);
  await settle();
  // Some 400 kB, which is 100 s.
  line.limit({ send: 4000 });
  odds.download({ start: 0, end: 100 });
  await clock.advance(2000);
  expect(odds.count()).toBeLessThan(60);
  evens.download({ start: 0, end: 100 });
  for (let second = 0; second < 150; second++) {
    await clock.advance(1000);
    for (const { closed } of replications) expect(await outcome(closed)).toBe('pending');
  }
  expect([evens.count(), odds.count()]).toEqual([100, 100]);
  for (const replication of replications) replication.abort();
  await settle();
  expect(clock.pending).toBe(0);
});
