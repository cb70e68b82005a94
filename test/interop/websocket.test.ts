/**
 * Whole feeds to and from hypercore 7 over a WebSocket that its side has as a stream, as users of it have: it
 * knows nothing of our end message, and closes the socket where TCP would end.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import { Feed, memoryStorage, replicate, type Transport } from '../../src/index.ts';
import { deferred } from '../../src/stream/deferred.ts';
import { dialWebSocket, listenWebSocket } from '../../src/transport/node.ts';
import { blocksOf } from './blocks.ts';
import { append, get, type Hypercore, openHypercore, type ProtocolStream } from './hypercore.ts';

const blocks = blocksOf(120, 3000);
const stops: (() => unknown)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Our end of a WebSocket, and theirs as a stream. */
async function connected(dialer: 'ours' | 'theirs'): Promise<[Transport, Duplex]> {
  if (dialer === 'theirs') {
    const accepted = deferred<Transport>();
    const { port, close } = await listenWebSocket(0, '127.0.0.1', (transport) => accepted.resolve(transport));
    const socket = createWebSocketStream(new WebSocket(`ws://127.0.0.1:${port}`));
    stops.push(close, () => socket.destroy());
    return [await accepted.promise, socket];
  }
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const transport = await dialWebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const socket = createWebSocketStream((await accepted)[0] as WebSocket);
  stops.push(
    () => server.close(),
    () => socket.destroy(),
  );
  return [transport, socket];
}

/** Resolves when hypercore has ended its side, with what went wrong. */
function run(socket: Duplex, stream: ProtocolStream): Promise<Error | undefined> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    stream.on('error', resolve);
    stream.on('end', () => resolve(undefined));
    socket.pipe(stream).pipe(socket);
  });
}

async function theirs(): Promise<Hypercore> {
  const feed = await openHypercore();
  await append(feed, blocks);
  return feed;
}

describe.each(['ours', 'theirs'] as const)('a WebSocket that %s dials', (dialer) => {
  it('brings a whole feed from hypercore, and ends', async () => {
    const writer = await theirs();
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await connected(dialer);
    const ended = run(socket, writer.replicate({}));
    const { closed } = await replicate(transport, { feeds: reader });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    for (const [i, block] of blocks.entries()) expect(await reader.get(i, { wait: false })).toEqual(block);
  });

  it('brings a whole feed to hypercore, and ends', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await connected(dialer);
    const ended = run(socket, reader.replicate({}));
    const { closed } = await replicate(transport, { feeds: writer });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    for (const [i, block] of blocks.entries()) expect(new Uint8Array(await get(reader, i))).toEqual(block);
  });

  it('stays open while live, until we close', async () => {
    const writer = await theirs();
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await connected(dialer);
    const ended = run(socket, writer.replicate({ live: true }));
    const replication = await replicate(transport, { feeds: reader, live: true });
    expect(await reader.get(blocks.length - 1)).toEqual(blocks.at(-1));
    await append(writer, [Uint8Array.of(1)]);
    expect(await reader.get(blocks.length)).toEqual(Uint8Array.of(1));

    expect(await replication.close()).toEqual({ code: 'closed' });

    expect(await ended).toBeUndefined();
  });
});
