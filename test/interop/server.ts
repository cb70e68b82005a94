/** hypercore 7.7.1 as a server, which replicates with everyone who comes. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { type Hypercore, type ReplicateOptions, run } from './hypercore.ts';

export interface Server {
  readonly url: string;
  /** Cuts every connection, and stops. */
  close(): void;
}

export async function serveTcp(feed: Hypercore, options: ReplicateOptions = {}): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void run(socket, feed.replicate(options));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** As servers of feeds did: the socket as a stream of `ws`, with nothing of ours in between. */
export async function serveWebSocket(feed: Hypercore, options: ReplicateOptions = {}): Promise<Server> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    const stream: Duplex = createWebSocketStream(socket);
    void run(stream, feed.replicate(options));
  });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const socket of server.clients) socket.terminate();
    },
  };
}
