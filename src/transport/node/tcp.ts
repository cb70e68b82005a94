/** TCP: connecting, and listening. */
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { ProtocolError } from '../../errors.ts';
import type { AbortSignalLike, Transport } from '../../stream/transport.ts';
import { nodeTransport } from './duplex.ts';
import { assertListening, type Listener } from './listener.ts';

/**
 * Connects over TCP.
 * @throws ProtocolError `transport` if nothing answers there; the signal's reason if it aborts.
 */
export function dialTcp(port: number, host = '127.0.0.1', signal?: AbortSignalLike): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ port, host, allowHalfOpen: true });
    const done = (): void => {
      socket.off('error', onError);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      done();
      socket.on('error', () => {}).destroy();
      reject(signal?.reason);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      done();
      reject(
        new ProtocolError(
          'transport',
          `cannot connect to ${host}:${port} (${error.code ?? error.message}): check the address, and that a peer listens there`,
          { cause: error },
        ),
      );
    };
    socket.once('error', onError).once('connect', () => {
      done();
      resolve(nodeTransport(socket));
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
  });
}

/**
 * Listens on TCP and calls `onTransport` for each connection, with the address that it comes from. `onError` is
 * told of connections that the machine could not accept, for example when it is out of file handles; the listener
 * goes on.
 * Rejects with the system's error if the port is not available.
 */
export function listenTcp(
  port: number,
  host: string,
  onTransport: (transport: Transport, address: string) => void,
  onError: (error: Error) => void = () => {},
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    assertListening(host, onTransport);
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      onTransport(nodeTransport(socket), socket.remoteAddress ?? ''),
    );
    server.once('error', reject);
    server.listen(port, host, () => {
      // Without a listener, an error would end the process.
      server.off('error', reject).on('error', onError);
      resolve({
        host,
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}
