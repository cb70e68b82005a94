/** Connecting to a WebSocket server. */
import { describe, ProtocolError } from '../../errors.ts';
import { abortable } from '../../stream/abortable.ts';
import { deferred } from '../../stream/deferred.ts';
import type { AbortSignalLike, Transport } from '../../stream/transport.ts';
import { causeOf, reasonOf } from './faults.ts';
import { limitsOf, type WebSocketLike, type WebSocketOptions, webSocketTransport } from './transport.ts';

/** What makes a WebSocket. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

export interface DialOptions extends WebSocketOptions {
  readonly signal?: AbortSignalLike | undefined;
  readonly protocols?: string | string[] | undefined;
  /** The constructor. By default the global one, which Node has from version 22 on. */
  readonly WebSocket?: WebSocketConstructor | undefined;
}

/**
 * Connects to a WebSocket server.
 * @throws ProtocolError `transport` if it does not open; the signal's reason if it aborts.
 * @throws TypeError if the url is none of a WebSocket, or the runtime has no WebSocket of its own; TypeError,
 *   RangeError for invalid options.
 */
export async function dialWebSocket(url: string, options: DialOptions = {}): Promise<Transport> {
  const { signal, protocols, WebSocket = ownWebSocket(), ...rest } = options;
  limitsOf(rest);
  if (signal?.aborted) throw signal.reason;
  const socket = make(WebSocket, url, protocols);
  const opened = deferred<void>();
  const onOpen = (): void => opened.resolve();
  const onFailure = (event: object): void => opened.reject(unreachable(url, reasonOf(event), causeOf(event)));
  socket.addEventListener('open', onOpen);
  socket.addEventListener('error', onFailure);
  socket.addEventListener('close', onFailure);
  const transport = webSocketTransport(socket, rest);
  try {
    await abortable(opened.promise, signal);
    return transport;
  } catch (error) {
    transport.abort(error);
    throw error;
  } finally {
    socket.removeEventListener('open', onOpen);
    socket.removeEventListener('error', onFailure);
    socket.removeEventListener('close', onFailure);
  }
}

function make(WebSocket: WebSocketConstructor, url: string, protocols?: string | string[]): WebSocketLike {
  // A browser takes any text, for a path on the server of the page.
  if (!/^(ws|http)s?:\/\//i.test(String(url))) throw noUrl(url);
  try {
    return new WebSocket(url, protocols);
  } catch (cause) {
    // What a page may not do is no misuse: ws:// from a page of https://.
    if ((cause as Error).name === 'SecurityError')
      throw unreachable(url, ` (${(cause as Error).message})`, cause);
    throw noUrl(url, cause);
  }
}

function noUrl(url: unknown, cause?: unknown): TypeError {
  return new TypeError(`"url" expected a ws:// or wss:// url, got ${describe(url)}`, { cause });
}

const CHECK = 'check the url, and that a peer listens there';

/** A browser does not tell a page why. A server may also refuse pages that it does not know. */
function checkAll(): string {
  const { origin } = globalThis as { origin?: unknown };
  if (typeof origin !== 'string') return CHECK;
  return `check the url, that a peer listens there, and that it lets pages of this origin (${origin}) connect`;
}

function unreachable(url: string, why: string, cause: unknown): ProtocolError {
  return new ProtocolError(
    'transport',
    `cannot connect to ${url}${why}: ${why === '' ? checkAll() : CHECK}`,
    { cause },
  );
}

function ownWebSocket(): WebSocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (WebSocket !== undefined) return WebSocket;
  throw new TypeError(
    '"WebSocket" expected a constructor, as this runtime has none of its own: on Node, use `dialWebSocket` of "hypercore-wire/transport/node"',
  );
}
