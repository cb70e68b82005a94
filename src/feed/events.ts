/** What a feed tells of itself, to whoever subscribes. */
import type { ProtocolError } from '../errors.ts';
import type { ForkError } from './merkle/fork.ts';
import type { Peer } from './replication/peer.ts';
import type { PeerFault } from './replication/standing.ts';

/** What happens to a feed; see {@link Feed.subscribe}. */
export type FeedEvent =
  /** Blocks were appended here: `length` blocks, the first of them `start`. */
  | { readonly type: 'append'; readonly start: number; readonly length: number }
  /** Block `index` of `bytes` bytes was received, verified and stored. */
  | { readonly type: 'download'; readonly index: number; readonly bytes: number; readonly peer: Peer }
  /** Block `index` of `bytes` bytes was read and goes out to a peer. */
  | { readonly type: 'upload'; readonly index: number; readonly bytes: number; readonly peer: Peer }
  /** A peer sent a block that its proof does not prove; its session ends. */
  | {
      readonly type: 'rejected';
      readonly block: number;
      readonly peer: Peer;
      readonly error: ProtocolError;
    }
  /** A peer did something wrong; `peer.faults` counts. Too many end its session. `reason` says what it was. */
  | {
      readonly type: 'fault';
      readonly peer: Peer;
      readonly fault: PeerFault;
      readonly reason: string;
    }
  /** The writer signed two histories: nothing more is taken or given, and what waits rejects with `error`. */
  | { readonly type: 'fork'; readonly peer: Peer; readonly error: ForkError }
  /** A peer says that it has stored a block that we sent it. */
  | { readonly type: 'ack'; readonly index: number; readonly peer: Peer }
  /** `peer.remoteLength` has grown to `length` blocks. Not verified. */
  | { readonly type: 'remote-length'; readonly length: number; readonly peer: Peer }
  /** A message of an extension came on the feed's channel. */
  | { readonly type: 'extension'; readonly name: string; readonly payload: Uint8Array; readonly peer: Peer }
  /** A peer has opened the feed and can be asked for blocks. */
  | { readonly type: 'peer'; readonly peer: Peer }
  /** A peer's channel has closed, also one that never opened the feed. */
  | { readonly type: 'peer-left'; readonly peer: Peer };

/** Takes the events as they happen. */
export type FeedListener = (event: FeedEvent) => void;
