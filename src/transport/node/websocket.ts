/** WebSockets on Node, by `ws`, which holds the remote back where this side reads slowly. */
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { ProtocolError } from '../../errors.ts';
import type { Transport } from '../../stream/transport.ts';
import { type DialOptions, dialWebSocket as dial } from '../websocket/dial.ts';
import { acceptsOrigin, parseOrigins } from '../websocket/origin.ts';
import { limitsOf, type WebSocketOptions, webSocketTransport } from '../websocket/transport.ts';
import { assertListening, type Listener } from './listener.ts';

/** What {@link dialWebSocket} can be told. */
export type DialWebSocketOptions = Omit<DialOptions, 'WebSocket'>;

/** What both sides set of `ws`. */
function settings(options: WebSocketOptions): {
  maxPayload: number;
  perMessageDeflate: false;
  closeTimeout: number;
} {
  return {
    maxPayload: limitsOf(options).queueBytes,
    // Blocks are not made smaller by it, or are compressed already; it takes memory, and it has had its holes.
    perMessageDeflate: false,
    // Milliseconds: no longer than a session waits for a remote that is silent.
    closeTimeout: 7500,
  };
}

/**
 * Connects to a WebSocket server: `dialWebSocket` of "hypercore-wire/transport/websocket", by `ws`.
 * @throws ProtocolError `transport` if it does not open; the signal's reason if it aborts.
 * @throws TypeError if the url is none of a WebSocket.
 */
export function dialWebSocket(url: string, options: DialWebSocketOptions = {}): Promise<Transport> {
  class Capped extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, settings(options));
    }
  }
  return dial(url, { ...options, WebSocket: Capped });
}

/** What {@link listenWebSocket} can be told. */
export interface ListenWebSocketOptions extends WebSocketOptions {
  /**
   * Pages that may connect, beside those that this machine serves itself: `https://app.example`, or `*` for all.
   * What is no page, such as another program, always may.
   */
  readonly origins?: readonly string[] | undefined;
  /** Told of connections that came to nothing: a page that may not, what is no WebSocket, no file handles. */
  readonly onError?: ((error: Error) => void) | undefined;
}

const ABOUT =
  'This is a Hypercore peer. It speaks the Hypercore 6 protocol over WebSocket: connect to it with a ws:// url.\n';

/**
 * Listens for WebSockets and calls `onTransport` for each, with the address that it comes from. The path of the url does not matter. Everybody else is
 * told what this is, in a line of text. A message over `queueBytes` ends its connection.
 * Rejects with the system's error if the port is not available.
 * @throws TypeError, RangeError for invalid options.
 */
export async function listenWebSocket(
  port: number,
  host: string,
  onTransport: (transport: Transport, address: string) => void,
  options: ListenWebSocketOptions = {},
): Promise<Listener> {
  assertListening(host, onTransport);
  const { origins = [], onError = () => {}, ...rest } = options;
  const accepted = parseOrigins(origins);
  const upgrader = new WebSocketServer({ ...settings(rest), noServer: true, clientTracking: false });
  const turnAway = (stream: Duplex, status: number, error: Error): void => {
    // It may be gone, or go before it has read this.
    stream.on('error', () => {});
    stream.once('finish', () => stream.destroy());
    stream.end(answer(status, `${error.message}\n`));
    onError(error);
  };
  upgrader.on('wsClientError', (error, stream) => turnAway(stream, 400, error));
  const server = createServer((_, response) => {
    response.writeHead(426, { 'content-type': 'text/plain; charset=utf-8', upgrade: 'websocket' }).end(ABOUT);
  });
  server.on('clientError', (error, stream) => turnAway(stream, 400, error));
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const { origin } = request.headers;
    if (!acceptsOrigin(origin, accepted)) return turnAway(stream, 403, foreign(origin!));
    upgrader.handleUpgrade(request, stream, head, (socket) => {
      onTransport(webSocketTransport(socket, rest), request.socket.remoteAddress ?? '');
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      // Without a listener, an error would end the process.
      server.off('error', reject).on('error', onError);
      resolve({
        host,
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            // Those that are no WebSockets yet; what is one, no longer counts as a connection of HTTP.
            server.closeAllConnections();
          }),
      });
    });
  });
}

function foreign(origin: string): ProtocolError {
  return new ProtocolError(
    'transport',
    `a page of ${origin} may not connect: name it as an origin to allow it`,
  );
}

/** A whole HTTP response. */
function answer(status: number, body: string): string {
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
