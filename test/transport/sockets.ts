import { connect, createServer, type Socket } from 'node:net';

/** Two sockets joined over the loopback. */
export async function sockets(pauseOnConnect = false): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const { port } = server.address() as { port: number };
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const pair: [Socket, Socket] = [socket, await accepted];
  server.close();
  return pair;
}
