import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { noble } from 'hypercore-wire/crypto/noble';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';
import { remote } from './ask.ts';

export interface Wanted {
  readonly key: string;
  /** Of a WebSocket. */
  readonly url: string;
  readonly length: number;
  /** Instead of libsodium. */
  readonly withNoble?: boolean;
}

/** Reads a feed while it is synced; its blocks in hex. */
export async function sync({ key, url, length, withNoble }: Wanted): Promise<string[]> {
  const feed = await Feed.open(memoryStorage(), { key, crypto: withNoble ? noble : undefined });
  const replication = await replicate(await dialWebSocket(url), { feeds: feed, live: true });
  const blocks: string[] = [];
  for await (const block of feed.read({ end: length })) blocks.push(toHex(block));
  await replication.close();
  return blocks;
}

/** The same in a dedicated worker. */
export async function syncInWorker(wanted: Wanted): Promise<string[]> {
  const worker = new Worker(new URL('./sync-worker.ts', import.meta.url), { type: 'module' });
  const blocks = await remote<{ sync: typeof sync }>(worker).sync(wanted);
  worker.terminate();
  return blocks;
}

/** The same in a shared worker. */
export async function syncInSharedWorker(wanted: Wanted): Promise<string[]> {
  const { port } = new SharedWorker(new URL('./sync-worker.ts', import.meta.url), { type: 'module' });
  port.start();
  const blocks = await remote<{ sync: typeof sync }>(port).sync(wanted);
  port.close();
  return blocks;
}
