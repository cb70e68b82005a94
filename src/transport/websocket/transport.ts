/** Any WebSocket as a transport: a page's, a worker's, Deno's, Bun's, Node's own, and those of `ws`, both sides. */
import { assertInteger } from '../../errors.ts';
import { type Clock, systemClock } from '../../stream/clock.ts';
import type { Transport } from '../../stream/transport.ts';
import { MessageTransport } from '../message-transport.ts';
import { closeOf, faultOfClose, faultOfError, notBinary } from './faults.ts';

/** The part of a `WebSocket` that is used. */
export interface WebSocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: WebSocketEvent, listener: (event: object) => void): void;
  removeEventListener(type: WebSocketEvent, listener: (event: object) => void): void;
  /** `ws` and Bun can hold the remote back. */
  readonly isPaused?: boolean;
  pause?(): void;
  resume?(): void;
  /** `ws` and Bun can close without waiting for the remote. */
  terminate?(): void;
}

/** The events of a WebSocket that are listened to. */
export type WebSocketEvent = 'open' | 'message' | 'error' | 'close';

/** What {@link webSocketTransport} can be told. */
export interface WebSocketOptions {
  /**
   * Bytes received and not yet read, past which the connection fails with `transport-overflow`: most WebSockets
   * cannot pause. 16 MiB by default. Must leave room for the largest frame and what a channel holds unread,
   * 9 MiB by default.
   */
  readonly queueBytes?: number | undefined;
  /** Bytes that the socket has not sent yet, from which on the sink waits. 256 KiB by default. */
  readonly bufferedBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A byte stream may be cut anywhere. Small messages keep what a receiver holds at once small. */
const MESSAGE_BYTES = 65_536;
/** Where a socket can pause, this much is read ahead. */
const READ_AHEAD_BYTES = 262_144;
const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const OPEN = 1;
const CLOSED = 3;

/** The limits that apply. @throws TypeError, RangeError for invalid ones. */
export function limitsOf(options: WebSocketOptions): { queueBytes: number; bufferedBytes: number } {
  const { queueBytes = 16_777_216, bufferedBytes = 262_144 } = options;
  assertInteger('queueBytes', queueBytes, 1);
  assertInteger('bufferedBytes', bufferedBytes, 1);
  return { queueBytes, bufferedBytes };
}

/**
 * A transport over a WebSocket that is open or connecting, which is the transport's from now on.
 *
 * Each message is a piece of the byte stream. A WebSocket has no half-close: an empty message says that a side
 * has ended, and the socket is closed when both have. A side that knows this greets with an empty message. With
 * one that does not, such as the stream of another library, the end of either side closes the socket, and what
 * the other has left to send is dropped.
 *
 * Text fails with `dialect`. A message is in memory as a whole before it counts against `queueBytes`; `ws` has a
 * cap for it, `maxPayload`.
 * @throws TypeError, RangeError for invalid options.
 */
export function webSocketTransport(socket: WebSocketLike, options: WebSocketOptions = {}): Transport {
  const { queueBytes, bufferedBytes } = limitsOf(options);
  const { clock = systemClock() } = options;
  const readAhead = Math.min(READ_AHEAD_BYTES, queueBytes / 2);
  let hasGreeted = false;
  /** Whether the remote greeted us; unknown before its first message. */
  let isGreeted: boolean | undefined;
  let pollMs = 0;
  let cancelPoll = (): void => {};

  const send = (bytes: Uint8Array): void => {
    if (!hasGreeted) socket.send(EMPTY);
    hasGreeted = true;
    pollMs = 0;
    socket.send(bytes as Uint8Array<ArrayBuffer>);
  };
  const transport = new MessageTransport(
    {
      room: () => (socket.readyState === OPEN && socket.bufferedAmount < bufferedBytes ? MESSAGE_BYTES : 0),
      send,
      end: () => send(EMPTY),
      knowsEnd: () => isGreeted !== false,
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
        if (socket.isPaused) socket.resume?.();
        socket.close(...closeOf(fault));
        if (fault !== undefined) socket.terminate?.();
      },
    },
    queueBytes,
    () => {
      if (socket.isPaused && transport.queuedBytes < readAhead) socket.resume?.();
    },
  );

  const onOpen = (): void => transport.changed();
  const onMessage = ({ data }: { data?: unknown }): void => {
    const byteLength = (data as { byteLength?: number } | undefined)?.byteLength;
    if (byteLength === undefined) return transport.fail(notBinary(data));
    if (byteLength > 0) transport.receive(new Uint8Array(data as ArrayBuffer));
    else if (isGreeted) transport.remoteEnded();
    isGreeted ??= byteLength === 0;
    if (transport.queuedBytes >= readAhead) socket.pause?.();
  };
  // These two stay until the close: an error that nobody listens to would end a Node process.
  const onError = (event: object): void => transport.fail(faultOfError(event));
  const onClose = (event: object): void => {
    socket.removeEventListener('error', onError);
    socket.removeEventListener('close', onClose);
    const fault = faultOfClose(event);
    if (fault === undefined) transport.remoteClosed();
    else transport.fail(fault);
  };

  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', onOpen);
  socket.addEventListener('message', onMessage);
  socket.addEventListener('error', onError);
  socket.addEventListener('close', onClose);
  if (socket.readyState === CLOSED) onClose({ reason: 'it was closed already' });
  return transport;
}
