/**
 * What the entry point gives back can be named with its own types. Compiling this file is the test; nothing in
 * it runs.
 */
import {
  type AbortSignalLike,
  type Cancel,
  type Channel,
  type ChannelMessage,
  type ChannelSendable,
  type Clock,
  type CloseReason,
  type ConnectOptions,
  type Consumer,
  type CryptoProvider,
  connect,
  type Data,
  type DataNode,
  type Download,
  defaultLimits,
  type Extension,
  Feed,
  type FeedListener,
  type FeedLookup,
  type FeedMessage,
  type Handshake,
  type Have,
  type Info,
  type Keepalive,
  type KeyLookup,
  type KeyPair,
  type Limits,
  type MaybePromise,
  type MemoryFile,
  type MemoryStorage,
  type Message,
  memoryPair,
  memoryStorage,
  type NamedExtension,
  type Peer,
  type Produce,
  type Remote,
  type Replication,
  type Request,
  replicate,
  type Sendable,
  type Session,
  type Storage,
  type StorageFile,
  type TraceEvent,
  type TraceListener,
  type Transport,
  type Unassigned,
  type Unhave,
  type Unreadable,
  type Unwant,
  type Want,
} from '../src/index.ts';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
function same<A, B>(_: Same<A, B>): void {}

export async function names(options: ConnectOptions, produce: Produce, file: MemoryFile): Promise<void> {
  const pair: [Transport, Transport] = memoryPair();
  const storage: MemoryStorage = memoryStorage();
  const place: Storage = storage;
  const stored: StorageFile = file;
  const feed: Feed = await Feed.create(place);
  const download: Download = feed.download();
  const peers: readonly Peer[] = feed.peers;
  const replication: Replication = await replicate(pair[0], { feeds: feed });
  const session: Session = await connect(pair[1], options);
  const remote: Remote = session.remote;
  const clock: Clock = session.clock;
  const limits: Limits = session.limits ?? defaultLimits;
  const reason: CloseReason = await session.closed;
  const channel: Channel = session.open(feed.key);
  channel.sendLater(produce);
  const made: MaybePromise<Sendable | undefined> = produce();
  same<Parameters<Channel['receive']>[0], Consumer>(true);
  same<Parameters<Channel['send']>[0], ChannelSendable>(true);
  same<NonNullable<ConnectOptions['keys']>, KeyLookup>(true);
  same<NonNullable<ConnectOptions['signal']>, AbortSignalLike>(true);
  same<NonNullable<ConnectOptions['crypto']>, CryptoProvider>(true);
  same<NonNullable<ConnectOptions['trace']>, TraceListener>(true);
  same<Parameters<TraceListener>[0], TraceEvent>(true);
  same<ReturnType<CryptoProvider['keyPair']>, KeyPair>(true);
  same<Parameters<Feed['subscribe']>[0], FeedListener>(true);
  same<Extract<Parameters<typeof replicate>[1]['feeds'], (key: Uint8Array) => unknown>, FeedLookup>(true);
  same<Data['nodes'][number], DataNode>(true);
  same<ChannelMessage, Info | Have | Unhave | Want | Unwant | Request | Cancel | Data | NamedExtension>(true);
  same<
    Exclude<Message, Exclude<ChannelMessage, NamedExtension>>,
    FeedMessage | Handshake | Extension | Keepalive | Unassigned | Unreadable
  >(true);
  void [stored, download, peers, replication, remote, clock, limits, reason, made];
}
