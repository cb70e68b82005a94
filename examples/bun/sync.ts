/** Downloads a feed into a folder, and goes on where it was the next time: bun sync.ts <key> <url> [folder] */
import { Feed, replicate } from 'hypercore-wire';
import { nodeStorage } from 'hypercore-wire/storage/node';
import { dialTcp } from 'hypercore-wire/transport/node';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

const [key, url, folder = './copy'] = Bun.argv.slice(2);
const { protocol, hostname, port } = new URL(url);
const transport = protocol === 'tcp:' ? await dialTcp(Number(port), hostname) : await dialWebSocket(url);

const feed = await Feed.open(nodeStorage(folder), { key });
// Ends by itself once there is nothing more to download.
const { closed } = await replicate(transport, { feeds: feed });
const reason = await closed;
if (reason.code === 'failed') throw reason.error;

for await (const block of feed.read()) console.log(new TextDecoder().decode(block));
await feed.close();
