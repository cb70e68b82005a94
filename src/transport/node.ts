/**
 * Node: TCP, any other Duplex, and WebSockets by `ws`.
 *
 * @module hypercore-wire/transport/node
 */
export { nodeTransport } from './node/duplex.ts';
export type { Listener } from './node/listener.ts';
export { dialTcp, listenTcp } from './node/tcp.ts';
export {
  type DialWebSocketOptions,
  dialWebSocket,
  type ListenWebSocketOptions,
  listenWebSocket,
} from './node/websocket.ts';
