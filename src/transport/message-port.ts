/**
 * A MessagePort or a worker as a transport: between a page, its workers and its tabs, and Node's worker threads.
 *
 * @module hypercore-wire/transport/message-port
 */
import { describe, ProtocolError } from '../errors.ts';
import { queueCost } from '../stream/queue.ts';
import type { Transport } from '../stream/transport.ts';
import { MessageTransport } from './message-transport.ts';

/**
 * The part of a `MessagePort`, a `Worker` or a worker's global scope that is used. Only a port has `start`.
 * Node's own `Worker` has other events: give it one port of a `MessageChannel`.
 */
export interface MessagePortLike {
  /** Takes buffers to transfer; `never`, as TypeScript takes the scope of a worker for that of a window. */
  postMessage(message: unknown, transfer?: never): void;
  addEventListener(type: PortEvent, listener: (event: object) => void): void;
  removeEventListener(type: PortEvent, listener: (event: object) => void): void;
  start?(): void;
  close?(): void;
}

/** The events of a port that are listened to. */
export type PortEvent = 'message' | 'messageerror' | 'error' | 'close';

/** Names our messages, among those that an app, or a storage, sends by the same worker. */
const NAME = 'hypercore-wire transport';
/** What may be under way and unread, by `queueCost`. */
const WINDOW_BYTES = 1_048_576;

/**
 * What is sent, each in an object under {@link NAME}: a piece of the byte stream; how many bytes the other side may
 * send in total, which only grows; `end` of this direction; `close` of both.
 */
type Content = ArrayBuffer | number | 'end' | 'close';

/**
 * A transport over a MessagePort, a Worker, or the global scope of a dedicated worker; the other end of it makes
 * one too, sooner or later. It has one transport in its life: for more, send ports through it. A port is the
 * transport's from now on, and closed at the end. Other messages, as an app's or a storage's, are left alone.
 *
 * Buffers are transferred. The sender waits for credit, so a slow reader holds it back wherever it is. A Worker
 * tells of an error that it did not catch, and a port of Node or Bun that its other side has gone. Nothing in a
 * browser or Deno tells of a worker that was terminated or a page that was closed: the session's idle deadline does.
 */
export function messagePortTransport(port: MessagePortLike): Transport {
  if (typeof port?.postMessage !== 'function' || typeof port.addEventListener !== 'function') {
    throw new TypeError(
      `"port" expected a MessagePort, a Worker or a worker's global scope, got ${describe(port)}: to a Worker of Node, send one port of a MessageChannel`,
    );
  }
  /** By `queueCost`: sent, and how many may be; received, and how many the other side may send. */
  let [sent, limit, received, granted] = [0, 0, 0, 0];
  let isMet = false;
  let isReleased = false;

  const transport = new MessageTransport(
    {
      room: () => limit - sent - queueCost(0),
      send(bytes) {
        sent += queueCost(bytes.byteLength);
        // Others may see the rest of the buffer, which a transfer would take from them.
        const buffer = isWhole(bytes) ? bytes.buffer : bytes.slice().buffer;
        post(buffer as ArrayBuffer, [buffer as ArrayBuffer]);
      },
      end: () => post('end'),
      isFlushed: () => true,
      release() {
        isReleased = true;
        // For those platforms and workers that do not tell; of no effect where both have ended.
        post('close');
        for (const [type, listener] of listeners) port.removeEventListener(type, listener);
        // A worker's global scope would end the worker.
        if (port.start !== undefined) port.close?.();
      },
    },
    WINDOW_BYTES,
    () => {
      if (!isReleased && grantable() - granted >= WINDOW_BYTES / 2) grant();
    },
  );

  const post = (content: Content, transfer: ArrayBuffer[] = []): void =>
    port.postMessage({ [NAME]: content }, transfer as never);
  const grantable = (): number => received - transport.queuedBytes + WINDOW_BYTES;
  const grant = (): void => {
    granted = grantable();
    post(granted);
  };
  const onMessage = (event: { data?: unknown }): void => {
    const content = (event.data as { [NAME]?: Content } | null | undefined)?.[NAME];
    if (content === undefined) return;
    // It may have begun to listen only after our first grant.
    if (!isMet) grant();
    isMet = true;
    if (content instanceof ArrayBuffer) {
      received += queueCost(content.byteLength);
      transport.receive(new Uint8Array(content));
    } else if (content === 'end') {
      transport.remoteEnded();
    } else if (content === 'close') {
      onClose();
    } else if (Number.isSafeInteger(content)) {
      limit = Math.max(limit, content);
      transport.changed();
    } else {
      transport.fail(
        new ProtocolError(
          'bad-message',
          `the other side of the port sent ${describe(content)}: check that it is a transport of the same version`,
        ),
      );
    }
  };
  const onClose = (): void =>
    transport.fail(
      new ProtocolError('transport', 'the other side of the port went before both had ended: connect again'),
    );
  const onMessageError = (): void =>
    transport.fail(new ProtocolError('transport', 'a message could not be read here: connect again'));
  const onError = (event: { message?: unknown; error?: unknown }): void =>
    transport.fail(
      new ProtocolError(
        'transport',
        `the worker failed (${event.message ?? 'its script could not be loaded'}): start it again`,
        { cause: event.error },
      ),
    );
  const listeners = [
    ['message', onMessage],
    ['messageerror', onMessageError],
    ['error', onError],
    ['close', onClose],
  ] as const;

  for (const [type, listener] of listeners) port.addEventListener(type, listener);
  port.start?.();
  grant();
  return transport;
}

function isWhole({ byteLength, buffer }: Uint8Array): boolean {
  return byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
}
