/**
 * WebSockets, of whatever runtime or library, on both sides.
 *
 * @module hypercore-wire/transport/websocket
 */
export { type DialOptions, dialWebSocket, type WebSocketConstructor } from './websocket/dial.ts';
export { acceptsOrigin } from './websocket/origin.ts';
export {
  type WebSocketEvent,
  type WebSocketLike,
  type WebSocketOptions,
  webSocketTransport,
} from './websocket/transport.ts';
