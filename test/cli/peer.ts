/** Peers for the command to dial, in this process: honest, lying, silent, or of another kind. */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { Feed, type KeyPair, memoryStorage, replicate, type Transport, toHex } from '../../src/index.ts';
import { listenTcp } from '../../src/transport/node.ts';

const stops: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Bytes that look random and are the same each time. */
export function noise(length: number, seed = 'noise'): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 64 < length; i++) parts.push(createHash('sha512').update(`${seed} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

export interface FeedOptions {
  /** The same keys and blocks make the same feed. */
  readonly keyPair?: KeyPair;
  /** Blocks whose stored bytes are changed behind the feed's back. */
  readonly liesAbout?: readonly number[];
}

/** A feed in memory with these blocks. */
export async function feedOf(blocks: readonly Uint8Array[], options: FeedOptions = {}): Promise<Feed> {
  const storage = memoryStorage();
  const feed = await Feed.create(storage, { keyPair: options.keyPair });
  stops.push(() => feed.close());
  if (blocks.length > 0) await feed.append(blocks);
  for (const lie of options.liesAbout ?? []) {
    const offset = blocks.slice(0, lie).reduce((sum, { length }) => sum + length, 0);
    const data = storage.file('data');
    data.write(offset, Uint8Array.of(data.read(offset, 1)[0]! ^ 1));
  }
  return feed;
}

/** Serves a feed over TCP; the url to dial. `hold`: what to do with a connection before it is served. */
export async function serve(
  feed: Feed,
  hold?: (transport: Transport, count: number) => boolean,
): Promise<string> {
  let count = 0;
  const listener = await listenTcp(0, '127.0.0.1', (transport) => {
    if (hold?.(transport, count++)) return;
    const feeds = (discoveryKey: Uint8Array): Feed | undefined =>
      toHex(discoveryKey) === toHex(feed.discoveryKey) ? feed : undefined;
    replicate(transport, { feeds, live: true }).catch(() => {});
  });
  stops.push(() => listener.close());
  return `tcp://127.0.0.1:${listener.port}`;
}

/** A TCP server that does what `onSocket` does; by default it takes everything and says nothing. */
export async function rawServer(onSocket: (socket: Socket) => void = () => {}): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
