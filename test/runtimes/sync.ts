/** Run by Deno and Bun with a key, a url and maybe a folder: syncs the feed, and prints its blocks, one a line. */
import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { nodeStorage } from 'hypercore-wire/storage/node';
import { dialTcp } from 'hypercore-wire/transport/node';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

const [key, url, folder] = process.argv.slice(2) as [string, string, string?];
const { protocol, hostname, port } = new URL(url);
const transport = protocol === 'tcp:' ? await dialTcp(Number(port), hostname) : await dialWebSocket(url);

const feed = await Feed.open(folder === undefined ? memoryStorage() : nodeStorage(folder), { key });
const { closed } = await replicate(transport, { feeds: feed });
const reason = await closed;
if (!reason.code.endsWith('closed')) throw reason;
for await (const block of feed.read()) console.log(toHex(block));
await feed.close();
