/** What one connection with hypercore 7 carries beside blocks: other feeds, acks and extensions. */
import { describe, expect, it } from 'vitest';
import { Feed, type FeedEvent, memoryStorage, replicate } from '../../src/index.ts';
import { blocksOf, text } from './blocks.ts';
import { append, event, get, type Hypercore, openHypercore, run, tcp } from './hypercore.ts';

const blocks = blocksOf(20, 50);

async function hypercoreWriter(options: { extensions?: string[] } = {}): Promise<Hypercore> {
  const feed = await openHypercore(options);
  await append(feed, blocks);
  return feed;
}

async function ourWriter(): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(blocks);
  return feed;
}

/** Resolves with the next event of a type. */
function next<T extends FeedEvent['type']>(feed: Feed, type: T): Promise<FeedEvent & { type: T }> {
  return new Promise((resolve) => {
    const stop = feed.subscribe((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event as FeedEvent & { type: T });
    });
  });
}

describe('two feeds on one connection', () => {
  it.each([false, true])('both come from hypercore; it opens the second late: %s', async (isLate) => {
    const [a, b] = [await hypercoreWriter(), await hypercoreWriter()];
    const [ours, others] = [
      await Feed.open(memoryStorage(), { key: a.key }),
      await Feed.open(memoryStorage(), { key: b.key }),
    ];
    const [transport, socket] = await tcp();
    const stream = a.replicate({ expectedFeeds: 2 });
    const ended = run(socket, stream);
    const open = (): void => void b.replicate({ stream });
    if (isLate)
      (stream as NodeJS.EventEmitter).on('feed', (dk: Buffer) => dk.equals(others.discoveryKey) && open());
    else open();
    const { closed } = await replicate(transport, { feeds: [ours, others] });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    expect([ours.count(), others.count()]).toEqual([20, 20]);
  });

  it('one goes there and one comes, and a server finds both by what is asked for', async () => {
    const theirs = await hypercoreWriter();
    const ours = await ourWriter();
    const copy = await Feed.open(memoryStorage(), { key: theirs.key });
    const copyThere = await openHypercore({ key: ours.key });
    const feeds = [copy, ours];
    const [transport, socket] = await tcp();
    const stream = theirs.replicate({ expectedFeeds: 2 });
    copyThere.replicate({ stream });
    const ended = run(socket, stream);
    const { closed } = await replicate(transport, {
      feeds: (dk) => feeds.find((feed) => Buffer.compare(feed.discoveryKey, dk) === 0),
    });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    expect(copy.has(0, 20)).toBe(true);
    for (const [i, block] of blocks.entries()) {
      expect(new Uint8Array(await get(copyThere, i))).toEqual(block);
    }
  });
});

describe('ack', () => {
  it('comes from hypercore for every block that it stored', async () => {
    const writer = await ourWriter();
    const reader = await openHypercore({ key: writer.key });
    const acked: number[] = [];
    writer.subscribe((event) => event.type === 'ack' && acked.push(event.index));
    const [transport, socket] = await tcp();
    const ended = run(socket, reader.replicate({}));
    const { closed } = await replicate(transport, { feeds: writer, ack: true });
    await closed;
    expect(await ended).toBeUndefined();
    expect(acked.sort((a, b) => a - b)).toEqual(blocks.map((_, i) => i));
  });

  it('goes to hypercore for every block that we stored', async () => {
    const writer = await hypercoreWriter();
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp();
    const stream = writer.replicate({ ack: true });
    const acked: number[] = [];
    (stream as NodeJS.EventEmitter).on('ack', (have: { start: number }) => acked.push(have.start));
    const ended = run(socket, stream);
    await (await replicate(transport, { feeds: reader })).closed;
    expect(await ended).toBeUndefined();
    expect(acked.sort((a, b) => a - b)).toEqual(blocks.map((_, i) => i));
  });
});

describe('extensions', () => {
  it('go both ways by name, whatever else each side declares', async () => {
    const writer = await hypercoreWriter({ extensions: ['session-data', 'chat', 'a-theirs'] });
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({ live: true }));
    const opened = next(reader, 'peer');
    const replication = await replicate(transport, {
      feeds: reader,
      live: true,
      extensions: ['z-ours', 'chat', 'session-data'],
    });
    const { peer } = await opened;
    const heard = event<[string, Buffer]>(writer, 'extension');
    peer.channel.send({ type: 'extension', name: 'session-data', payload: text('hello') });
    const [name, payload] = await heard;
    expect([name, payload.toString()]).toEqual(['session-data', 'hello']);
    const answer = next(reader, 'extension');
    writer.extension('chat', Buffer.from('and to you'));
    expect(await answer).toMatchObject({ name: 'chat', payload: text('and to you'), peer });
    await replication.close();
    expect(await ended).toBeUndefined();
  });
});
