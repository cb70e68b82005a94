/** Any WebSocket as a transport: a page's, a worker's, Deno's, Bun's, Node's own, and those of `ws`, both sides. */
import { assertInteger, describe, ProtocolError } from '../errors.ts';
import { abortable } from '../stream/abortable.ts';
import { type Clock, systemClock } from '../stream/clock.ts';
import { deferred } from '../stream/deferred.ts';
import type { AbortSignalLike, Transport } from '../stream/transport.ts';
import { MessageTransport } from './message-transport.ts';

/** The part of a `WebSocket` that is used. */
export interface WebSocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: SocketEvent, listener: (event: object) => void): void;
  removeEventListener(type: SocketEvent, listener: (event: object) => void): void;
  /** `ws` can hold the remote back. */
  readonly isPaused?: boolean;
  pause?(): void;
  resume?(): void;
  /** `ws` can close without waiting for the remote. */
  terminate?(): void;
}

type SocketEvent = 'open' | 'message' | 'error' | 'close';

/** What makes a WebSocket. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

export interface WebSocketOptions {
  /**
   * Bytes received and not yet read, past which the connection fails with `transport-overflow`: most WebSockets
   * cannot pause. 16 MiB by default. Must leave room for the largest frame and what a channel holds unread,
   * 9 MiB by default.
   */
  readonly queueBytes?: number;
  /** Bytes that the socket has not sent yet, from which on the sink waits. 256 KiB by default. */
  readonly bufferedBytes?: number;
  readonly clock?: Clock;
}

export interface DialOptions extends WebSocketOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** The constructor. By default the global `WebSocket`; Node has one from 22 on, before that use that of `ws`. */
  readonly WebSocket?: WebSocketConstructor;
  readonly protocols?: string | string[];
}

const OPEN = 1;
/** A byte stream may be cut anywhere. Small messages keep what a receiver holds at once small. */
const MESSAGE_BYTES = 65_536;
/** Where a socket can pause, this much is read ahead. */
const READ_AHEAD_BYTES = 262_144;
/** Done, going away (a page that is left), and closed without a code. */
const PROPER_CODES: readonly unknown[] = [1000, 1001, 1005];
/** The first of those that are free for applications. */
const ABORTED = 4000;

/**
 * A transport over a WebSocket that is open or connecting, which is the transport's from now on. Each message
 * is a piece of the byte stream; an empty one says that this side has ended, and the socket is closed when both
 * have. A remote that closes it sooner, as peers do that know no such message, takes nothing more: what was left
 * to send is dropped. `ws` has its own cap for one message: its option `maxPayload`.
 */
export function webSocketTransport(socket: WebSocketLike, options: WebSocketOptions = {}): Transport {
  const { queueBytes = 16_777_216, bufferedBytes = 262_144, clock = systemClock() } = options;
  assertInteger('queueBytes', queueBytes, 1);
  assertInteger('bufferedBytes', bufferedBytes, 1);
  const readAhead = Math.min(READ_AHEAD_BYTES, queueBytes / 2);
  let cause: unknown;
  let pollMs = 0;
  let cancelPoll = (): void => {};

  const transport = new MessageTransport(
    {
      room: () => (socket.readyState === OPEN && socket.bufferedAmount < bufferedBytes ? MESSAGE_BYTES : 0),
      send(bytes) {
        pollMs = 0;
        socket.send(bytes as Uint8Array<ArrayBuffer>);
      },
      end: () => socket.send(new Uint8Array(0)),
      isFlushed: () => socket.readyState === OPEN && socket.bufferedAmount === 0,
      // No event tells when a socket has sent. A hidden page's timers are slow: it also looks whenever it receives.
      onWait() {
        cancelPoll();
        if (socket.readyState !== OPEN) return;
        cancelPoll = clock.after(pollMs, () => transport.changed());
        pollMs = Math.min(2 * pollMs + 1, 20);
      },
      release(fault) {
        cancelPoll();
        socket.removeEventListener('open', onOpen);
        socket.removeEventListener('message', onMessage);
        // The close of a paused socket would never be read.
        socket.resume?.();
        if (fault === undefined) return socket.close(1000);
        socket.close(ABORTED, fault instanceof ProtocolError ? fault.code : 'aborted');
        socket.terminate?.();
      },
    },
    queueBytes,
    () => {
      if (socket.isPaused && transport.queuedBytes < readAhead) socket.resume?.();
    },
  );

  const onOpen = (): void => transport.changed();
  const onMessage = (event: { data?: unknown }): void => {
    const { data } = event;
    if (typeof data === 'string') return transport.fail(textMessage());
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes.byteLength === 0) return transport.remoteEnded();
    transport.receive(bytes);
    if (transport.queuedBytes >= readAhead) socket.pause?.();
  };
  // Stays until the close: an error that nobody listens to would end a Node process.
  const onError = (event: { error?: unknown }): void => {
    cause = event.error;
  };
  const onClose = (event: object): void => {
    socket.removeEventListener('error', onError);
    socket.removeEventListener('close', onClose);
    if (PROPER_CODES.includes((event as CloseEventLike).code)) transport.remoteClosed();
    else transport.fail(closed(event, cause));
  };

  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', onOpen);
  socket.addEventListener('message', onMessage);
  socket.addEventListener('error', onError);
  socket.addEventListener('close', onClose);
  if (socket.readyState > OPEN) onClose({ reason: 'it was closed already' });
  return transport;
}

interface CloseEventLike {
  readonly code?: number;
  readonly reason?: string;
}

function closed({ code, reason }: CloseEventLike, cause: unknown): ProtocolError {
  const why = [code, reason, (cause as Error | undefined)?.message].filter(Boolean).join(', ');
  return new ProtocolError('transport', `the WebSocket was closed (${why}): reconnect`, { cause });
}

function textMessage(): ProtocolError {
  return new ProtocolError(
    'dialect',
    'the remote sent text, where the protocol is binary: check that the url is that of a Hypercore 6 peer',
  );
}

/**
 * Connects to a WebSocket server.
 * @throws ProtocolError `transport` if it does not open; the signal's reason if it aborts.
 * @throws TypeError if the url is none of a WebSocket, or the runtime has no WebSocket of its own.
 */
export async function dialWebSocket(url: string, options: DialOptions = {}): Promise<Transport> {
  const { signal, protocols, WebSocket = ownWebSocket(), ...rest } = options;
  if (signal?.aborted) throw signal.reason;
  const socket = make(WebSocket, url, protocols);
  const transport = webSocketTransport(socket, rest);
  const opened = deferred<void>();
  let cause: unknown;
  const onOpen = (): void => opened.resolve();
  const onError = (event: { error?: unknown }): void => {
    cause = event.error;
  };
  const onClose = (): void => {
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    opened.reject(
      new ProtocolError('transport', `cannot connect to ${url}${why}: check that a server listens there`, {
        cause,
      }),
    );
  };
  socket.addEventListener('open', onOpen);
  socket.addEventListener('error', onError);
  socket.addEventListener('close', onClose);
  try {
    await abortable(opened.promise, signal);
    return transport;
  } catch (error) {
    transport.abort(error);
    throw error;
  } finally {
    socket.removeEventListener('open', onOpen);
    socket.removeEventListener('error', onError);
    socket.removeEventListener('close', onClose);
  }
}

function make(WebSocket: WebSocketConstructor, url: string, protocols?: string | string[]): WebSocketLike {
  try {
    return new WebSocket(url, protocols);
  } catch (cause) {
    throw new TypeError(`"url" expected a ws:// or wss:// url, got ${describe(url)}`, { cause });
  }
}

function ownWebSocket(): WebSocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (WebSocket !== undefined) return WebSocket;
  throw new TypeError(
    '"WebSocket" expected a constructor, as this runtime has none of its own: install "ws" and pass its WebSocket',
  );
}
