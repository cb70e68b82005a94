/** Deno's own server and client, with each other. Run in Deno, by all.mjs; on Node there is nothing to run. */
import { describe } from 'vitest';
import { deferred } from '../../src/stream/deferred.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { type WebStreams, webStreamsTransport } from '../../src/transport/web-streams.ts';
import { dialWebSocket, type WebSocketLike, webSocketTransport } from '../../src/transport/websocket.ts';
import type { Kind } from '../transport/contract.ts';
import { transportContract } from '../transport/suite.ts';

interface Server {
  readonly addr: { readonly port: number };
  shutdown(): Promise<void>;
}

interface TcpServer {
  readonly addr: { readonly port: number };
  accept(): Promise<WebStreams & { close(): void }>;
  close(): void;
}

declare const Deno: {
  listen(options: { port: number; hostname: string }): TcpServer;
  connect(options: { port: number; hostname: string }): ReturnType<TcpServer['accept']>;
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

  transportContract("webStreamsTransport over Deno's TCP", {
    async make() {
      const server = Deno.listen({ port: 0, hostname: '127.0.0.1' });
      const { port } = server.addr;
      const accepting = server.accept();
      const [here, there] = [await Deno.connect({ port, hostname: '127.0.0.1' }), await accepting];
      server.close();
      return {
        here: webStreamsTransport(here),
        there: webStreamsTransport(there),
        vanish: () => there.close(),
      };
    },
    bufferedBytes: 33_554_432,
    onSlowReader: 'waits',
    readOnAbort: 'resolved',
  });
});
