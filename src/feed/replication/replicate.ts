/** A session whose channels are feeds. */

import { equals } from 'uint8arrays/equals';
import { toHex } from '../../crypto/hex.ts';
import { assertObject, describe } from '../../errors.ts';
import type { Channel } from '../../session/channel.ts';
import type { CloseReason } from '../../session/ending.ts';
import type { ConnectOptions, KeyLookup } from '../../session/options.ts';
import { connect, type Session } from '../../session/session.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import { assertTransport, type Transport } from '../../stream/transport.ts';
import { Feed } from '../feed.ts';
import type { Peer } from './peer.ts';

/**
 * Finds the feed with a discovery key (32 bytes); `undefined` where this side does not have it. A feed with another
 * discovery key counts as none.
 */
export type FeedLookup = (discoveryKey: Uint8Array) => MaybePromise<Feed | undefined>;

/** What {@link replicate} can be told, beside what {@link connect} can. */
export interface ReplicateOptions extends Omit<ConnectOptions, 'key' | 'keys'> {
  /**
   * One feed, or several, of which the first is opened first: the other side must open the same one first.
   * Or a function, for a server: it waits for the other side and answers with what that asks for.
   */
  readonly feeds: Feed | Iterable<Feed> | FeedLookup;
}

/** Feeds that are being replicated over one connection. */
export interface Replication {
  readonly session: Session;
  /** One for each feed that is being replicated. */
  readonly peers: Iterable<Peer>;
  /** Blocks that came over this connection, verified and stored, and blocks that went out. */
  readonly traffic: { readonly downloaded: number; readonly uploaded: number };
  /**
   * Asks for nothing more, so that other peers are asked, takes back what was announced, and tells the remote.
   * The connection stays. The remote still gets what it had asked for.
   */
  pause(): void;
  /** Announces and asks again. */
  resume(): void;
  /** Resolves with the reason when the session has ended. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /** Ends this side once what was sent is flushed, and waits for the remote. */
  close(): Promise<CloseReason>;
  /** Ends at once. */
  abort(reason?: unknown): void;
}

/**
 * Replicates feeds with a peer. Resolves on the peer's Handshake, before any block is there: `feed.read` and
 * `feed.get` wait for theirs. Unless `live`, the session closes when no side wants anything more of any feed;
 * of a sparse feed that is when all that `feed.download` asked for is there.
 *
 * @throws what {@link connect} throws; TypeError, RangeError for invalid feeds.
 */
export async function replicate(transport: Transport, options: ReplicateOptions): Promise<Replication> {
  assertTransport(transport);
  let replicated: readonly Feed[] | FeedLookup;
  try {
    replicated = feedsOf(options);
  } catch (error) {
    transport.abort(error);
    throw error;
  }
  if (typeof replicated === 'function') replicated = remembered(replicated);
  const { feeds: _, ...connectOptions } = options;
  const session = await connect(transport, {
    crypto: typeof replicated === 'function' ? undefined : replicated[0]!.crypto,
    ...connectOptions,
    ...(typeof replicated === 'function' ? { keys: keysOf(replicated) } : { key: replicated[0]!.key }),
  });
  const peers = new Set<Peer>();
  const past = { downloaded: 0, uploaded: 0 };
  let isPaused = false;
  const join = (feed: Feed, channel: Channel): void => {
    const peer = feed.join(channel);
    peers.add(peer);
    if (isPaused) peer.pause();
    void peer.done.then(() => {
      peers.delete(peer);
      past.downloaded += peer.downloaded;
      past.uploaded += peer.uploaded;
      if (peers.size === 0) void session.close();
    });
  };
  const setPaused = (value: boolean): void => {
    isPaused = value;
    for (const peer of peers) {
      if (value) peer.pause();
      else peer.resume();
    }
  };
  try {
    if (typeof replicated === 'function') void joinIncoming(session, replicated, join);
    else for (const feed of replicated) join(feed, session.open(feed.key));
  } catch (error) {
    session.abort(error);
    throw error;
  }
  return {
    session,
    peers,
    get traffic() {
      const traffic = { ...past };
      for (const { downloaded, uploaded } of peers) {
        traffic.downloaded += downloaded;
        traffic.uploaded += uploaded;
      }
      return traffic;
    },
    pause: () => setPaused(true),
    resume: () => setPaused(false),
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
  const joinOpened = async (channel: Channel): Promise<void> => {
    const feed = await lookup(channel.discoveryKey);
    // While the session closes, what was queued is still to go out.
    if (feed !== undefined && session.isOpen && !channel.isEnded) join(feed, channel);
  };
  for await (const channel of session.incoming) {
    // The session opens what is found, each as it is found: a lookup that takes long holds no other up.
    channel.opened.then(
      () => joinOpened(channel).catch((error) => session.abort(error)),
      () => {},
    );
  }
}

/**
 * Asks once for each feed: the session wants its key, and then we want the feed. A lookup that always gives the same
 * feed has only that one.
 */
function remembered(lookup: FeedLookup): FeedLookup {
  const found = new Map<string, MaybePromise<Feed | undefined>>();
  return (discoveryKey) => {
    const name = toHex(discoveryKey);
    if (!found.has(name)) {
      const checked = (feed: Feed | undefined): Feed | undefined => asked(feed, discoveryKey);
      const feed = lookup(discoveryKey);
      found.set(name, after(feed, checked));
    }
    return found.get(name);
  };
}

function asked(feed: Feed | undefined, discoveryKey: Uint8Array): Feed | undefined {
  if (feed === undefined || feed === null) return undefined;
  if (!(feed instanceof Feed))
    throw new TypeError(`"feeds" expected its function to find a feed or undefined, got ${describe(feed)}`);
  return equals(feed.discoveryKey, discoveryKey) ? feed : undefined;
}

/** At once where the lookup knows at once: the messages behind a Feed do not wait long. */
function keysOf(lookup: FeedLookup): KeyLookup {
  return (discoveryKey) => {
    return after(lookup(discoveryKey), (feed) => feed?.key);
  };
}

/**
 * The feeds of the options, or the function that finds them.
 * @throws TypeError, RangeError where there are none.
 */
export function feedsOf(options: {
  readonly feeds: ReplicateOptions['feeds'];
}): readonly Feed[] | FeedLookup {
  assertObject('options', options, 'as in { feeds: feed }');
  const { feeds } = options;
  if (typeof feeds === 'function') return feeds;
  const isIterable = typeof (feeds as Iterable<Feed> | undefined)?.[Symbol.iterator] === 'function';
  if (!(feeds instanceof Feed) && (!isIterable || typeof feeds === 'string'))
    throw new TypeError(
      `"feeds" expected a feed, feeds, or a function that finds one, got ${describe(feeds)}`,
    );
  const list = feeds instanceof Feed ? [feeds] : [...feeds];
  if (list.length === 0) throw new RangeError('"feeds" expected a feed, got none');
  const keys = new Set<string>();
  for (const feed of list) {
    if (!(feed instanceof Feed))
      throw new TypeError(`"feeds" expected feeds, got ${describe(feed)} among them`);
    const key = toHex(feed.key);
    if (keys.has(key)) throw new TypeError(`"feeds" expected each feed once, got two with the key ${key}`);
    keys.add(key);
  }
  return list;
}
