/** One peer: a feed in memory, replicated over the ports that the page hands in. */
import { Feed, type MemoryStorage, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { Ephemeral } from 'hypercore-wire/extension';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { holdingOf } from './holding.ts';
import type { FromPeer, ToPeer } from './protocol.ts';

/** The page slows the line down, and nobody should hang up for that. */
const limits = { idleMs: 60_000 };
/** Characters of a block, or of a message, that the page shows. */
const SHOWN = 200;

const storage: MemoryStorage = memoryStorage();
const ephemeral = new Ephemeral();
let isStarted: (feed: Feed) => void;
const started = new Promise<Feed>((resolve) => {
  isStarted = resolve;
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const readable = (block: Uint8Array): string =>
  new TextDecoder().decode(block.subarray(0, 4 * SHOWN)).slice(0, SHOWN);
const tell = (message: FromPeer): void => postMessage(message);
const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Once for all that happens in one go. */
let isDue = false;
function tellHolding(feed: Feed): void {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    tell({ type: 'holding', holding: holdingOf(feed, storage) });
  });
}

async function tellStored(feed: Feed, index: number): Promise<void> {
  tell({ type: 'stored', index, text: readable(await feed.get(index)) });
}

async function start(feed: Feed): Promise<void> {
  feed.subscribe((event) => {
    if (event.type === 'download') void tellStored(feed, event.index);
    if (event.type === 'fault' && event.fault === 'unproven') tell({ type: 'doubted' });
    if (event.type === 'rejected')
      tell({ type: 'rejected', block: event.block, reason: event.error.message });
    tellHolding(feed);
  });
  ephemeral.subscribe((event) => {
    if (event.type === 'message') tell({ type: 'heard', text: readable(event.message.payload) });
  });
  isStarted(feed);
  tell({ type: 'ready', key: toHex(feed.key) });
  for (let index = 0; index < feed.length; index++) await tellStored(feed, index);
  tellHolding(feed);
}

async function connect(port: MessagePort, encrypted: boolean): Promise<void> {
  const transport = messagePortTransport(port);
  const feed = await started;
  try {
    const { closed } = await replicate(transport, {
      feeds: feed,
      live: true,
      encrypted,
      extensions: [ephemeral],
      limits,
    });
    tell({ type: 'connected' });
    const reason = await closed;
    tell({ type: 'disconnected', error: 'error' in reason ? sentenceOf(reason.error) : undefined });
  } catch (error) {
    tell({ type: 'disconnected', error: sentenceOf(error) });
  }
}

async function append(text: string): Promise<void> {
  const feed = await started;
  await tellStored(feed, await feed.append(bytes(text)));
}

async function say(text: string): Promise<void> {
  if (ephemeral.broadcast({ payload: bytes(text), contentType: 'text/plain' }) > 0) return;
  throw new Error('Nobody is connected who could hear it, and it is kept for nobody.');
}

async function take(message: ToPeer): Promise<void> {
  switch (message.type) {
    case 'start': {
      if ('key' in message) return start(await Feed.open(storage, { key: message.key }));
      const feed = await Feed.create(storage);
      await feed.append(message.blocks.map(bytes));
      return start(feed);
    }
    case 'connect':
      return connect(message.port, message.encrypted);
    case 'append':
      return append(message.text);
    case 'say':
      return say(message.text);
  }
}

addEventListener('message', ({ data }: MessageEvent<ToPeer>) => {
  take(data).catch((error) => tell({ type: 'failed', error: sentenceOf(error) }));
});
