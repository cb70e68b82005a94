import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { noble } from 'hypercore-wire/crypto/noble';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

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
  try {
    return await ask(worker, wanted);
  } finally {
    worker.terminate();
  }
}

/** The same in a shared worker. */
export async function syncInSharedWorker(wanted: Wanted): Promise<string[]> {
  const { port } = new SharedWorker(new URL('./sync-worker.ts', import.meta.url), { type: 'module' });
  try {
    port.start();
    return await ask(port, wanted);
  } finally {
    port.close();
  }
}

/** What a `sync-worker.ts` answers. */
function ask(port: Worker | MessagePort, wanted: Wanted): Promise<string[]> {
  return new Promise((resolve, reject) => {
    port.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data.blocks));
    port.onmessageerror = () => reject(new Error('unreadable'));
    if ('onerror' in port) port.onerror = (event) => reject(new Error((event as ErrorEvent).message));
    port.postMessage(wanted);
  });
}
