/** A member of the room that is no page: all the others meet at it. What you type here is said in the room. */
import { createInterface } from 'node:readline';
import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { Room } from 'hypercore-wire/extension';
import { listenWebSocket } from 'hypercore-wire/transport/node';

const feed = await Feed.create(memoryStorage());
// As the feed's author, so that the others can tell this one from anybody who has the link.
const room = await Room.open({ key: feed.key, identity: feed.signer });
room.set({ name: 'the server' });

const names = new Map();
room.subscribe((event) => {
  if (event.type === 'join' || event.type === 'update') names.set(event.member.id, event.member.state.name);
  const name = names.get((event.member ?? event.sender)?.id) ?? 'somebody';
  if (event.type === 'join') console.log(`${name} is here`);
  if (event.type === 'leave') console.log(`${name} has left`);
  if (event.type === 'message') console.log(`${name}: ${event.message}`);
});

const onTransport = (transport) => {
  replicate(transport, { feeds: () => feed, live: true, extensions: [room] }).catch((error) =>
    console.error(error.message),
  );
};
const port = Number(process.env.PORT ?? 8080);
const server = await listenWebSocket(port, '127.0.0.1', onTransport, { onError: console.error });
const link = new URLSearchParams({ key: toHex(feed.key), url: `ws://127.0.0.1:${server.port}` });
console.log(`http://localhost:5173/?${link}\n\nOpen that, twice.`);

for await (const line of createInterface(process.stdin)) room.send(line);
