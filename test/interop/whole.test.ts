/** Whole feeds to and from hypercore 7, over TCP, until both sides have ended. */
import { describe, expect, it } from 'vitest';
import { type ChannelMessage, connect, Feed, memoryStorage, replicate } from '../../src/index.ts';
import { blocksOf } from './blocks.ts';
import { append, event, get, type Hypercore, openHypercore, run, tcp } from './hypercore.ts';

const blocks = blocksOf(120, 3000);

async function written(from: readonly Uint8Array[]): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(from);
  return feed;
}

async function theirs(from: readonly Uint8Array[]): Promise<Hypercore> {
  const feed = await openHypercore();
  if (from.length > 0) await append(feed, from);
  return feed;
}

async function expectAll(feed: Feed, expected: readonly Uint8Array[]): Promise<void> {
  expect(feed.length).toBe(expected.length);
  for (const [i, block] of expected.entries()) expect(await feed.get(i, { wait: false })).toEqual(block);
}

async function expectAllTheirs(feed: Hypercore, expected: readonly Uint8Array[]): Promise<void> {
  expect(feed.length).toBe(expected.length);
  for (const [i, block] of expected.entries()) expect(new Uint8Array(await get(feed, i))).toEqual(block);
}

describe.each(['ours', 'theirs'] as const)('a whole feed, where %s dials', (dialer) => {
  it.each([true, false])('comes from hypercore, encrypted: %s', async (encrypted) => {
    const writer = await theirs(blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp(dialer);
    const ended = run(socket, writer.replicate({ encrypt: encrypted }));
    const { closed } = await replicate(transport, { feeds: reader, encrypted });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    await expectAll(reader, blocks);
  });

  it.each([true, false])('goes to hypercore, encrypted: %s', async (encrypted) => {
    const writer = await written(blocks);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp(dialer);
    const ended = run(socket, reader.replicate({ encrypt: encrypted }));
    const { closed } = await replicate(transport, { feeds: writer, encrypted });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    await expectAllTheirs(reader, blocks);
  });
});

const indexOf = (message: ChannelMessage): number => ('index' in message ? message.index : -1);

describe('a Request that may be answered as one of a batch', () => {
  it('is to hypercore one like any other', async () => {
    const writer = await theirs(blocks);
    const [transport, socket] = await tcp();
    void run(socket, writer.replicate({ live: true }));
    const session = await connect(transport, { key: writer.key, live: true });
    const channel = session.open(writer.key);
    const answers: ChannelMessage[] = [];
    channel.receive((batch) => {
      answers.push(...batch.filter(({ type }) => type === 'data'));
      if (answers.length === 4) void session.close();
    });
    for (const index of [4, 5]) {
      channel.send({ type: 'request', index, nodes: 0 });
      channel.send({ type: 'request', index, nodes: 0, batched: true });
    }
    await session.closed;
    // hypercore answers in whatever order its reads end.
    const [four, fourBatched, five, fiveBatched] = answers.sort((a, b) => indexOf(a) - indexOf(b));
    expect(fourBatched).toEqual(four);
    expect(fiveBatched).toEqual(five);
    expect([four, five].map((answer) => indexOf(answer!))).toEqual([4, 5]);
    expect(five).toHaveProperty('signature.byteLength', 64);
  });
});

describe('an empty feed', () => {
  it('of hypercore ends on both sides', async () => {
    const writer = await theirs([]);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({}));
    const { closed } = await replicate(transport, { feeds: reader });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    expect(reader.length).toBe(0);
  });

  it('of ours ends on both sides', async () => {
    const writer = await written([]);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, reader.replicate({}));
    const { closed } = await replicate(transport, { feeds: writer });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
  });
});

describe('a copy', () => {
  it('that is complete already ends on both sides', async () => {
    const writer = await theirs(blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    for (let round = 0; round < 2; round++) {
      const downloads: number[] = [];
      const stop = reader.subscribe((e) => e.type === 'download' && downloads.push(e.index));
      const [transport, socket] = await tcp();
      const ended = run(socket, writer.replicate({}));
      const { closed } = await replicate(transport, { feeds: reader });
      expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
      expect(await ended).toBeUndefined();
      expect(downloads.length).toBe(round === 0 ? blocks.length : 0);
      stop();
    }
  });

  it('is passed on to hypercore by us, and by hypercore to us', async () => {
    const writer = await theirs(blocks);
    const ours = await Feed.open(memoryStorage(), { key: writer.key });
    const second = await openHypercore({ key: writer.key });
    const third = await Feed.open(memoryStorage(), { key: writer.key });
    for (const [feed, other] of [
      [ours, writer],
      [ours, second],
      [third, second],
    ] as const) {
      const [transport, socket] = await tcp();
      const ended = run(socket, other.replicate({}));
      const { closed } = await replicate(transport, { feeds: feed });
      expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
      expect(await ended).toBeUndefined();
    }
    await expectAllTheirs(second, blocks);
    await expectAll(third, blocks);
  });
});

describe('live against not live', () => {
  it('our reader, not live, ends when it has all of a live hypercore', async () => {
    const writer = await theirs(blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({ live: true }));
    const { closed } = await replicate(transport, { feeds: reader });
    expect(await closed).toEqual({ code: 'closed' });
    await ended;
    await expectAll(reader, blocks);
  });

  it('our live reader stays when a hypercore that is not live has sent all', async () => {
    const writer = await theirs(blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({}));
    const replication = await replicate(transport, { feeds: reader, live: true });
    await reader.download().done;
    await expectAll(reader, blocks);
    await append(writer, blocks.slice(0, 1));
    expect(await reader.get(blocks.length)).toEqual(blocks[0]);
    await replication.close();
    expect(await ended).toBeUndefined();
  });

  it('our live writer stays when a hypercore that is not live has all', async () => {
    const writer = await written(blocks);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp();
    const stream = reader.replicate({});
    const ended = run(socket, stream);
    const synced = event(reader, 'sync');
    const replication = await replicate(transport, { feeds: writer, live: true });
    await synced;
    await expectAllTheirs(reader, blocks);
    await replication.close();
    expect(await ended).toBeUndefined();
  });

  it('our writer, not live, serves a live hypercore for as long as that stays', async () => {
    const writer = await written(blocks);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp();
    const stream = reader.replicate({ live: true });
    const ended = run(socket, stream);
    const synced = event(reader, 'sync');
    const { closed } = await replicate(transport, { feeds: writer });
    await synced;
    await expectAllTheirs(reader, blocks);
    await writer.append(blocks.slice(0, 1));
    expect(new Uint8Array(await get(reader, blocks.length))).toEqual(blocks[0]);
    stream.destroy();
    await ended;
    expect(await closed).toMatchObject({ code: expect.stringMatching(/closed|failed/) });
  });
});
