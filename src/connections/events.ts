/** What connections tell of themselves. */
import type { CloseReason } from '../session/ending.ts';
import type { Connection } from './connection.ts';
import type { Link } from './link.ts';

/** What connections tell of themselves; see {@link Connections.subscribe}. */
export type ConnectionsEvent =
  /** A peer has shown that it knows the key. */
  | { readonly type: 'connected'; readonly connection: Connection }
  | { readonly type: 'disconnected'; readonly connection: Connection; readonly reason: CloseReason }
  /** There are two connections to one peer: `connection` is being closed, `kept` stays. */
  | { readonly type: 'duplicate'; readonly connection: Connection; readonly kept: Connection }
  /** A transport that was added did not become a connection. */
  | { readonly type: 'refused'; readonly error: unknown }
  /** A link has no connection, because of `error`, and dials for the `attempt`th time in `waitMs`. */
  | {
      readonly type: 'retry';
      readonly link: Link;
      readonly error: unknown;
      readonly attempt: number;
      readonly waitMs: number;
    }
  /** A link dials no more: no attempt is left, or none can help. */
  | { readonly type: 'gave-up'; readonly link: Link; readonly error: unknown };

/** Takes the events as they happen. */
export type ConnectionsListener = (event: ConnectionsEvent) => void;
