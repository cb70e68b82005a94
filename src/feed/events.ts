/** What a feed tells of itself, to whoever subscribes. */
import type { ProtocolError } from '../errors.ts';
import type { Peer } from './replication/peer.ts';

export type FeedEvent =
  /** Blocks were appended here. */
  | { readonly type: 'append'; readonly start: number; readonly length: number }
  /** A block was received, verified and stored. */
  | { readonly type: 'download'; readonly index: number; readonly bytes: number; readonly peer: Peer }
  /** A block is on its way to a peer. */
  | { readonly type: 'upload'; readonly index: number; readonly bytes: number; readonly peer: Peer }
  /** A peer sent a block that its proof does not prove; its session ends. */
  | {
      readonly type: 'rejected';
      readonly block: number;
      readonly peer: Peer;
      readonly error: ProtocolError;
    }
  /** A peer says that it has stored a block that we sent it. */
  | { readonly type: 'ack'; readonly index: number; readonly peer: Peer }
  /** A peer tells what it has: `peer.remoteLength` may have grown. */
  | { readonly type: 'remote-length'; readonly length: number; readonly peer: Peer }
  /** A message of an extension came on the feed's channel. */
  | { readonly type: 'extension'; readonly name: string; readonly payload: Uint8Array; readonly peer: Peer }
  | { readonly type: 'peer'; readonly peer: Peer }
  | { readonly type: 'peer-left'; readonly peer: Peer };

export type FeedListener = (event: FeedEvent) => void;
