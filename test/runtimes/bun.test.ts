/** Bun's own server and client, with each other. Run in Bun, by all.mjs; on Node there is nothing to run. */
import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/stream/deferred.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { type BunWebSocketHandler, bunWebSocket } from '../../src/transport/bun.ts';
import { acceptsOrigin, dialWebSocket, type WebSocketOptions } from '../../src/transport/websocket.ts';
import { readAll } from '../transport/contract.ts';
import { transportContract } from '../transport/suite.ts';

interface Server {
  readonly port: number;
  upgrade(request: Request): boolean;
  stop(closeConnections: boolean): Promise<void>;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    fetch(request: Request, server: Server): Response | undefined;
    websocket: BunWebSocketHandler;
  }): Server;
};

function serve(onTransport: (transport: Transport) => void, options?: WebSocketOptions): Server {
  return Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, server) =>
      acceptsOrigin(request.headers.get('origin')) && server.upgrade(request)
        ? undefined
        : new Response('a Hypercore peer', { status: 426 }),
    websocket: bunWebSocket(onTransport, options),
  });
}

async function connected(
  options?: WebSocketOptions,
): Promise<{ server: Server; dialed: Transport; served: Transport }> {
  const accepted = deferred<Transport>();
  const server = serve((transport) => accepted.resolve(transport), options);
  const dialed = await dialWebSocket(`ws://127.0.0.1:${server.port}`);
  return { server, dialed, served: await accepted.promise };
}

const common = { bufferedBytes: 33_554_432, onSlowReader: 'waits', readOnAbort: 'rejected' } as const;

describe.runIf('Bun' in globalThis)('Bun', () => {
  transportContract("a client's WebSocket, to Bun's server,", {
    async make() {
      const { server, dialed: here, served: there } = await connected();
      return { here, there, cleanup: () => server.stop(true) };
    },
    ...common,
  });

  transportContract("what Bun's server accepts, to a client,", {
    async make() {
      const { server, dialed: there, served: here } = await connected();
      return { here, there, cleanup: () => server.stop(true) };
    },
    ...common,
  });

  it('has a cap for a message, and tells both sides', async () => {
    const { server, dialed, served } = await connected({ queueBytes: 1000 });
    const sinking = dialed.sink(
      (async function* () {
        yield new Uint8Array(1001);
        await new Promise(() => {});
      })(),
    );
    sinking.catch(() => {});
    await expect(readAll(served.source)).rejects.toMatchObject({ code: expect.stringMatching(/^transport/) });
    await expect(sinking).rejects.toMatchObject({ code: 'transport' });
    await server.stop(true);
  });

  it('may refuse a page', async () => {
    const server = serve((transport) => transport.abort());
    const response = await fetch(`http://127.0.0.1:${server.port}`, {
      headers: { origin: 'https://evil.example', upgrade: 'websocket', connection: 'upgrade' },
    });
    expect(response.status).toBe(426);
    await server.stop(true);
  });
});
