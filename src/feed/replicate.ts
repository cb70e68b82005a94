/** A session whose channels are feeds. */
import type { Channel } from '../channel.ts';
import { toHex } from '../crypto/hex.ts';
import type { CloseReason } from '../ending.ts';
import { describe } from '../errors.ts';
import type { ConnectOptions } from '../options.ts';
import { connect, type Session } from '../session.ts';
import type { MaybePromise } from '../stream/stage.ts';
import type { Transport } from '../stream/transport.ts';
import { Feed } from './feed.ts';

/** Finds the feed with a discovery key (32 bytes); `undefined` where this side does not have it. */
export type FeedLookup = (discoveryKey: Uint8Array) => MaybePromise<Feed | undefined>;

export interface ReplicateOptions extends Omit<ConnectOptions, 'key' | 'keys' | 'crypto'> {
  /**
   * One feed, or several, of which the first is opened first: the other side must open the same one first.
   * Or a function, for a server: it waits for the other side and answers with what that asks for.
   */
  readonly feeds: Feed | Iterable<Feed> | FeedLookup;
}

/** Feeds that are being replicated over one connection. */
export interface Replication {
  readonly session: Session;
  /** Resolves with the reason when the session has ended. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /** Ends this side once what was sent is flushed, and waits for the remote. */
  close(): Promise<CloseReason>;
  /** Ends at once. */
  abort(reason?: unknown): void;
}

/**
 * Replicates feeds with a peer. Resolves on the peer's Handshake. Unless `live`, the session closes when no
 * side wants anything more of any feed.
 *
 * @throws what {@link connect} throws.
 */
export async function replicate(transport: Transport, options: ReplicateOptions): Promise<Replication> {
  const { feeds, ...connectOptions } = options;
  const [first, ...others] = listOf(feeds);
  const lookup = lookupOf(feeds);
  const session = await connect(transport, {
    ...connectOptions,
    crypto: first?.crypto,
    key: first?.key,
    keys: first === undefined ? async (discoveryKey) => (await lookup(discoveryKey))?.key : undefined,
  });
  const joined: Promise<void>[] = [];
  const join = (feed: Feed, channel: Channel): void => {
    const peer = feed.join(channel);
    joined.push(peer.done);
    if (!session.live) void closeWhenDone(session, joined);
  };
  if (first === undefined) void joinIncoming(session, lookup, join);
  else for (const feed of [first, ...others]) join(feed, session.open(feed.key));
  return {
    session,
    closed: session.closed,
    close: () => session.close(),
    abort: (reason) => session.abort(reason),
  };
}

/** Joins what the remote opens and this side has. */
async function joinIncoming(
  session: Session,
  lookup: FeedLookup,
  join: (feed: Feed, channel: Channel) => void,
): Promise<void> {
  try {
    for await (const channel of session.incoming) {
      const feed = await lookup(channel.discoveryKey);
      if (feed !== undefined && !channel.isEnded) join(feed, session.open(feed.key));
    }
  } catch (error) {
    session.abort(error);
  }
}

/** Closes when all that have joined by then are done. */
async function closeWhenDone(session: Session, joined: readonly Promise<void>[]): Promise<void> {
  const { length } = joined;
  await Promise.all(joined);
  if (joined.length === length) await session.close();
}

function listOf(feeds: ReplicateOptions['feeds']): Feed[] {
  if (typeof feeds === 'function') return [];
  const list = feeds instanceof Feed ? [feeds] : [...feeds];
  if (list.length === 0) throw new RangeError('"feeds" expected a feed, got none');
  for (const feed of list) {
    if (!(feed instanceof Feed))
      throw new TypeError(`"feeds" expected feeds, got ${describe(feed)} among them`);
  }
  return list;
}

function lookupOf(feeds: ReplicateOptions['feeds']): FeedLookup {
  if (typeof feeds === 'function') return feeds;
  const byName = new Map(listOf(feeds).map((feed) => [toHex(feed.discoveryKey), feed]));
  return (discoveryKey) => byName.get(toHex(discoveryKey));
}
