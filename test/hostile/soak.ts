/**
 * `npm run soak [-- --sessions 1000 --cycles 10000 --minutes 60]`: many sessions at once over real sockets, many that come
 * and go, and a long time of live traffic under a clock that does not wait. Nothing is to be left of any of it.
 */
import { parseArgs } from 'node:util';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { Feed, memoryPair, memoryStorage, type Replication, replicate } from '../../src/index.ts';
import { dialTcp, listenTcp } from '../../src/transport/node.ts';
import { FakeClock } from '../fake-clock.ts';
import { used } from './growth.ts';

const MIB = 2 ** 20;
const crypto = await libsodium();
const block = (i: number): Uint8Array => new TextEncoder().encode(`block ${i} ${'x'.repeat(i % 50)}`);

async function written(count: number): Promise<Feed> {
  const feed = await Feed.create(memoryStorage(), { crypto });
  await feed.append(Array.from({ length: count }, (_, i) => block(i)));
  return feed;
}

/** A server of one feed, and what it serves at the moment. */
async function serving(feed: Feed) {
  const open = new Set<Promise<unknown>>();
  const server = await listenTcp(0, '127.0.0.1', (transport) => {
    const served = replicate(transport, { feeds: () => feed, live: true, crypto }).then(
      (replication) => replication.closed,
      (error: Error) => error,
    );
    open.add(served);
    void served.then(() => open.delete(served));
  });
  return { server, open };
}

export interface Soaked {
  readonly what: string;
  readonly seconds: number;
  /** Bytes in use afterwards beyond those before. */
  readonly grown: number;
  /** Bytes in use for each while all were open, where that is of interest. */
  readonly each?: number;
}

/** Many sessions at once: all get all, then a block that is appended while they are open. */
export async function sessionsAtOnce(count: number): Promise<Soaked> {
  const start = performance.now();
  // What is compiled and cached the first time is no leak.
  await allAtOnce(Math.min(50, count));
  const before = await used();
  const each = await allAtOnce(count);
  const grown = (await used()) - before;
  return { what: `${count} sessions at once`, seconds: (performance.now() - start) / 1000, grown, each };
}

/** Tells how many bytes were in use for each while all were open. */
async function allAtOnce(count: number): Promise<number> {
  const feed = await written(8);
  const { server, open } = await serving(feed);
  const before = await used();
  const readers: Feed[] = [];
  const replications: Replication[] = [];
  for (let at = 0; at < count; at += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - at) }, async () => {
        const reader = await Feed.open(memoryStorage(), { key: feed.key, crypto });
        const replication = await replicate(await dialTcp(server.port), {
          feeds: reader,
          live: true,
          crypto,
        });
        readers.push(reader);
        replications.push(replication);
      }),
    );
  }
  for (const reader of readers) await Promise.all(Array.from({ length: 8 }, (_, i) => reader.get(i)));
  const each = ((await used()) - before) / count;
  await feed.append(block(8));
  await Promise.all(readers.map((reader) => reader.get(8)));
  if (feed.peers.length !== count) throw new Error(`${feed.peers.length} peers, and ${count} were connected`);
  await Promise.all(replications.map((replication) => replication.close()));
  await Promise.all(open);
  await Promise.all(readers.map((reader) => reader.close()));
  if (feed.peers.length !== 0) throw new Error(`${feed.peers.length} peers are left`);
  await server.close();
  return each;
}

/** Sessions that come, take one block and go, by every way there is to go. */
export async function comingAndGoing(cycles: number): Promise<Soaked> {
  const feed = await written(3);
  const { server, open } = await serving(feed);
  const once = async (i: number): Promise<void> => {
    const reader = await Feed.open(memoryStorage(), { key: feed.key, crypto, sparse: true });
    const transport = await dialTcp(server.port);
    if (i % 7 === 3) {
      // Gone before it has said anything.
      transport.abort();
      await reader.close();
      return;
    }
    const replication = await replicate(transport, { feeds: reader, live: true, crypto });
    await reader.get(i % 3);
    if (i % 7 === 5) replication.abort();
    else await replication.close();
    await replication.closed;
    await reader.close();
  };
  const round = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 20)
      await Promise.all(Array.from({ length: Math.min(20, to - at) }, (_, i) => once(at + i)));
    await Promise.all(open);
  };
  // What is compiled and cached the first time is no leak.
  await round(0, Math.min(300, cycles));
  const start = performance.now();
  const before = await used();
  await round(0, cycles);
  const grown = (await used()) - before;
  if (feed.peers.length !== 0) throw new Error(`${feed.peers.length} peers are left`);
  await server.close();
  return {
    what: `${cycles} sessions that came and went`,
    seconds: (performance.now() - start) / 1000,
    grown,
  };
}

/** A writer that appends every second and a reader that follows, with a break in the line every minute. */
export async function liveFor(minutes: number): Promise<Soaked> {
  const clock = new FakeClock();
  const feed = await written(1);
  const reader = await Feed.open(memoryStorage(), { key: feed.key, crypto });
  const connect = async (): Promise<Replication[]> => {
    const [here, there] = memoryPair();
    return Promise.all([
      replicate(here, { feeds: feed, live: true, crypto, clock }),
      replicate(there, { feeds: reader, live: true, crypto, clock }),
    ]);
  };
  const start = performance.now();
  let replications = await connect();
  let before = 0;
  for (let second = 1; second <= minutes * 60; second++) {
    await feed.append(block(second));
    await clock.advance(1000);
    // The feeds themselves grow: as many blocks are kept as at first.
    if (second % 60 === 0) {
      if (!reader.has(0, 0) || reader.length !== second + 1)
        throw new Error(`${reader.length} of ${second + 1} blocks after ${second} s`);
      await reader.clear(0, second);
      await feed.clear(0, second);
      for (const replication of replications) replication.abort();
      await clock.advance(10);
      replications = await connect();
    }
    if (second === 300) before = await used();
  }
  const grown = (await used()) - before;
  for (const replication of replications) replication.abort();
  await feed.close();
  await reader.close();
  if (clock.pending !== 0) throw new Error(`${clock.pending} timers are left`);
  return { what: `${minutes} minutes of live traffic`, seconds: (performance.now() - start) / 1000, grown };
}

if (process.argv[1]?.endsWith('soak.ts')) {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string', default: '1000' },
      cycles: { type: 'string', default: '10000' },
      minutes: { type: 'string', default: '60' },
    },
  });
  for (const soak of [
    () => sessionsAtOnce(Number(values.sessions)),
    () => comingAndGoing(Number(values.cycles)),
    () => liveFor(Number(values.minutes)),
  ]) {
    const { what, seconds, grown, each } = await soak();
    const while_ = each === undefined ? '' : `, ${(each / 1024).toFixed(0)} KiB each while open`;
    console.log(`${what}: ${seconds.toFixed(1)} s, grown by ${(grown / MIB).toFixed(2)} MiB${while_}`);
  }
}
