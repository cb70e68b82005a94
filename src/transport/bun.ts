/**
 * WebSockets that Bun's own server accepts. A client in Bun is as everywhere: `hypercore-wire/transport/websocket`.
 *
 * @module hypercore-wire/transport/bun
 */
import type { Transport } from '../stream/transport.ts';
import {
  limitsOf,
  type WebSocketEvent,
  type WebSocketLike,
  type WebSocketOptions,
  webSocketTransport,
} from './websocket/transport.ts';

/** The part of Bun's `ServerWebSocket` that is used. */
export interface BunSocket {
  readonly readyState: number;
  binaryType?: 'nodebuffer' | 'arraybuffer' | 'uint8array' | undefined;
  getBufferedAmount(): number;
  /** 0 if it was dropped. */
  send(data: Uint8Array<ArrayBuffer>): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  /** Older versions cannot pause. */
  readonly isPaused?: boolean;
  pause?(): void;
  resume?(): void;
}

/** What `Bun.serve` takes as `websocket`. */
export interface BunWebSocketHandler {
  readonly maxPayloadLength: number;
  open(socket: BunSocket): void;
  message(socket: BunSocket, data: unknown): void;
  close(socket: BunSocket, code: number, reason: string): void;
}

/**
 * Calls `onTransport` for each WebSocket that a server of Bun accepts:
 *
 *     Bun.serve({ fetch: (request, server) => …server.upgrade(request)…, websocket: bunWebSocket(onTransport) })
 *
 * Which pages may connect is for `fetch` to say: see `acceptsOrigin`. A message over `queueBytes` ends its
 * connection.
 */
export function bunWebSocket(
  onTransport: (transport: Transport) => void,
  options: WebSocketOptions = {},
): BunWebSocketHandler {
  const served = new WeakMap<BunSocket, ServedSocket>();
  return {
    maxPayloadLength: limitsOf(options).queueBytes,
    open(socket) {
      const made = new ServedSocket(socket);
      served.set(socket, made);
      onTransport(webSocketTransport(made, options));
    },
    message: (socket, data) => served.get(socket)?.tell('message', { data }),
    close: (socket, code, reason) => served.get(socket)?.tell('close', { code, reason }),
  };
}

/** As a WebSocket of everywhere else, which has its events itself. */
class ServedSocket implements WebSocketLike {
  readonly #socket: BunSocket;
  readonly #listeners = new Map<WebSocketEvent, Set<(event: object) => void>>();

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  get bufferedAmount(): number {
    return this.#socket.getBufferedAmount();
  }

  get binaryType(): string {
    return this.#socket.binaryType ?? 'nodebuffer';
  }

  set binaryType(type: string) {
    this.#socket.binaryType = type as NonNullable<BunSocket['binaryType']>;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.send(data) === 0 && data.byteLength > 0) throw new Error('the message was dropped');
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  get isPaused(): boolean {
    return this.#socket.isPaused ?? false;
  }

  pause(): void {
    this.#socket.pause?.();
  }

  resume(): void {
    this.#socket.resume?.();
  }

  addEventListener(type: WebSocketEvent, listener: (event: object) => void): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
  }

  removeEventListener(type: WebSocketEvent, listener: (event: object) => void): void {
    this.#listeners.get(type)?.delete(listener);
  }

  tell(type: WebSocketEvent, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
