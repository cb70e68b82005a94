/** Connections that are kept, and one to a peer. */
export { worthAnotherTry } from './backoff.ts';
export type { Connection } from './connection.ts';
export { Connections, type ConnectionsOptions } from './connections.ts';
export type { Dial } from './dial.ts';
export type { ConnectionsEvent, ConnectionsListener } from './events.ts';
export type { KeepOptions, Link, LinkState } from './link.ts';
