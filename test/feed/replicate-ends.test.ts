import { equals } from 'uint8arrays/equals';
import { describe, expect, it } from 'vitest';
import {
  Feed,
  type FeedLookup,
  memoryPair,
  memoryStorage,
  replicate,
  type Transport,
} from '../../src/index.ts';
import { deferred } from '../../src/stream/deferred.ts';
import { settle } from '../fake-clock.ts';
import { outcome } from '../session/peers.ts';

const block = (name: string): Uint8Array => new TextEncoder().encode(name);

async function written(...names: string[]): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(names.map(block));
  return feed;
}

const copyOf = (feed: Feed): Promise<Feed> => Feed.open(memoryStorage(), { key: feed.key });

describe('replicate', () => {
  it('takes any iterable of feeds', async () => {
    const [one, two] = [await written('a'), await written('b')];
    const copies = new Map([
      ['one', await copyOf(one)],
      ['two', await copyOf(two)],
    ]);
    const [here, there] = memoryPair();
    const [served] = await Promise.all([
      replicate(here, { feeds: new Set([one, two]) }),
      replicate(there, { feeds: copies.values() }),
    ]);
    expect(await served.closed).toMatchObject({ code: expect.stringMatching(/closed$/) });
    expect([...copies.values()].map((copy) => copy.length)).toEqual([1, 1]);
  });

  it('looks each feed up once', async () => {
    const feed = await written('a');
    const copy = await copyOf(feed);
    let lookups = 0;
    const [here, there] = memoryPair();
    const [served] = await Promise.all([
      replicate(here, {
        feeds: async () => {
          lookups++;
          return feed;
        },
      }),
      replicate(there, { feeds: copy }),
    ]);
    await served.closed;
    expect([lookups, copy.length]).toEqual([1, 1]);
  });

  it('closes in order although a feed that it looks up is found only then', async () => {
    const [one, two] = [await written('a'), await written('b')];
    const [copyOne, copyTwo] = [await copyOf(one), await copyOf(two)];
    let find: (feed: Feed) => void = () => {};
    const found = new Promise<Feed>((resolve) => {
      find = resolve;
    });
    const feeds: FeedLookup = (name) => (equals(name, one.discoveryKey) ? one : found);
    const [here, there] = memoryPair();
    const [served, asking] = await Promise.all([
      replicate(here, { feeds, live: true }),
      replicate(there, { feeds: [copyOne, copyTwo], live: true }),
    ]);
    // The app has opened it by itself.
    await served.session.open(two.key).opened;
    const closed = served.close();
    find(two);
    expect(await Promise.all([closed, asking.closed])).toEqual([
      { code: 'closed' },
      { code: 'remote-closed' },
    ]);
  });

  it('leaves nothing open where it cannot begin', async () => {
    const feed = await written('a');
    await feed.close();
    const [here, there] = memoryPair();
    const other = replicate(there, { feeds: await Feed.open(memoryStorage(), { key: feed.key }) });
    await expect(replicate(here, { feeds: feed })).rejects.toThrow('the feed was closed');
    const outcome = await other.then(
      (replication) => replication.closed,
      (error) => ({ code: 'failed', error }),
    );
    expect(outcome).toMatchObject({ code: 'failed' });
    const [nobody, nowhere] = memoryPair();
    await expect(replicate(nobody, { feeds: [] })).rejects.toThrow(RangeError);
    const twice = await written('a');
    await expect(replicate(memoryPair()[0], { feeds: [twice, twice] })).rejects.toThrow(
      /^"feeds" expected each feed once, got two with the key /,
    );
    await expect(nowhere.source[Symbol.asyncIterator]().next()).rejects.toThrow();
  });

  it('goes on with the other feeds when one is closed', async () => {
    const [one, two] = [await written('a'), await written('b')];
    const [copyOne, copyTwo] = [await copyOf(one), await copyOf(two)];
    const [here, there] = memoryPair();
    const [served] = await Promise.all([
      replicate(here, { feeds: [one, two], live: true }),
      replicate(there, { feeds: [copyOne, copyTwo], live: true }),
    ]);
    await Promise.all([copyOne.get(0), copyTwo.get(0)]);
    await copyOne.close();
    await two.append(block('c'));
    expect(await copyTwo.get(1)).toEqual(block('c'));
    await copyTwo.close();
    expect(await served.closed).toEqual({ code: 'remote-closed' });
  });
});

describe('closing one of two feeds', () => {
  it('leaves the session alone, also where answers for it wait', async () => {
    const one = await Feed.create(memoryStorage());
    await one.append(Array.from({ length: 40 }, () => new Uint8Array(60_000)));
    const two = await written('b');
    const [copyOne, copyTwo] = [
      await Feed.open(memoryStorage(), { key: one.key, sparse: true }),
      await copyOf(two),
    ];
    const [here, there] = memoryPair();
    const open = deferred<void>();
    const gated: Transport = {
      ...there,
      source: (async function* () {
        let count = 0;
        for await (const chunk of there.source) {
          yield chunk;
          if (copyTwo.has(0) && ++count > 1) await open.promise;
        }
      })(),
    };
    const [served] = await Promise.all([
      replicate(here, { feeds: [one, two], live: true }),
      replicate(gated, { feeds: [copyOne, copyTwo], live: true }),
    ]);
    await copyTwo.get(0);
    const wanted = Promise.allSettled(Array.from({ length: 40 }, (_, i) => copyOne.get(i)));
    while (one.peers[0]!.uploaded === 0) await settle();
    await one.close();
    open.resolve();
    await two.append(block('c'));
    expect(await copyTwo.get(1)).toEqual(block('c'));
    await copyOne.close();
    expect((await wanted).some(({ status }) => status === 'rejected')).toBe(true);
    await copyTwo.close();
    expect(await served.closed).toEqual({ code: 'remote-closed' });
  });
});

describe('reading', () => {
  it('of a feed that was closed is refused', async () => {
    const feed = await written('a');
    await feed.close();
    await expect(feed.read().next()).rejects.toThrow('the feed was closed');
  });

  it('ends where a peer that told of more has left', async () => {
    const feed = await written('a', 'b');
    const copy = await copyOf(feed);
    const [here, there] = memoryPair();
    const [, taken] = await Promise.all([
      replicate(here, { feeds: feed }),
      replicate(there, { feeds: copy }),
    ]);
    await taken.closed;
    const read: Uint8Array[] = [];
    for await (const value of copy.read()) read.push(value);
    expect(read).toEqual([block('a'), block('b')]);
  });

  it('of what was cleared says so', async () => {
    const feed = await written('a', 'b');
    await feed.clear(1);
    const reading = feed.read();
    expect((await reading.next()).value).toEqual(block('a'));
    await expect(reading.next()).rejects.toThrow('block 1 was cleared');
  });

  it('of a cancelled download is told', async () => {
    const copy = await copyOf(await written('a'));
    const download = copy.download();
    download.cancel();
    await expect(download.done).rejects.toThrow('cancelled');
  });
});

describe('a function that finds feeds', () => {
  it.each<[string, (feed: Feed) => FeedLookup]>([
    ['at once', (feed) => () => feed],
    ['later', (feed) => async () => feed],
  ])('and gives another one than was asked for has none: %s', async (_, found) => {
    const feed = await Feed.create(memoryStorage());
    const other = await Feed.open(memoryStorage(), { key: new Uint8Array(32).fill(7) });
    const [here, there] = memoryPair();
    const ends = [replicate(here, { feeds: found(feed) }), replicate(there, { feeds: other })];
    const [served, dialed] = await Promise.all(ends.map((end) => outcome(end)));
    expect(served).toMatchObject({ code: 'unknown-feed', message: expect.stringContaining('does not have') });
    expect(dialed).toMatchObject({ code: 'refused', message: expect.stringMatching(/: check the key$/) });
  });

  it('joins what was asked for and nothing else', async () => {
    const feed = await Feed.create(memoryStorage());
    await feed.append(Uint8Array.of(1));
    const copy = await Feed.open(memoryStorage(), { key: feed.key });
    const other = await Feed.open(memoryStorage(), { key: new Uint8Array(32).fill(7) });
    const [here, there] = memoryPair();
    const [served] = await Promise.all([
      replicate(here, { feeds: () => feed, live: true }),
      replicate(there, { feeds: [copy, other], live: true }),
    ]);
    await copy.get(0);
    expect([...served.peers]).toHaveLength(1);
    served.abort();
  });

  it('and gives something else is told', async () => {
    const other = await Feed.open(memoryStorage(), { key: new Uint8Array(32).fill(7) });
    const [here, there] = memoryPair();
    const served = replicate(here, { feeds: (() => 'feed') as unknown as FeedLookup });
    const dialed = outcome(replicate(there, { feeds: other }));
    expect(String(await outcome(served))).toMatch(/TypeError: "feeds" expected .* got string "feed"/);
    await dialed;
  });
});
