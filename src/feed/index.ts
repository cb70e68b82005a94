/**
 * `hypercore-wire/feed`: feeds, their replication, and what a storage has to be.
 *
 * @module hypercore-wire/feed
 */
export type { FeedEvent, FeedListener } from './events.ts';
export { Feed } from './feed.ts';
export { ForkError, type SignedTree } from './merkle/fork.ts';
export type { TreeNode } from './merkle/hash.ts';
export type {
  CreateOptions,
  Download,
  GetOptions,
  OpenOptions,
  Range,
  ReadOptions,
  SeekOptions,
  SeekResult,
} from './options.ts';
export type { Peer } from './replication/peer.ts';
export {
  type FeedLookup,
  type ReplicateOptions,
  type Replication,
  replicate,
} from './replication/replicate.ts';
export type { PeerFault, PeerFaults } from './replication/standing.ts';
export type { FileName, Storage, StorageFile } from './storage.ts';
