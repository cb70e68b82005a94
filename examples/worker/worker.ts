/**
 * Everything of the feed that takes time: the connection, the proofs, and the files, which stay when the page is
 * gone. The page is one more peer, to which it gives what the page asks for.
 */
import { Connections, Feed, memoryStorage, StorageError } from 'hypercore-wire';
import { opfsStorage } from 'hypercore-wire/storage/opfs';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

async function start({ data: { key, url } }: MessageEvent): Promise<void> {
  const feed = await Feed.open(opfsStorage(key), { key }).catch((error) => {
    // Where another tab has the files already, or the browser has none, the copy is kept in memory.
    const code = error instanceof StorageError ? error.code : undefined;
    if (code !== 'unsupported' && code !== 'locked') throw error;
    return Feed.open(memoryStorage(), { key });
  });
  const connections = new Connections({ feeds: feed });
  connections.add(messagePortTransport(globalThis));
  connections.keep((signal) => dialWebSocket(url, { signal }));
  connections.subscribe((event) => {
    if (event.type === 'retry' || event.type === 'gave-up') postMessage({ trouble: String(event.error) });
  });
}

addEventListener('message', start, { once: true });
