/** Two ends of a TCP connection of this machine: as transports of ours, and as plain sockets. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { dialTcp, listenTcp } from 'hypercore-wire/transport/node';

export async function pair() {
  let accept;
  const accepted = new Promise((resolve) => {
    accept = resolve;
  });
  const listener = await listenTcp(0, '127.0.0.1', accept);
  const dialled = await dialTcp(listener.port);
  const transports = [dialled, await accepted];
  void listener.close();
  return transports;
}

export async function sockets() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dialled = connect({ port: server.address().port, host: '127.0.0.1', noDelay: true });
  const [accepted] = await once(server, 'connection');
  server.close();
  return [dialled, accepted.setNoDelay(true)];
}
