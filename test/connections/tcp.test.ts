/** Over real TCP: a server that is killed and comes back, two that dial each other, and limits. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Connections, type ConnectionsEvent, Feed, memoryStorage, replicate } from '../../src/index.ts';
import { dialTcp, dialWebSocket, listenWebSocket, nodeTransport } from '../../src/transport/node.ts';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server that can be killed with all its connections, and started again on its port. */
async function listen(connections: () => Connections) {
  const sockets = new Set<Socket>();
  let server: Server;
  const start = (port: number): Promise<number> => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      connections().add(nodeTransport(socket));
    });
    return new Promise((resolve) =>
      server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
  };
  const kill = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  stops.push(kill);
  return { port: await start(0), start, kill };
}

async function feeds(count: number, bytes: number): Promise<{ source: Feed; copy: Feed }> {
  const source = await Feed.create(memoryStorage());
  await source.append(Array.from({ length: count }, (_, i) => new Uint8Array(bytes).fill(i)));
  return { source, copy: await Feed.open(memoryStorage(), { key: source.key }) };
}

/** Resolves when the copy has so many blocks. */
function blocks(copy: Feed, count: number): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (copy.count() < count) return;
      stop();
      resolve();
    };
    const stop = copy.subscribe(check);
    check();
  });
}

it('a server that is killed 20 times', async () => {
  const { source, copy } = await feeds(2100, 2000);
  let served = new Connections({ feeds: source });
  const server = await listen(() => served);
  const reader = new Connections({ feeds: copy });
  stops.push(
    () => reader.close(),
    () => served.close(),
  );
  let retries = 0;
  reader.subscribe(({ type }) => type === 'retry' && retries++);
  const link = reader.keep((signal) => dialTcp(server.port, '127.0.0.1', signal));
  for (let kills = 0; kills < 20; kills++) {
    await blocks(copy, Math.min(2100, copy.count() + 60));
    await server.kill();
    await served.close();
    // With a new id, as a server that was started again has.
    served = new Connections({ feeds: source });
    if (kills % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    await server.start(server.port);
    reader.retry();
  }
  await blocks(copy, 2100);
  expect(copy.count()).toBe(2100);
  expect(retries).toBeGreaterThanOrEqual(20);
  expect(link.state).toBe('connected');
}, 90_000);

it('two that dial each other', async () => {
  const { source, copy } = await feeds(100, 100);
  const [a, b] = [new Connections({ feeds: source }), new Connections({ feeds: copy })];
  const [atA, atB] = [await listen(() => a), await listen(() => b)];
  stops.push(
    () => a.close(),
    () => b.close(),
  );
  let dropped = 0;
  const ended = new Promise<void>((resolve) => {
    for (const connections of [a, b]) {
      connections.subscribe(({ type }) => {
        if (type === 'duplicate') dropped++;
        if (type === 'disconnected' && dropped > 0 && [...a].length === 1 && [...b].length === 1) resolve();
      });
    }
  });
  a.keep((signal) => dialTcp(atB.port, '127.0.0.1', signal));
  b.keep((signal) => dialTcp(atA.port, '127.0.0.1', signal));
  await ended;
  await blocks(copy, 100);
  await source.append(new Uint8Array(5));
  await blocks(copy, 101);
  expect([[...a].length, [...b].length]).toEqual([1, 1]);
  expect([...a][0]!.id).not.toBe([...b][0]!.id);
});

it.each(['send', 'receive'] as const)('a limit of what one side may %s', async (direction) => {
  const { source, copy } = await feeds(100, 2000);
  const [a, b] = [new Connections({ feeds: source }), new Connections({ feeds: copy })];
  const server = await listen(() => a);
  stops.push(
    () => a.close(),
    () => b.close(),
  );
  const limiting = direction === 'send' ? a : b;
  limiting.subscribe((event) => {
    if (event.type === 'connected') event.connection.limit({ [direction]: 100_000 });
  });
  const start = performance.now();
  b.keep((signal) => dialTcp(server.port, '127.0.0.1', signal));
  await blocks(copy, 100);
  // 200 kB and more, less what may pass at once.
  expect(performance.now() - start).toBeGreaterThan(1600);
});

it('a wrong key over WebSocket is told once, and not dialed again', async () => {
  const { source } = await feeds(1, 10);
  const served: unknown[] = [];
  const listener = await listenWebSocket(0, '127.0.0.1', (transport) => {
    replicate(transport, { feeds: () => source }).catch((error) => served.push(error));
  });
  stops.push(() => listener.close());
  const wrong = await Feed.open(memoryStorage(), { key: new Uint8Array(32).fill(7) });
  const reader = new Connections({ feeds: wrong });
  const events: ConnectionsEvent[] = [];
  reader.subscribe((event) => events.push(event));
  await reader.keep(() => dialWebSocket(`ws://127.0.0.1:${listener.port}`)).closed;
  expect(served).toMatchObject([{ code: 'unknown-feed' }]);
  expect(events).toMatchObject([
    {
      type: 'gave-up',
      error: {
        code: 'unknown-feed',
        reason: 'the remote does not have this feed: check the key',
      },
    },
  ]);
});

it('a peer that ends the WebSocket for another reason is asked again, with no advice that is not for that', async () => {
  const { copy } = await feeds(1, 10);
  const listener = await listenWebSocket(0, '127.0.0.1', (transport) => {
    void (async () => {
      for await (const _ of transport.source) transport.abort('no');
    })().catch(() => {});
  });
  stops.push(() => listener.close());
  const reader = new Connections({ feeds: copy });
  const told = new Promise<ConnectionsEvent>((resolve) => reader.subscribe(resolve));
  stops.push(() => reader.close());
  reader.keep(() => dialWebSocket(`ws://127.0.0.1:${listener.port}`));
  expect(await told).toMatchObject({
    type: 'retry',
    error: {
      code: 'refused',
      reason:
        "the connection was lost before the remote's Handshake (the WebSocket was closed (4000, aborted)): it does not have this feed, or does not want this peer: check the key",
    },
  });
});
