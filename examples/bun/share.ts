/** Bun serves a feed to browsers and to everybody else: bun share.ts */
import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { bunWebSocket } from 'hypercore-wire/transport/bun';
import { acceptsOrigin } from 'hypercore-wire/transport/websocket';

const feed = await Feed.create(memoryStorage());
await feed.append(['hello', 'from', 'Bun'].map((word) => new TextEncoder().encode(word)));

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    // Pages of this machine may connect. Name others as a second argument.
    if (acceptsOrigin(request.headers.get('origin')) && server.upgrade(request)) return;
    return new Response('a Hypercore peer', { status: 426 });
  },
  websocket: bunWebSocket((transport) => {
    replicate(transport, { feeds: () => feed, live: true }).catch((error) => console.error(error.message));
  }),
});

console.log(`bun sync.ts ${toHex(feed.key)} ws://127.0.0.1:${server.port}`);
