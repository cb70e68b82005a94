/** The feed that the page shows: each line that you type here is written to it. Run: node feed.mjs [folder] */
import { createInterface } from 'node:readline';
import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { nodeStorage } from 'hypercore-wire/storage/node';
import { listenWebSocket } from 'hypercore-wire/transport/node';

// Goes on with the feed in the folder, or makes one there. Without a folder it is gone when this ends.
const folder = process.argv[2];
const storage = folder === undefined ? memoryStorage() : nodeStorage(folder);
const feed = await Feed.open(storage).catch((error) => {
  if (error.code !== 'missing') throw error;
  return Feed.create(storage);
});

const onTransport = (transport) => {
  replicate(transport, { feeds: () => feed, live: true }).catch((error) => console.error(error.message));
};
const port = Number(process.env.PORT ?? 8080);
const server = await listenWebSocket(port, '127.0.0.1', onTransport, { onError: console.error });
const link = new URLSearchParams({ key: toHex(feed.key), url: `ws://127.0.0.1:${server.port}` });
console.log(`http://localhost:5173/?${link}\n\nOpen that, and type:`);

for await (const line of createInterface(process.stdin)) await feed.append(new TextEncoder().encode(line));
