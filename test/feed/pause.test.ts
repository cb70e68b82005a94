/** One connection of several is paused: it stays, and the others do its work. */
import { expect, it } from 'vitest';
import { Feed, memoryStorage } from '../../src/index.ts';
import type { ChannelMessage } from '../../src/session/channel.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { blocksOf } from '../interop/blocks.ts';
import { outcome } from '../session/peers.ts';
import { answering, pair, scriptedPeer, truthOf, until } from './scripted-peer.ts';

const blocks = blocksOf(200, 50);
const truth = await truthOf(blocks);

const reading = (sparse = false): Promise<Feed> => Feed.open(memoryStorage(), { key: truth.key, sparse });

/** A whole copy, by way of a scripted peer. */
async function copy(): Promise<Feed> {
  const feed = await reading();
  const { replication } = await scriptedPeer(feed, answering(truth));
  await feed.download({ start: 0, end: blocks.length }).done;
  await replication.close();
  return feed;
}

const ofType = <T extends ChannelMessage['type']>(received: readonly ChannelMessage[], type: T) =>
  received.filter((message): message is Extract<ChannelMessage, { type: T }> => message.type === type);

it('a paused peer is asked nothing more, and others are asked for what it owes', async () => {
  const feed = await reading();
  const silent = await scriptedPeer(feed, (message, channel) =>
    message.type === 'request' ? undefined : answering(truth)(message, channel),
  );
  await until(() => ofType(silent.received, 'request').length === 64);
  silent.replication.pause();
  const good = await scriptedPeer(feed, answering(truth));
  await feed.download({ start: 0, end: blocks.length }).done;
  expect(ofType(silent.received, 'request')).toHaveLength(64);
  expect(ofType(good.received, 'request')).toHaveLength(200);
  // What comes late from it is taken all the same, without complaint.
  for (const request of ofType(silent.received, 'request')) await answering(truth)(request, silent.channel);
  await settle();
  expect(ofType(silent.received, 'unhave')).toEqual([]);
  expect(await outcome(silent.replication.closed)).toBe('pending');
});

it('what was announced is taken back, and announced again', async () => {
  const feed = await copy();
  const { channel, received, replication } = await scriptedPeer(feed, () => {});
  channel.send({ type: 'want', start: 0, length: 1_048_576 });
  await until(() => ofType(received, 'have').length === 2);
  received.length = 0;
  replication.pause();
  replication.pause();
  await until(() => ofType(received, 'have').length === 1);
  // 25 zero bytes.
  const none = Uint8Array.of(101);
  expect(received).toEqual([
    { type: 'info', uploading: false, downloading: true },
    { type: 'have', start: 0, length: 524_288, bitfield: none, ack: false },
  ]);
  channel.send({ type: 'want', start: 0, length: 8192 });
  await until(() => received.length === 3);
  expect(received[2]).toMatchObject({ start: 0, length: 8192, bitfield: none });
  received.length = 0;
  replication.resume();
  await until(() => ofType(received, 'have').length === 1);
  expect(received).toMatchObject([
    { type: 'info', uploading: true, downloading: true },
    { type: 'have', start: 0, length: 524_288, bitfield: Uint8Array.of(103) },
  ]);
});

it('who asks a paused peer gets what it asked for before it knew, and no more after a deadline', async () => {
  const clock = new FakeClock();
  const { channel, received, replication } = await scriptedPeer(await copy(), () => {}, { clock });
  replication.pause();
  channel.send({ type: 'request', index: 3 });
  await until(() => ofType(received, 'data').length === 1);
  await clock.advance(7500);
  channel.send({ type: 'request', index: 4 });
  await until(() => ofType(received, 'unhave').length === 1);
  expect(ofType(received, 'unhave')).toMatchObject([{ start: 4 }]);
  expect(ofType(received, 'data')).toMatchObject([{ index: 3 }]);
  replication.resume();
  channel.send({ type: 'request', index: 4 });
  await until(() => ofType(received, 'data').length === 2);
  expect(await outcome(replication.closed)).toBe('pending');
});

it.each([true, false])('a reader waits while its only source pauses, live: %s', async (live) => {
  const source = await Feed.create(memoryStorage());
  await source.append(Array.from({ length: 1000 }, (_, i) => Uint8Array.of(i)));
  const reader = await Feed.open(memoryStorage(), { key: source.key });
  const [there, here] = await pair(source, reader, live);
  const stop = reader.subscribe(({ type }) => {
    if (type === 'download' && reader.count() > 20) there.pause();
  });
  await until(() => reader.count() > 20);
  stop();
  for (let i = 0; i < 50; i++) await settle();
  const before = reader.count();
  expect(before).toBeLessThan(1000);
  const read = (async () => {
    let count = 0;
    for await (const _ of reader.read()) count++;
    return count;
  })();
  for (let i = 0; i < 50; i++) await settle();
  expect(reader.count()).toBe(before);
  expect(await outcome(here.closed)).toBe('pending');
  there.resume();
  expect(await read).toBe(1000);
  expect(here.traffic).toEqual({ downloaded: 1000, uploaded: 0 });
  expect(there.traffic).toEqual({ downloaded: 0, uploaded: 1000 });
  if (live) await here.close();
  else expect(await here.closed).toMatchObject({ code: expect.stringMatching(/closed$/) });
});

it('blocks that are appended meanwhile are told of afterwards', async () => {
  const writer = await Feed.create(memoryStorage());
  await writer.append(blocks[0]!);
  const reader = await Feed.open(memoryStorage(), { key: writer.key });
  const [there] = await pair(writer, reader);
  await reader.get(0);
  there.pause();
  await writer.append(blocks.slice(1, 5));
  for (let i = 0; i < 20; i++) await settle();
  expect(reader.count()).toBe(1);
  there.resume();
  await reader.get(4);
});

it('a feed that is joined during a pause is paused', async () => {
  const source = await copy();
  const { received, channel, replication } = await scriptedPeer(source, () => {}, { feeds: () => source });
  replication.pause();
  channel.send({ type: 'want', start: 0, length: 8192 });
  await until(() => ofType(received, 'have').length === 1);
  expect(ofType(received, 'info')).toMatchObject([{ uploading: false, downloading: true }]);
  expect(ofType(received, 'have')).toMatchObject([{ bitfield: Uint8Array.of(101) }]);
});
