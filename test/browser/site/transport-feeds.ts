/** Feeds over the transports that a page has. */
import { Feed, memoryStorage, replicate } from 'hypercore-wire';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { dataChannelTransport } from 'hypercore-wire/transport/webrtc';
import { type DataChannels, openDataChannels } from '../../transport/data-channels.ts';
import { BLOCKS, countNumbered, writeNumbered } from './numbered-feed.ts';

/** How a side ended: its code, or that of its fault; and the blocks that it has. */
interface Outcome {
  readonly code: string;
  readonly count: number;
}

type Transport = Parameters<typeof replicate>[0];
type Options = Omit<Parameters<typeof replicate>[1], 'feeds'>;

async function run(transport: Transport, feed: Feed, options: Options = {}): Promise<Outcome> {
  const { closed } = await replicate(transport, { feeds: feed, ...options });
  const reason = await closed;
  const code = reason.code === 'failed' ? reason.error.code : reason.code;
  return { code, count: await countNumbered(feed) };
}

const copyOf = (key: Uint8Array): Promise<Feed> => Feed.open(memoryStorage(), { key });

/** Resolves once some blocks are there, and not all. */
async function underway(feed: Feed): Promise<void> {
  await new Promise<void>((resolve) => {
    feed.subscribe((event) => {
      if (event.type === 'download' && feed.count() > BLOCKS / 10) resolve();
    });
  });
}

/** A worker has a feed, and the page copies it. `encrypted: false` sends buffers as the feed gives them. */
export async function fromWorker(encrypted: boolean): Promise<{ page: Outcome; worker: Outcome }> {
  const worker = new Worker(new URL('./feed-worker.ts', import.meta.url), { type: 'module' });
  const told = <T>(name: string): Promise<T> =>
    new Promise((resolve) => {
      worker.addEventListener('message', ({ data }) => {
        if (name in data) resolve(data);
      });
    });
  const [named, ended] = [told<{ key: Uint8Array }>('key'), told<Outcome>('code')];
  worker.postMessage(encrypted);
  const copy = await copyOf((await named).key);
  const page = await run(messagePortTransport(worker), copy, { encrypted });
  return { page, worker: await ended };
}

/** Two peers copy a feed over a connection that each closes as soon as it has ended. */
export async function overDataChannel(): Promise<Outcome[]> {
  const { here, there, offering, answering } = await connectPeers();
  const feed = await writeNumbered();
  const copy = await copyOf(feed.key);
  return Promise.all([
    run(dataChannelTransport(here), feed).finally(() => offering.close()),
    run(dataChannelTransport(there), copy).finally(() => answering.close()),
  ]);
}

/** The channel closes in the middle, or the connection does. Then over a new one. */
export async function cutDataChannel(what: 'channel' | 'connection'): Promise<Outcome[][]> {
  const feed = await writeNumbered();
  const copy = await copyOf(feed.key);
  const both = ({ here, there }: DataChannels): Promise<Outcome[]> =>
    Promise.all([run(dataChannelTransport(here), feed), run(dataChannelTransport(there), copy)]);
  const cut = await connectPeers();
  const failing = both(cut);
  await underway(copy);
  if (what === 'channel') cut.there.close();
  else cut.answering.close();
  const failed = await failing;
  const next = await connectPeers();
  const outcomes = [failed, await both(next)];
  for (const peers of [cut, next]) peers.offering.close();
  return outcomes;
}

/** Two sides that are joined by a worker, which is terminated in the middle. Then by a new one. */
export async function overTerminatedWorker(): Promise<Outcome[][]> {
  const feed = await writeNumbered();
  const copy = await copyOf(feed.key);
  const limits = { idleMs: 2000, keepaliveMs: 500 };
  const join = (): { worker: Worker; outcomes: Promise<Outcome[]> } => {
    const worker = new Worker(new URL('./relay-worker.ts', import.meta.url), { type: 'module' });
    const [one, two] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage('ports', [one.port2, two.port2]);
    const outcomes = Promise.all([
      run(messagePortTransport(one.port1), feed, { limits }),
      run(messagePortTransport(two.port1), copy, { limits }),
    ]);
    return { worker, outcomes };
  };
  const { worker, outcomes } = join();
  await underway(copy);
  worker.terminate();
  return [await outcomes, await join().outcomes];
}

const connectPeers = (): Promise<DataChannels> => openDataChannels(() => new RTCPeerConnection() as never);
