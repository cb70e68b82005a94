/**
 * What the entry point gives back can be named with its own types. Compiling this file is the test; nothing in
 * it runs.
 */
import {
  ChannelExtension,
  createIdentity,
  type EphemeralMessage,
  type ExtensionEvent,
  type Identity,
  json,
  type Member,
  type Role,
  Room,
  type SealedMessage,
  type SessionDataMessage,
  type SignedMessage,
  type Verified,
} from '../src/extension/index.ts';
import {
  type AbortSignalLike,
  type Cancel,
  type Channel,
  type ChannelMessage,
  type ChannelSendable,
  type Clock,
  type CloseReason,
  type Connection,
  Connections,
  type ConnectionsEvent,
  type ConnectionsListener,
  type ConnectionsOptions,
  type ConnectOptions,
  type Consumer,
  type CryptoProvider,
  connect,
  type Data,
  type DataNode,
  type Dial,
  type Download,
  defaultLimits,
  type Extension,
  type ExtensionLike,
  Feed,
  type FeedListener,
  type FeedLookup,
  type FeedMessage,
  type Handshake,
  type Have,
  type Info,
  type Keepalive,
  type KeepOptions,
  type KeyLookup,
  type KeyPair,
  type LimitedTransport,
  type Limits,
  type Link,
  type LinkState,
  limited,
  type MaybePromise,
  type MemoryFile,
  type MemoryStorage,
  type Message,
  memoryPair,
  memoryStorage,
  type NamedExtension,
  type Peer,
  type Produce,
  type RateLimits,
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
  type TraceOptions,
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
  const made: MaybePromise<Sendable | readonly Sendable[] | undefined> = produce();
  same<Parameters<Channel['receive']>[0], Consumer>(true);
  same<Parameters<Channel['send']>[0], ChannelSendable>(true);
  same<NonNullable<ConnectOptions['keys']>, KeyLookup>(true);
  same<NonNullable<ConnectOptions['signal']>, AbortSignalLike>(true);
  same<NonNullable<ConnectOptions['crypto']>, CryptoProvider>(true);
  same<NonNullable<ConnectOptions['trace']>, TraceListener | TraceOptions>(true);
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

export function kept(options: ConnectionsOptions, dial: Dial, keep: KeepOptions, limits: RateLimits): void {
  const connections: Connections = new Connections(options);
  const link: Link = connections.keep(dial, keep);
  const state: LinkState = link.state;
  const [connection]: Connection[] = [...connections];
  connection?.limit(limits);
  const line: LimitedTransport = limited(memoryPair()[0]);
  line.limit(limits);
  same<Parameters<Connections['subscribe']>[0], ConnectionsListener>(true);
  same<Parameters<ConnectionsListener>[0], ConnectionsEvent>(true);
  void state;
}

/** What nobody has verified cannot be taken for what is: each of these must not compile. */
export function unverified(
  ephemeral: EphemeralMessage,
  data: SessionDataMessage,
  signed: SignedMessage,
  sealed: SealedMessage,
): void {
  const trust = (_: Verified): void => {};
  const attribute = (_: { readonly verified: true; readonly payload: Uint8Array }): void => {};
  trust(signed);
  trust(sealed);
  attribute(signed);
  attribute(sealed);
  // @ts-expect-error: anybody could have said it.
  trust(ephemeral);
  // @ts-expect-error: anybody could have said it.
  trust(data);
  // @ts-expect-error: anybody could have said it.
  attribute(ephemeral);
  // @ts-expect-error: it has no sender.
  void ephemeral.sender;
  // @ts-expect-error: it has no sender.
  void data.sender;
  // @ts-expect-error: a signed message is not made by putting a sender beside what is not signed.
  const made: SignedMessage = { ...ephemeral, sender: signed.sender };
  const either: EphemeralMessage | SignedMessage = Math.random() > 0.5 ? ephemeral : signed;
  // @ts-expect-error: only after asking which of the two it is.
  void either.sender;
  if (either.verified) void either.sender;
  same<EphemeralMessage['verified'] | SessionDataMessage['verified'], false>(true);
  same<SignedMessage['verified'] | SealedMessage['verified'], true>(true);
  void made;
}

/** The extensions' own types can be named. */
export async function extensions(session: Session, channel: Channel): Promise<void> {
  const chat: ChannelExtension<{ line: string }> = new ChannelExtension('chat', { codec: json() });
  const event = (_: ExtensionEvent<{ line: string }, Channel>): void => {};
  chat.subscribe(event);
  chat.send({ line: 'a' }, channel);
  // @ts-expect-error: the codec's type.
  chat.send('a', channel);
  // @ts-expect-error: an extension of a channel is sent to one.
  chat.send({ line: 'a' }, session);
  const room: Room<{ name: string }, string> = await Room.open({ key: channel.discoveryKey });
  const member: Member<{ name: string }> | undefined = room.members.get('');
  const role: Role | undefined = member?.role;
  const identity: Identity = await createIdentity({ key: '' });
  const listed: ExtensionLike[] = [chat, room];
  void [role, identity, listed];
}
