/** Deno's own server and client, with each other. Run in Deno, by all.mjs; on Node there is nothing to run. */
import { describe } from 'vitest';
import { deferred } from '../../src/stream/deferred.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { dialWebSocket, type WebSocketLike, webSocketTransport } from '../../src/transport/websocket.ts';
import type { Kind } from '../transport/contract.ts';
import { transportContract } from '../transport/suite.ts';

interface Server {
  readonly addr: { readonly port: number };
  shutdown(): Promise<void>;
}

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(): void },
    handler: (request: Request) => Response,
  ): Server;
  upgradeWebSocket(request: Request): { socket: WebSocketLike; response: Response };
};

async function connected(): Promise<{ server: Server; dialed: Transport; served: Transport }> {
  const accepted = deferred<Transport>();
  const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    accepted.resolve(webSocketTransport(socket));
    return response;
  });
  const dialed = await dialWebSocket(`ws://127.0.0.1:${server.addr.port}`);
  return { server, dialed, served: await accepted.promise };
}

const common: Omit<Kind, 'make'> = {
  bufferedBytes: 33_554_432,
  onSlowReader: 'overflows',
  readOnAbort: 'rejected',
};

describe.runIf('Deno' in globalThis)('Deno', () => {
  transportContract("a client's WebSocket, to Deno's server,", {
    async make() {
      const { server, dialed: here, served: there } = await connected();
      return { here, there, cleanup: () => server.shutdown() };
    },
    ...common,
  });

  transportContract("what Deno's server accepts, to a client,", {
    async make() {
      const { server, dialed: there, served: here } = await connected();
      return { here, there, cleanup: () => server.shutdown() };
    },
    ...common,
  });
});
