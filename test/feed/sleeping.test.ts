/** A block that was asked for before the machine slept, or the tab was hidden. */
import { expect, it } from 'vitest';
import { Feed, memoryStorage } from '../../src/index.ts';
import type { Request } from '../../src/wire/messages.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { blocksOf } from '../interop/blocks.ts';
import { outcome } from '../session/peers.ts';
import { answering, scriptedPeer, truthOf, until } from './scripted-peer.ts';

const truth = await truthOf(blocksOf(20, 50));
const answer = answering(truth);

/** A reader that has asked for block 3, and a peer that leaves that Request without an answer so far. */
async function asking(clock: FakeClock) {
  const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
  const peer = await scriptedPeer(
    feed,
    (message, channel) => (message.type === 'request' ? undefined : answer(message, channel)),
    { clock },
  );
  const block = feed.get(3);
  block.catch(() => {});
  const asked = (): Request | undefined => peer.received.find(({ type }) => type === 'request') as Request;
  await until(() => asked() !== undefined);
  return { ...peer, block, request: asked()! };
}

it('is still taken after an hour of sleep', async () => {
  const clock = new FakeClock();
  const { channel, replication, request, block } = await asking(clock);
  await clock.advance(1000);
  clock.sleep(3_600_000);
  await clock.advance(7000);
  await answer(request, channel);
  await settle();
  expect(await block).toEqual(blocksOf(20, 50)[3]);
  await clock.advance(60_000);
  expect(await outcome(replication.closed)).toBe('pending');
  replication.abort();
  await settle();
  expect(clock.pending).toBe(0);
});

it('is asked of others one deadline after waking, where the peer owes it still', async () => {
  const clock = new FakeClock();
  const { replication } = await asking(clock);
  clock.sleep(3_600_000);
  await clock.advance(7000);
  expect(await outcome(replication.closed)).toBe('pending');
  await clock.advance(1000);
  expect(await outcome(replication.closed)).toMatchObject({ code: 'failed', error: { code: 'timeout' } });
  expect(clock.pending).toBe(0);
});

it('is taken in a hidden tab whenever it comes', async () => {
  const clock = new FakeClock();
  const feed = await Feed.open(memoryStorage(), { key: truth.key });
  // Each answer takes half a minute.
  const { replication, session } = await scriptedPeer(
    feed,
    (message, channel) =>
      message.type === 'request'
        ? void clock.after(30_000, () => void answer(message, channel))
        : answer(message, channel),
    { clock: clock.hidden() },
    { clock },
  );
  await clock.advance(45_000);
  expect(feed.count()).toBe(20);
  await clock.advance(600_000);
  expect(await outcome(replication.closed)).toBe('pending');
  expect(await outcome(session.closed)).toBe('pending');
  replication.abort();
});
