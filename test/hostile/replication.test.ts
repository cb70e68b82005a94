/**
 * Hostile peers of a feed, beside those of `test/feed`: each is there to make us ask, wait or keep without end.
 */
import { describe, expect, it } from 'vitest';
import { leaf, parent, type TreeNode, treeHash } from '../../src/feed/merkle/hash.ts';
import { Feed, memoryStorage, type ReplicateOptions, replicate } from '../../src/index.ts';
import type { Limits } from '../../src/limits.ts';
import type { Channel } from '../../src/session/channel.ts';
import type { Data } from '../../src/wire/messages.ts';
import { encodeRle } from '../../src/wire/rle.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { answering, type Script, scriptedPeer, truthOf, until } from '../feed/scripted-peer.ts';
import { blocksOf } from '../interop/blocks.ts';
import { crypto, feed as opens, outcome, say } from '../session/peers.ts';
import { ScriptedTransport } from '../session/scripted.ts';
import { growth } from './growth.ts';
import { type ReplicationLimit, replicationLimits } from './replication-limits.ts';

const blocks = blocksOf(40, 50);
const truth = await truthOf(blocks);
const MAX = Number.MAX_SAFE_INTEGER;
const LITTLE = 4_194_304;
const keyPair = crypto.keyPair(new Uint8Array(32).fill(1));

const copy = (sparse = false): Promise<Feed> => Feed.open(memoryStorage(), { key: truth.key, sparse });

/** Announces far more than there is, and refuses whatever is asked for that is not there. */
const boasting =
  (length: number, answers: (index: number) => boolean = () => false): Script =>
  async (message, channel) => {
    if (message.type === 'want') {
      if (message.start === 0) channel.send({ type: 'have', start: 0, length });
    } else if (message.type === 'request') {
      if (answers(message.index)) channel.send((await truth.answer(message))!);
      else channel.send({ type: 'unhave', start: message.index });
    }
  };

/** Data of the feed's first block with a signature over a feed of any length and size. */
function signedAs(length: number, size: number): Data {
  const value = blocks[0]!;
  let top = leaf(crypto, 0, value);
  const nodes: TreeNode[] = [];
  for (let covered = 1; covered < length; covered *= 2) {
    // The node right of the one that covers as many blocks from the first.
    const index = 3 * covered - 1;
    nodes.push({ index, hash: new Uint8Array(32).fill(7), size: nodes.length === 0 ? size - top.size : 0 });
    top = parent(crypto, top, nodes.at(-1)!);
  }
  const signature = crypto.sign(treeHash(crypto, [top]), keyPair.secretKey);
  return { type: 'data', index: 0, value, nodes, signature };
}

/** What a peer does that a limit is there for, with what it is told, and what comes of it. */
type Attack = (limits: Partial<Limits>) => Promise<unknown>;

async function endOf(script: Script, options: Partial<ReplicateOptions>): Promise<unknown> {
  const feed = await copy();
  const { replication } = await scriptedPeer(feed, script, options);
  await settle();
  for (let i = 0; i < 200; i++) await settle();
  const reason = (await outcome(replication.closed)) as { error?: { code: string } } | 'pending';
  replication.abort();
  return reason === 'pending' ? 'held' : reason.error?.code;
}

const sendsOnce =
  (data: Data): Script =>
  (message: { type: string }, channel: Channel) => {
    if (message.type === 'want') channel.send({ type: 'have', start: 0 });
    if (message.type === 'request') channel.send(data);
  };

const attacks: Record<ReplicationLimit, [Partial<Limits>, Attack, Attack, string]> = {
  requests: [{ requests: 50 }, (limits) => asks(limits, 50), (limits) => asks(limits, 300), 'request-flood'],
  refusals: [
    { refusals: 70 },
    (limits) => endOf(boasting(70), { limits }),
    (limits) => endOf(boasting(2 ** 40), { limits }),
    'refusal-flood',
  ],
  feedBlocks: [
    { feedBlocks: 1024 },
    (limits) => endOf(sendsOnce(signedAs(1024, 5000)), { limits }),
    (limits) => endOf(sendsOnce(signedAs(2048, 5000)), { limits }),
    'feed-too-long',
  ],
  feedBytes: [
    { feedBytes: 5000 },
    (limits) => endOf(sendsOnce(signedAs(16, 5000)), { limits }),
    (limits) => endOf(sendsOnce(signedAs(16, 5001)), { limits }),
    'feed-too-long',
  ],
};

/** Asks for many blocks at once, and reads nothing meanwhile. */
async function asks(limits: Partial<Limits>, count: number): Promise<unknown> {
  const { replication, transport } = await deaf({ limits });
  transport.allow(0);
  transport.arrive(...Array.from({ length: count }, (_, i) => say(0, { type: 'request', index: i % 40 })));
  await settle();
  const reason = (await outcome(replication.closed)) as { error?: { code: string } } | 'pending';
  replication.abort();
  return reason === 'pending' ? 'held' : reason.error?.code;
}

/** A whole copy, and a peer on a transport that the test holds. */
async function deaf(options: Partial<ReplicateOptions> = {}) {
  const feed = await Feed.create(memoryStorage(), { keyPair });
  await feed.append(blocks);
  const transport = new ScriptedTransport();
  const clock = new FakeClock();
  const replicating = replicate(transport, { feeds: feed, live: true, encrypted: false, clock, ...options });
  transport.arrive(opens(0, feed.discoveryKey), say(0, { type: 'handshake', id: Uint8Array.of(1) }));
  return { feed, transport, clock, replication: await replicating };
}

describe('every limit of replication has its attacker', () => {
  it.each(Object.entries(attacks))('%s', async (_, [limits, within, beyond, code]) => {
    expect(await within(limits)).toBe('held');
    expect(await beyond(limits)).toBe(code);
  });

  it('and none is forgotten', () => {
    expect(Object.keys(attacks)).toEqual([...replicationLimits]);
  });
});

describe('a peer that announces what is not there', () => {
  it('and refuses it is asked no more than the limit, whatever it brings in between', async () => {
    const feed = await copy();
    const peer = await scriptedPeer(
      feed,
      boasting(2 ** 40, (index) => index % 20 === 0 && index < 40),
    );
    expect(await peer.replication.closed).toMatchObject({ error: { code: 'refusal-flood' } });
    const requests = peer.received.filter(({ type }) => type === 'request').length;
    expect(requests).toBeGreaterThan(1024);
    expect(requests).toBeLessThan(1024 + 40 + 64 + 64);
    expect(feed.count()).toBe(2);
    // What it was asked for is free for others.
    const good = await scriptedPeer(feed, answering(truth));
    await feed.download({ start: 0, end: 40 }).done;
    await good.replication.close();
  });

  it('and refuses a byte again and again is found out too', async () => {
    const feed = await copy(true);
    const script: Script = (message, channel) => {
      if (message.type === 'want') channel.send({ type: 'have', start: 0 });
      if (message.type !== 'request') return;
      channel.send({ type: 'unhave', start: message.index });
      channel.send({ type: 'have', start: 0 });
    };
    const peer = await scriptedPeer(feed, async (message, channel) => {
      if (message.type === 'request' && feed.length === 0) return answering(truth)(message, channel);
      return script(message, channel);
    });
    await feed.get(0);
    const seeking = feed.seek(900);
    seeking.catch(() => {});
    expect(await peer.replication.closed).toMatchObject({ error: { code: 'refusal-flood' } });
    await feed.close();
  });

  it('and is honest but for that is not dropped: it cleared its copy meanwhile', async () => {
    const feed = await copy();
    let cleared = false;
    const peer = await scriptedPeer(feed, async (message, channel) => {
      if (message.type === 'request') cleared = true;
      if (message.type === 'request' && message.index < 30)
        channel.send({ type: 'unhave', start: message.index });
      else await answering(truth)(message, channel);
    });
    await until(() => feed.count() === 10);
    expect(cleared).toBe(true);
    expect(await outcome(peer.replication.closed)).toBe('pending');
    await peer.replication.close();
  });
});

describe('a writer that signs what no reader could keep', () => {
  it('is refused with a message that says which limit, and nothing is written', async () => {
    const storage = memoryStorage();
    const feed = await Feed.open(storage, { key: truth.key });
    const { replication } = await scriptedPeer(feed, sendsOnce(signedAs(2 ** 40, 2 ** 50)));
    const reason = await replication.closed;
    expect(reason).toMatchObject({ error: { code: 'feed-too-long', block: 0 } });
    expect((reason as { error: Error }).error.message).toMatch(/limits\.feedBlocks/);
    expect([feed.length, storage.file('bitfield').size(), storage.file('signatures').size()]).toEqual([
      0, 0, 0,
    ]);
    // The feed itself goes on: what the writer signed before is still worth having.
    const good = await scriptedPeer(feed, answering(truth));
    expect(await feed.get(3)).toEqual(blocks[3]);
    await good.replication.close();
  });
});

describe('a peer that owes an answer', () => {
  /** Sends something else every half a second. */
  async function chatting(chat: (channel: Channel, i: number) => void): Promise<number> {
    const clock = new FakeClock();
    const feed = await copy();
    const { replication, session, channel } = await scriptedPeer(
      feed,
      answering(truth, () => undefined),
      { clock, extensions: ['chat'] },
      { extensions: ['chat'] },
    );
    await settle();
    let ended = -1;
    void replication.closed.then(() => {
      ended = clock.now();
    });
    for (let i = 0; i < 400 && ended < 0; i++) {
      chat(channel, i);
      await clock.advance(500);
    }
    expect(await replication.closed).toMatchObject({ error: { code: 'timeout' } });
    session.abort();
    expect(clock.pending).toBe(0);
    return ended;
  }

  it('is not given more time for whatever else it sends', async () => {
    const large = new Uint8Array(100_000);
    expect(await chatting(() => {})).toBeLessThanOrEqual(8000);
    expect(
      await chatting((channel) => channel.send({ type: 'extension', name: 'chat', payload: large })),
    ).toBeLessThanOrEqual(16_000);
    expect(
      await chatting((channel, i) => channel.send({ type: 'have', start: 8192 * i, length: 1 })),
    ).toBeLessThanOrEqual(16_000);
  });
});

describe('what one peer makes us keep', () => {
  it('is little, whatever it announces', async () => {
    const feed = await copy(true);
    const peer = await scriptedPeer(feed, () => {});
    const { bytes } = await growth(async () => {
      const { channel } = peer;
      for (let i = 0; i < 2000; i++) {
        channel.send({ type: 'have', start: i * 7, length: MAX - 20_000 });
        channel.send({ type: 'unhave', start: i, length: MAX - 20_000 });
        channel.send({
          type: 'have',
          start: 0,
          length: 1_048_576,
          bitfield: encodeRle(new Uint8Array(131_072).fill(255)),
        });
        channel.send({ type: 'want', start: 8192 * (i % 900), length: 2 ** 40 });
        channel.send({ type: 'cancel', index: i });
        channel.send({ type: 'info', uploading: i % 2 === 0, downloading: true });
        if (i % 50 === 0) await settle();
      }
      await settle();
    });
    expect(await outcome(peer.replication.closed)).toBe('pending');
    expect(bytes).toBeLessThan(LITTLE);
    await peer.replication.close();
  });

  it('is little although it reads nothing, while much is to be told', async () => {
    const { feed, transport, replication, clock } = await deaf();
    transport.arrive(say(0, { type: 'want', start: 0, length: 1_048_576 }));
    await settle();
    transport.allow(0);
    const { bytes } = await growth(async () => {
      for (let i = 0; i < 20_000; i++) {
        // Blocks that touch none that was told of.
        feed.peers[0]!.announce(2 * i, 1);
        if (i % 1000 === 0) {
          transport.arrive(new Uint8Array(1));
          await clock.advance(1000);
        }
      }
    });
    expect(bytes).toBeLessThan(1_048_576);
    transport.allow(Number.POSITIVE_INFINITY);
    await settle();
    const told = transport.packets.filter(({ message }) => message.type === 'have');
    // It hears of all: by the bits, where single blocks were too many to keep.
    expect(told.length).toBeLessThan(1100);
    expect(told.slice(2).map(({ message }) => message)).toContainEqual(
      expect.objectContaining({ start: 0, length: 524_288, bitfield: expect.anything() }),
    );
    expect(told.at(-1)!.message).toMatchObject({ start: 39_998, length: 1 });
    replication.abort();
    await feed.close();
  });
});
