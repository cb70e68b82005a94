/** Deno serves a feed to browsers and to everybody else: deno run -A share.ts */
import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { acceptsOrigin, webSocketTransport } from 'hypercore-wire/transport/websocket';

const feed = await Feed.create(memoryStorage());
await feed.append(['hello', 'from', 'Deno'].map((word) => new TextEncoder().encode(word)));

const server = Deno.serve({ hostname: '127.0.0.1', port: 0, onListen() {} }, (request) => {
  // Pages of this machine may connect. Name others as a second argument.
  if (request.headers.get('upgrade') !== 'websocket' || !acceptsOrigin(request.headers.get('origin'))) {
    return new Response('a Hypercore peer', { status: 426 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  replicate(webSocketTransport(socket), { feeds: () => feed, live: true }).catch((error) =>
    console.error(error.message),
  );
  return response;
});

console.log(`deno run -A sync.ts ${toHex(feed.key)} ws://127.0.0.1:${server.addr.port}`);
