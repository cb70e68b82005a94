/** One feed and several peers: the work is shared, and whoever fails leaves it to the others. */
import { describe, expect, it } from 'vitest';
import { Feed, type FeedEvent, memoryStorage, ProtocolError, type Transport } from '../../src/index.ts';
import type { Data } from '../../src/wire/messages.ts';
import { FakeClock } from '../fake-clock.ts';
import { blocksOf } from '../interop/blocks.ts';
import { answering, pair, type Script, scriptedPeer, truthOf, until } from './scripted-peer.ts';

const blocks = blocksOf(300, 200);
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

async function expectAll(feed: Feed): Promise<void> {
  expect(feed.length).toBe(blocks.length);
  for (const [i, block] of blocks.entries()) expect(await feed.get(i, { wait: false })).toEqual(block);
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

describe('several peers', () => {
  it('share the work, and no block is asked of two', async () => {
    const [one, two] = [await copy(), await copy()];
    const uploads = [0, 0];
    one.subscribe((event) => event.type === 'upload' && uploads[0]!++);
    two.subscribe((event) => event.type === 'upload' && uploads[1]!++);
    const reader = await reading();
    const done = [...(await pair(one, reader)), ...(await pair(two, reader))];
    await reader.download({ start: 0, end: blocks.length }).done;
    await expectAll(reader);
    expect(uploads[0]! + uploads[1]!).toBe(blocks.length);
    expect(Math.min(...uploads)).toBeGreaterThan(0);
    await Promise.all(done.map((replication) => replication.close()));
  });

  it('that have a half each make a whole, and all end', async () => {
    const [evens, odds] = [await reading(true), await reading(true)];
    for (const [feed, parity] of [
      [evens, 0],
      [odds, 1],
    ] as const) {
      const { replication } = await scriptedPeer(feed, answering(truth));
      await Promise.all(blocks.map((_, i) => (i % 2 === parity ? feed.get(i) : undefined)));
      await replication.close();
    }
    const reader = await reading();
    const done = [...(await pair(evens, reader, false)), ...(await pair(odds, reader, false))];
    await reader.download().done;
    await expectAll(reader);
    // The two sparse ones never want anything, so our side's end is theirs.
    await Promise.all(done.map((replication) => replication.close()));
  });

  it('one that comes late takes its part, and one that leaves loses nothing', async () => {
    const reader = await reading();
    let answered = 0;
    const leaving = await scriptedPeer(
      reader,
      answering(truth, (data) => (++answered <= 20 ? data : undefined)),
    );
    const all = reader.download({ start: 0, end: blocks.length });
    await until(() => reader.count() === 20);
    const late = await copy();
    const uploads = new Set<number>();
    late.subscribe((event) => event.type === 'upload' && uploads.add(event.index));
    const joined = await pair(late, reader);
    await until(() => uploads.size > 0);
    leaving.session.abort();
    await all.done;
    await expectAll(reader);
    expect(uploads.size).toBe(blocks.length - 20);
    expect(await leaving.replication.closed).toMatchObject({ code: 'failed' });
    await Promise.all(joined.map((replication) => replication.close()));
  });
});

describe('a peer that lies', () => {
  const lies: [string, (data: Data) => Data][] = [
    ['a byte', (data) => ({ ...data, value: flipped(data.value!) })],
    ['the block of another', (data) => ({ ...data, value: blocks[(data.index + 1) % 300]! })],
    [
      'a hash',
      (data) => ({ ...data, nodes: data.nodes.map((node) => ({ ...node, hash: flipped(node.hash) })) }),
    ],
    ['a size', (data) => ({ ...data, nodes: data.nodes.map((node) => ({ ...node, size: node.size + 1 })) })],
    ['the signature', (data) => ({ ...data, signature: flipped(data.signature ?? new Uint8Array(64)) })],
    ['the order of the proof', (data) => ({ ...data, nodes: [...data.nodes].reverse() })],
    ['no proof at all', (data) => ({ ...data, nodes: [], signature: undefined })],
  ];

  it.each(lies)('about %s is named and dropped, and another delivers', async (_, lie) => {
    const reader = await reading();
    const rejected: (FeedEvent & { type: 'rejected' })[] = [];
    reader.subscribe((event) => event.type === 'rejected' && rejected.push(event));
    const liar = await scriptedPeer(
      reader,
      answering(truth, (data) => (data.index === 0 ? lie(data) : data)),
    );
    const reason = await liar.replication.closed;
    expect(reason).toMatchObject({ code: 'failed', error: { code: 'verification', block: 0 } });
    const { error } = reason as { error: ProtocolError };
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.peer).toBe(Buffer.from(liar.session.id).toString('hex'));
    expect(error.message).toContain(`peer ${error.peer!.slice(0, 16)}: Block 0 is not proven`);
    expect(rejected.map(({ block }) => block)).toEqual([0]);
    expect(reader.has(0)).toBe(false);
    const good = await scriptedPeer(reader, answering(truth));
    await reader.download({ start: 0, end: blocks.length }).done;
    await expectAll(reader);
    await good.replication.close();
  });

  it('of two histories is told apart as a fork', async () => {
    const other = await truthOf([...blocks.slice(0, 299), new Uint8Array(5)]);
    expect(other.key).toEqual(truth.key);
    const reader = await reading(true);
    const good = await scriptedPeer(reader, answering(truth));
    expect(await reader.get(0)).toEqual(blocks[0]);
    const forked = await scriptedPeer(reader, async (message, channel) => {
      if (message.type === 'request') channel.send((await other.answer({ ...message, nodes: 0 }))!);
      else await answering(other)(message, channel);
    });
    await good.replication.close();
    const missing = reader.get(299);
    missing.catch(() => {});
    expect(await forked.replication.closed).toMatchObject({ error: { code: 'fork', block: 299 } });
    expect(reader.has(299)).toBe(false);
    await expect(missing).rejects.toThrow('signed two histories');
    await reader.close();
  });
});

describe('a peer that stalls', () => {
  const stalls: [string, Script][] = [
    ['answers no request', answering(truth, () => undefined)],
    ['answers ten requests', answering(truth, (data) => (data.index < 10 ? data : undefined))],
  ];

  it.each(stalls)('and %s leaves its blocks to another, and is dropped', async (_, script) => {
    const clock = new FakeClock();
    const reader = await reading();
    const staller = await scriptedPeer(reader, script, { clock });
    await until(() => staller.received.filter(({ type }) => type === 'request').length >= 64);
    const good = await scriptedPeer(reader, answering(truth), { clock });
    const all = reader.download({ start: 0, end: blocks.length });
    await clock.advance(3000);
    await all.done;
    await expectAll(reader);
    expect(reader.peers.length).toBe(2);
    await clock.advance(5000);
    const reason = await staller.replication.closed;
    expect(reason).toMatchObject({ code: 'failed', error: { code: 'timeout' } });
    expect((reason as { error: Error }).error.message).toMatch(
      /did not answer the request for block \d+ within 7.5 s/,
    );
    expect(reader.peers.length).toBe(1);
    await good.replication.close();
    expect(clock.pending).toBe(0);
  });

  it('and says nothing to a Want holds nobody up', async () => {
    const clock = new FakeClock();
    const reader = await reading();
    const silent = await scriptedPeer(reader, () => {}, { clock });
    const good = await scriptedPeer(reader, answering(truth), { clock });
    const all = reader.download();
    await until(() => reader.count() === blocks.length);
    await clock.advance(8000);
    await all.done;
    await expectAll(reader);
    await Promise.all([silent.replication.close(), good.replication.close()]);
    expect(clock.pending).toBe(0);
  });

  it('and says that it has blocks past the end is dropped, and the end is the end', async () => {
    const clock = new FakeClock();
    const reader = await reading();
    const boaster = await scriptedPeer(
      reader,
      async (message, channel) => {
        await answering(truth)(message, channel);
        if (message.type === 'want') channel.send({ type: 'have', start: blocks.length, length: 1000 });
      },
      { clock },
    );
    const all = reader.download();
    await until(() => reader.count() === blocks.length);
    await clock.advance(8000);
    expect(await boaster.replication.closed).toMatchObject({ error: { code: 'timeout' } });
    const good = await scriptedPeer(reader, answering(truth), { clock });
    await all.done;
    expect(reader.remoteLength).toBe(blocks.length);
    await good.replication.close();
    expect(clock.pending).toBe(0);
  });
});

describe('a slow peer', () => {
  /** A line that passes on at most 1000 bytes in half a second. */
  const slowLine =
    (clock: FakeClock) =>
    (transport: Transport): Transport => ({
      ...transport,
      source: (async function* () {
        for await (const chunk of transport.source) {
          for (let at = 0; at < chunk.byteLength; at += 1000) {
            if (at > 0) await new Promise<void>((resolve) => void clock.after(500, resolve));
            yield chunk.slice(at, at + 1000);
          }
        }
      })(),
    });

  it('on whose line one block takes longer than the deadline delivers it', async () => {
    const clock = new FakeClock();
    const large = await truthOf([new Uint8Array(60_000).fill(7)], 2);
    const reader = await Feed.open(memoryStorage(), { key: large.key, sparse: true });
    const slow = await scriptedPeer(reader, answering(large), { clock }, {}, slowLine(clock));
    const block = reader.get(0);
    await clock.advance(20_000);
    expect(reader.peers.length).toBe(1);
    expect(reader.has(0)).toBe(false);
    await clock.advance(12_000);
    expect(reader.has(0)).toBe(true);
    expect(await block).toEqual(new Uint8Array(60_000).fill(7));
    // Not asked for a second time while it is being stored.
    expect(slow.received.filter(({ type }) => type === 'request').length).toBe(1);
    slow.replication.abort();
  });

  it('is asked for no block twice once it answers', async () => {
    const clock = new FakeClock();
    const many = await truthOf(
      Array.from({ length: 100 }, (_, i) => new Uint8Array(10).fill(i)),
      2,
    );
    const reader = await Feed.open(memoryStorage(), { key: many.key });
    /** Its first answer takes longer than one may before its sender counts as slow, and then a few come at a time. */
    const late = (transport: Transport): Transport => ({
      ...transport,
      source: (async function* () {
        let isFirst = true;
        for await (const chunk of transport.source) {
          for (let at = 0; at < chunk.byteLength; at += 1000) {
            // A Have is smaller than that, and answers are not.
            if (chunk.byteLength > 1000) {
              await new Promise<void>((resolve) => void clock.after(isFirst ? 3000 : 500, resolve));
              isFirst = false;
            }
            yield chunk.slice(at, at + 1000);
          }
        }
      })(),
    });
    const slow = await scriptedPeer(reader, answering(many), { clock }, {}, late);
    await clock.advance(60_000);
    expect(reader.count()).toBe(100);
    const asked = slow.received.flatMap((one) => (one.type === 'request' ? [one.index] : []));
    expect(asked.length).toBe(new Set(asked).size);
    slow.replication.abort();
  });

  it('leaves its block to another all the same', async () => {
    const clock = new FakeClock();
    const large = await truthOf([new Uint8Array(60_000).fill(7)], 2);
    const reader = await Feed.open(memoryStorage(), { key: large.key, sparse: true });
    const slow = await scriptedPeer(reader, answering(large), { clock }, {}, slowLine(clock));
    const block = reader.get(0);
    await clock.advance(1000);
    const fast = await scriptedPeer(reader, answering(large), { clock });
    await clock.advance(3000);
    await block;
    expect(fast.received.filter(({ type }) => type === 'request').length).toBe(1);
    slow.replication.abort();
    await fast.replication.close();
  });

  it('that answers a Want late is asked for blocks', async () => {
    const clock = new FakeClock();
    const reader = await reading(true);
    const script = answering(truth);
    const late = await scriptedPeer(
      reader,
      (message, channel) => {
        if (message.type === 'want') clock.after(4000, () => void script(message, channel));
        else return script(message, channel);
      },
      { clock },
    );
    const block = reader.get(5);
    await clock.advance(5000);
    expect(await block).toEqual(blocks[5]);
    await late.replication.close();
  });

  it('that says late that it has not one block is asked for others', async () => {
    const clock = new FakeClock();
    const reader = await reading(true);
    const script = answering(truth);
    const late = await scriptedPeer(
      reader,
      (message, channel) => {
        if (message.type !== 'request' || message.index !== 5) return script(message, channel);
        clock.after(4000, () => channel.send({ type: 'unhave', start: 5 }));
      },
      { clock },
    );
    const missing = reader.get(5);
    missing.catch(() => {});
    await clock.advance(5000);
    const other = reader.get(6);
    await clock.advance(1000);
    expect(await other).toEqual(blocks[6]);
    await late.replication.close();
    await reader.close();
  });
});

describe('a peer that has changed its mind', () => {
  it('answers Unhave, and the block comes from another', async () => {
    const reader = await reading(true);
    const without = await scriptedPeer(reader, async (message, channel) => {
      if (message.type === 'request') channel.send({ type: 'unhave', start: message.index });
      else await answering(truth)(message, channel);
    });
    const block = reader.get(5);
    await until(() => without.received.some(({ type }) => type === 'request'));
    await until(() => reader.peers[0]!.remoteHas(5) === false);
    const good = await scriptedPeer(reader, answering(truth));
    expect(await block).toEqual(blocks[5]);
    expect(without.received.filter(({ type }) => type === 'request').length).toBe(1);
    await Promise.all([without.replication.close(), good.replication.close()]);
  });
});
