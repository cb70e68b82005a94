/** One peer that does what none should: each has its outcome, and none makes us work or keep without bound. */
import { describe, expect, it } from 'vitest';
import { Feed, type FeedEvent, memoryStorage, type ReplicateOptions } from '../../src/index.ts';
import type { ChannelSendable } from '../../src/session/channel.ts';
import type { Data, Have, Request } from '../../src/wire/messages.ts';
import { encodeRle } from '../../src/wire/rle.ts';
import { blocksOf } from '../interop/blocks.ts';
import { answering, type ScriptedPeer, scriptedPeer, truthOf, until } from './scripted-peer.ts';

const blocks = blocksOf(200, 50);
const truth = await truthOf(blocks);
const MAX = Number.MAX_SAFE_INTEGER;
const WANT = 1_048_576;
const silent = (): void => {};

/** A whole copy, and a peer that only listens, and speaks when the test does. */
async function uploading(options: Partial<ReplicateOptions> = {}): Promise<ScriptedPeer & { feed: Feed }> {
  const feed = await Feed.open(memoryStorage(), { key: truth.key });
  const source = await scriptedPeer(feed, answering(truth));
  await feed.download({ start: 0, end: blocks.length }).done;
  await source.replication.close();
  return { feed, ...(await scriptedPeer(feed, silent, options)) };
}

/** An empty sparse copy, and such a peer. */
async function downloading(): Promise<ScriptedPeer & { feed: Feed }> {
  const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
  return { feed, ...(await scriptedPeer(feed, silent)) };
}

/** The answer to a Request that is sent now: it tells that all before has been dealt with. */
async function answerTo(peer: ScriptedPeer, request: Partial<Request>): Promise<unknown> {
  const before = peer.received.length;
  peer.channel.send({ type: 'request', index: 0, ...request });
  const answers = () =>
    peer.received.slice(before).filter(({ type }) => type === 'data' || type === 'unhave');
  await until(() => answers().length > 0);
  return answers()[0];
}

const haves = (peer: ScriptedPeer): Have[] => peer.received.filter(({ type }) => type === 'have') as Have[];
const rle = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

describe('a Want', () => {
  it.each([
    [0, WANT, { start: 0, length: WANT }],
    [0, 8192, { start: 0, length: 8192 }],
    [8192, 8192, { start: 8192, length: 8192, bitfield: new Uint8Array(0) }],
    // What hypercore leaves without an answer: the pages that cover the range.
    [5, 3, { start: 0, length: 8192 }],
    [8191, 2, { start: 0, length: 16384 }],
    [0, 2 ** 31, { start: 0, length: 2 ** 31 }],
    [0, 2 ** 40, { start: 0, length: 2 ** 40 }],
    [2 ** 52, 8192, { start: 2 ** 52, length: 8192, bitfield: new Uint8Array(0) }],
    [0, MAX, { start: 0, length: 2 ** 53 - 8192 }],
    [8191, MAX, { start: 0, length: 2 ** 53 - 8192 }],
    // Without an end, as hypercore before 6.22.1 sends it.
    [0, 0, { start: 0, length: 0 }],
  ])('of %d and %d is answered over our own length', async (start, length, answer) => {
    const peer = await uploading();
    peer.channel.send({ type: 'want', start, length });
    await until(() => haves(peer).length === 2);
    const all = encodeRle(new Uint8Array(25).fill(0xff));
    expect(haves(peer)[0]).toMatchObject({ start: blocks.length - 1, length: 1, bitfield: undefined });
    expect(haves(peer)[1]).toMatchObject({ bitfield: all, ...answer });
    await peer.replication.close();
  });

  it('past 2^53-1 is passed over', async () => {
    const peer = await uploading();
    peer.channel.send({ type: 'want', start: MAX - 1, length: WANT });
    expect(await answerTo(peer, { index: 3 })).toMatchObject({ type: 'data', index: 3, value: blocks[3] });
    expect(haves(peer).filter(({ bitfield }) => bitfield !== undefined).length).toBeLessThan(2);
    await peer.replication.close();
  });

  it('in a flood ends the session', async () => {
    const peer = await uploading({ limits: { requests: 100 } });
    for (let i = 0; i < 300; i++) peer.channel.send({ type: 'want', start: i * 8192, length: 8192 });
    expect(await peer.replication.closed).toMatchObject({ code: 'failed', error: { code: 'request-flood' } });
  });
});

describe('a Have or Unhave', () => {
  const ranges: [string, ChannelSendable][] = [
    ['Have past 2^53-1', { type: 'have', start: MAX, length: MAX }],
    ['Unhave past 2^53-1', { type: 'unhave', start: MAX, length: MAX }],
    ['bitfield that starts inside a byte', { type: 'have', start: 4, length: WANT, bitfield: rle(7) }],
    [
      'bitfield of 2^27 bytes',
      { type: 'have', start: 0, length: WANT, bitfield: rle(0x83, 0x80, 0x80, 0x80, 0x02) },
    ],
    [
      'bitfield of 2^31 bytes',
      { type: 'have', start: 0, length: 0, bitfield: rle(0x83, 0x80, 0x80, 0x80, 0x20) },
    ],
    ['bitfield longer than its range', { type: 'have', start: 0, length: 64, bitfield: rle(0xff, 0x7f) }],
    ['bitfield that is cut off', { type: 'have', start: 0, length: WANT, bitfield: rle(0x80) }],
    ['bitfield with a literal cut off', { type: 'have', start: 0, length: WANT, bitfield: rle(0x08, 0xff) }],
  ];

  it.each(ranges)('%s is passed over, and too many of them end the session', async (_, message) => {
    const peer = await downloading();
    peer.channel.send(message);
    peer.channel.send({ type: 'have', start: 3 });
    await until(() => peer.feed.remoteLength > 0);
    expect(peer.feed.remoteLength).toBe(4);
    for (let i = 0; i < 65; i++) peer.channel.send(message);
    expect(await peer.replication.closed).toMatchObject({ code: 'failed', error: { code: 'bad-message' } });
  });

  it('of nearly 2^53 blocks costs nothing', async () => {
    const peer = await downloading();
    for (let i = 0; i < 1000; i++) {
      peer.channel.send({ type: 'have', start: i, length: MAX - 1000 });
      peer.channel.send({ type: 'unhave', start: 8192, length: MAX - 10_000 });
    }
    peer.channel.send({ type: 'unhave', start: 10, length: MAX - 10 });
    peer.channel.send({ type: 'have', start: 11 });
    await until(() => peer.feed.remoteLength === 12);
    expect([peer.feed.peers[0]!.remoteHas(9), peer.feed.peers[0]!.remoteHas(10)]).toEqual([true, false]);
    await peer.replication.close();
  });

  it('with a million empty runs is read', async () => {
    const peer = await downloading();
    const bitfield = new Uint8Array(1_000_002).fill(1);
    bitfield.set(rle(0x02, 0xc0), 1_000_000);
    peer.channel.send({ type: 'have', start: 0, length: WANT, bitfield });
    await until(() => peer.feed.remoteLength === 2);
    await peer.replication.close();
  });

  it('scattered over more than is kept ends the session', async () => {
    const peer = await downloading();
    for (let i = 0; i < 5000; i++) peer.channel.send({ type: 'have', start: i * 3 * 8192 });
    expect(await peer.replication.closed).toMatchObject({ code: 'failed', error: { code: 'have-flood' } });
  });
});

describe('a Request', () => {
  it('for what is not there is answered with Unhave', async () => {
    const peer = await uploading();
    for (const index of [blocks.length, 2 ** 40, MAX]) {
      expect(await answerTo(peer, { index })).toMatchObject({ type: 'unhave', start: index, length: 1 });
      expect(await answerTo(peer, { index, hash: true })).toMatchObject({ type: 'unhave', start: index });
    }
    await peer.feed.clear(7);
    expect(await answerTo(peer, { index: 7 })).toMatchObject({ type: 'unhave', start: 7 });
    // Its hash is there.
    expect(await answerTo(peer, { index: 7, hash: true })).toMatchObject({
      type: 'data',
      index: 7,
      value: undefined,
    });
    await peer.replication.close();
  });

  it('for a byte past the end is answered by its index', async () => {
    const peer = await uploading();
    expect(await answerTo(peer, { index: 9, bytes: MAX })).toMatchObject({ type: 'data', index: 9 });
    expect(await answerTo(peer, { index: MAX, bytes: MAX })).toMatchObject({ type: 'unhave', start: MAX });
    await peer.replication.close();
  });

  it.each([1, 2, 3, 64, 255, 2 ** 40, 2 ** 40 + 1, MAX - 1, MAX])(
    'with the digest %d is answered',
    async (nodes) => {
      const peer = await uploading();
      expect(await answerTo(peer, { index: 100, nodes })).toMatchObject({ type: 'data', value: blocks[100] });
      await peer.replication.close();
    },
  );

  it('in a flood ends the session, taken back or not', async () => {
    for (const isCancelled of [false, true]) {
      const peer = await uploading({ limits: { requests: 100 } });
      for (let i = 0; i < 300; i++) {
        peer.channel.send({ type: 'request', index: i % 200 });
        if (isCancelled) peer.channel.send({ type: 'cancel', index: i % 200 });
      }
      expect(await peer.replication.closed).toMatchObject({
        code: 'failed',
        error: { code: 'request-flood' },
      });
    }
  });
});

describe('Data', () => {
  it('that nobody asked for is answered with Unhave, and too much of it ends the session', async () => {
    const peer = await downloading();
    const data = (await truth.answer({ type: 'request', index: 3, bytes: 0, hash: false, nodes: 0 })) as Data;
    peer.channel.send(data);
    await until(() => peer.received.some(({ type }) => type === 'unhave'));
    expect(peer.received.find(({ type }) => type === 'unhave')).toMatchObject({ start: 3 });
    expect(peer.feed.count()).toBe(0);
    for (let i = 0; i < 65; i++) peer.channel.send(data);
    expect(await peer.replication.closed).toMatchObject({ code: 'failed', error: { code: 'bad-message' } });
    expect(peer.feed.count()).toBe(0);
  });

  it('without its bytes leaves the block to be asked for again', async () => {
    const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
    let requests = 0;
    const peer = await scriptedPeer(
      feed,
      answering(truth, (data) => (++requests < 3 ? { ...data, value: undefined } : data)),
    );
    expect(await feed.get(50)).toEqual(blocks[50]);
    expect(requests).toBe(3);
    await peer.replication.close();
  });

  it('of an earlier length of the feed is a proof all the same', async () => {
    const earlier = await truthOf(blocks.slice(0, 120));
    const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
    const old = await scriptedPeer(feed, answering(earlier));
    expect(await feed.get(119)).toEqual(blocks[119]);
    expect(feed.length).toBe(120);
    const current = await scriptedPeer(feed, answering(truth));
    expect(await feed.get(199)).toEqual(blocks[199]);
    expect(await feed.get(3)).toEqual(blocks[3]);
    expect(feed.length).toBe(200);
    await Promise.all([old.replication.close(), current.replication.close()]);
  });

  it('with nodes to spare is taken, and with more than any proof has is not', async () => {
    const many = (count: number) => (data: Data) => {
      const spare = Array.from({ length: count }, (_, i) => ({ ...data.nodes[0]!, index: 2 ** 40 + 2 * i }));
      return { ...data, nodes: [...data.nodes, ...spare] };
    };
    const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
    const peer = await scriptedPeer(feed, answering(truth, many(200)));
    const block = feed.get(3);
    block.catch(() => {});
    expect(await peer.replication.closed).toMatchObject({ code: 'failed' });
    expect(feed.count()).toBe(0);
    await feed.close();
  });
});

describe('an Unhave', () => {
  it('of another block, which crossed a search for a byte, is not its answer', async () => {
    const feed = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
    const faults: FeedEvent[] = [];
    feed.subscribe((event) => event.type === 'fault' && faults.push(event));
    const good = answering(truth);
    await scriptedPeer(feed, (message, channel) => {
      if (message.type === 'request' && message.bytes > 0)
        channel.send({ type: 'unhave', start: truth.length - 1 });
      return good(message, channel);
    });
    await feed.get(0);
    const { index, offset } = await feed.seek(truth.byteLength - 10);
    expect(offset + blocks.slice(0, index).reduce((sum, { length }) => sum + length, 0)).toBe(
      truth.byteLength - 10,
    );
    expect(faults).toEqual([]);
    await feed.close();
  });
});

describe('Info', () => {
  it('that the remote sends nothing leaves it alone, and its blocks to others', async () => {
    const feed = await Feed.open(memoryStorage(), { key: truth.key });
    const quiet = await scriptedPeer(feed, async (message, channel) => {
      if (message.type === 'want') channel.send({ type: 'info', uploading: false, downloading: false });
      await answering(truth)(message, channel);
    });
    await until(() => feed.remoteLength === blocks.length);
    const good = await scriptedPeer(feed, answering(truth));
    await feed.download({ start: 0, end: blocks.length }).done;
    expect(quiet.received.filter(({ type }) => type === 'request')).toEqual([]);
    await Promise.all([quiet.replication.close(), good.replication.close()]);
  });

  it('that it sends nothing and wants nothing ends a session that is not live', async () => {
    const feed = await Feed.open(memoryStorage(), { key: truth.key });
    const quiet = await scriptedPeer(
      feed,
      async (message, channel) => {
        if (message.type === 'want') channel.send({ type: 'info', uploading: false, downloading: false });
        await answering(truth)(message, channel);
      },
      { live: false },
    );
    expect(await quiet.replication.closed).toEqual({ code: 'closed' });
    expect(quiet.received.filter(({ type }) => type === 'info')).toEqual([
      { type: 'info', uploading: true, downloading: false },
    ]);
    expect(feed.count()).toBe(0);
  });
});
