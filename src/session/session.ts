/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The protocol between two peers, over any transport. The way of the data:
 *
 *     in:   transport → first frame → decipher → deframe → decode → router → channel
 *     out:  channel → outbox → encode → encipher → transport
 */
import { equals } from 'uint8arrays/equals';
import { keystream } from '../crypto/cipher.ts';
import { discoveryKey } from '../crypto/discovery-key.ts';
import { parseKey } from '../crypto/hex.ts';
import type { Keystream } from '../crypto/provider.ts';
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Clock } from '../stream/clock.ts';
import { type Deferred, deferred } from '../stream/deferred.ts';
import { assertTransport, type Transport } from '../stream/transport.ts';
import type { TraceListener, TraceOptions } from '../trace.ts';
import type { Feed, Handshake } from '../wire/messages.ts';
import { assertSendable } from '../wire/sendable.ts';
import type { Channel, NamedExtension } from './channel.ts';
import { type CloseReason, Ending } from './ending.ts';
import { type ExtensionHandler, ExtensionHandlers } from './extension-handlers.ts';
import { ExtensionNames } from './extension-names.ts';
import { hungUp, idleFault, type Progress, transportFault, unknownFeed } from './faults.ts';
import { findKey } from './find-key.ts';
import { checkFirstFeed, type FirstFeed, join } from './handshake.ts';
import { Incoming } from './incoming.ts';
import { Keepalive } from './keepalive.ts';
import { NONE } from './none.ts';
import { type ConnectOptions, type ExtensionLike, readOptions, type Settings } from './options.ts';
import { Outbox } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import { type Remote, readRemote } from './remote.ts';
import { Router } from './router.ts';
import { Tracer } from './tracer.ts';

/**
 * Opens a session over a transport. Resolves on the remote's Handshake, which only a holder of the key can
 * send in a form that is readable here.
 *
 * @throws ProtocolError if the remote is at fault, stays silent, or hangs up.
 * @throws The signal's reason if it aborts.
 * @throws TypeError, RangeError for invalid options.
 */
export async function connect(transport: Transport, options: ConnectOptions): Promise<Session> {
  assertTransport(transport);
  let settings: Settings;
  try {
    settings = await readOptions(options);
  } catch (error) {
    transport.abort(error);
    throw error;
  }
  const session = new Session(transport, settings);
  await session.handshaken;
  return session;
}

/** What two peers have open with each other over one transport. Made by {@link connect}. */
export class Session {
  /** This side's Handshake id. */
  readonly id: Uint8Array;
  readonly #transport: Transport;
  readonly #settings: Settings;
  readonly #incoming: Incoming;
  readonly #outbox: Outbox;
  readonly #outgoing: Outgoing;
  readonly #router: Router;
  readonly #keepalive: Keepalive;
  readonly #extensions: ExtensionNames;
  readonly #handlers: ExtensionHandlers;
  #attached: readonly ExtensionLike[] = NONE;
  readonly #handshaken: Deferred<void> = deferred();
  readonly #ending: Ending;
  readonly #tracer: Tracer;
  #local: FirstFeed | undefined;
  #remote: Remote | undefined;
  #remoteNonce: Uint8Array | undefined;
  #onAbort: (() => void) | undefined;
  /** The discovery key of the first feed, if the remote named it. */
  #asked: Uint8Array | undefined;

  /** @internal Use {@link connect}. */
  constructor(transport: Transport, settings: Settings) {
    const { limits, clock, trace, signal } = settings;
    this.#transport = transport;
    this.#settings = settings;
    this.id = settings.id;
    this.#tracer = new Tracer(clock, this);
    this.#outbox = new Outbox(limits.sendBytes);
    this.#extensions = new ExtensionNames(settings.extensions);
    this.#handlers = new ExtensionHandlers(this.#extensions);
    this.#router = new Router(this, this.#outbox, this.#extensions, this.#handlers, this.#tracer);
    this.#ending = new Ending(clock, limits, this);
    this.#keepalive = new Keepalive(clock, limits, this);
    this.#outgoing = new Outgoing(this.#outbox, this.#tracer, this);
    this.#incoming = new Incoming(this, this.#tracer, this.#router, this.#keepalive, this.#ending);
    if (signal !== undefined) {
      this.#onAbort = () => this.abort(signal.reason);
      signal.addEventListener('abort', this.#onAbort);
    }
    try {
      if (trace !== undefined) this.trace(trace);
      this.#tracer.state('connecting');
      for (const extension of settings.attached) this.use(extension);
      if (settings.key !== undefined) this.open(settings.key);
    } catch (error) {
      // Two extensions of one name, or one that fails: `connect` rejects with it, and nothing is left open.
      this.abort(error);
    }
    this.#send();
    this.#incoming.read(transport.source);
    // It may have aborted after the options were read.
    if (signal?.aborted) this.abort(signal.reason);
  }

  /** Whether this side stays connected once it has everything. */
  get live(): boolean {
    return this.#settings.live;
  }

  /** Whether this side asks for a confirmation of what the remote stores. */
  get ack(): boolean {
    return this.#settings.ack;
  }

  get limits(): Limits {
    return this.#settings.limits;
  }

  get clock(): Clock {
    return this.#settings.clock;
  }

  /**
   * @internal The frame that is on its way: where it starts in all that was received, and how much of it came so
   * far. Inside a long one the bytes are the only sign of progress.
   */
  get arriving(): { readonly start: number; readonly bytes: number } {
    return this.#incoming.arriving;
  }

  /**
   * @internal What tells this connection from any other, 56 bytes for each end: the nonce of its first Feed (zeros
   * where nothing is encrypted), and the hash of its Handshake id.
   */
  get ends(): { readonly own: Uint8Array; readonly remote: Uint8Array } {
    const { crypto } = this.#settings;
    const end = (nonce: Uint8Array | undefined, id: Uint8Array): Uint8Array =>
      join(nonce ?? new Uint8Array(24), crypto.blake2b([id]));
    return { own: end(this.#local?.nonce, this.id), remote: end(this.#remoteNonce, this.remote.id) };
  }

  /** @internal Resolves on the remote's Handshake; rejects if the session ends first. */
  get handshaken(): Promise<void> {
    return this.#handshaken.promise;
  }

  /** The other side. */
  get remote(): Remote {
    if (this.#remote === undefined) throw new TypeError('the remote is known once `connect` has resolved');
    return this.#remote;
  }

  /** Whether both sides declared the extension. */
  remoteSupports(extension: string): boolean {
    return this.#extensions.has(extension);
  }

  /**
   * Attaches an extension whose names were declared to `connect`. What came under them before went to the
   * consumers of the channels. What its `opened` throws ends the session.
   * @throws RangeError for a name that was not declared, TypeError for one that has a handler already.
   */
  use(extension: ExtensionLike): void {
    if (this.#attached.includes(extension)) return;
    extension.attach(this);
    this.#attached = [...this.#attached, extension];
    // The others are told of soon, to this one too.
    for (const channel of this.#router.opened) if (channel.isAnnounced) this.#announce(channel, [extension]);
  }

  /**
   * Gives the messages of an extension to `handler` from now on, instead of to the consumers of the channels:
   * those of one feed where `discoveryKey` is given, which goes first, or else of all. The returned function
   * ends that.
   * @throws RangeError for a name that was not declared, TypeError for one that has a handler already.
   */
  handle(name: string, handler: ExtensionHandler, discoveryKey?: Uint8Array): () => void {
    return this.#handlers.add(name, handler, discoveryKey);
  }

  /**
   * Queues a message of an extension that is about the session and not about one feed: it goes out on the first
   * channel. @throws RangeError for a name that was not declared, or a message too large for a frame.
   */
  send({ name, payload }: NamedExtension): void {
    const message = { type: 'extension', id: this.#extensions.idOf(name), payload } as const;
    assertSendable(0, message);
    this.#outbox.send(0, message);
  }

  /** Whether there is room to send on the first channel. */
  get isWritable(): boolean {
    return this.#ending.isOpen && this.#outbox.hasRoom(0);
  }

  /**
   * Tells `listener` what the session does from now on: see {@link TraceEvent}. The returned function ends that.
   * @throws TypeError unless it is a function, or `{ listener, types, payloads }`; RangeError for a type of no event.
   */
  trace(listener: TraceListener | TraceOptions): () => void {
    return this.#tracer.add(listener);
  }

  /** @internal Whether channels can be opened: neither side has ended, nor begun to. */
  get isOpen(): boolean {
    return this.#ending.isOpen;
  }

  /** Resolves with the reason when the session has ended. Never rejects. */
  get closed(): Promise<CloseReason> {
    return this.#ending.closed;
  }

  /** The channels that the remote opens, as they come. A channel that is not open on this side yet has no `key`. */
  get incoming(): AsyncIterable<Channel> {
    return this.#router.incoming();
  }

  /**
   * Opens the channel of a feed; a second call gives the same channel. `channel.opened` tells when the remote
   * has opened it too.
   * @throws ProtocolError where the remote's fault has ended the session, TypeError where it has ended otherwise.
   */
  open(key: Uint8Array | string): Channel {
    if (!this.#ending.isOpen)
      throw this.#ending.fault ?? new TypeError('the session has ended: connect again');
    const { crypto, encrypted, live, ack, userData, extensions } = this.#settings;
    const feedKey = parseKey(key);
    // Most programs open the feed that they have connected with, and a hash takes longer than the rest of that.
    const first = this.#local;
    const isFirst = first !== undefined && equals(first.key, feedKey);
    const dk = isFirst ? first.discoveryKey : discoveryKey(crypto, feedKey);
    const { channel, newId: id } = this.#router.open(dk, feedKey);
    if (id === 0) {
      const nonce = encrypted ? crypto.randomBytes(24) : undefined;
      // A copy: what the caller has may change.
      this.#local = { key: new Uint8Array(feedKey), discoveryKey: dk, nonce };
      this.#outgoing.begin({ type: 'feed', discoveryKey: dk, nonce }, this.#keystream(feedKey, nonce));
      this.#outbox.control(0, { type: 'handshake', id: this.id, live, userData, extensions, ack });
    } else if (id !== undefined) {
      this.#outbox.control(id, { type: 'feed', discoveryKey: dk });
    }
    return channel;
  }

  /** Ends this side once all that was sent is flushed, and waits for the remote to end too. */
  async close(): Promise<CloseReason> {
    this.#finish('closed');
    return this.closed;
  }

  /**
   * Ends the session at once. `closed` resolves with `failed` if the reason is a `ProtocolError`, the
   * remote's fault; otherwise with `aborted`.
   */
  abort(reason?: unknown): void {
    if (reason instanceof ProtocolError) this.#ending.end(() => ({ code: 'failed', error: reason }), reason);
    else {
      const error = (): unknown => (reason === undefined ? new Error('the session was aborted') : reason);
      this.#ending.end(() => ({ code: 'aborted', error: error() }), reason);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // In.

  /** @internal A chunk came. Before the Handshake it does not reset the idle deadline: anyone can send zeros forever. */
  onReceived(): void {
    if (this.#remote !== undefined) this.#keepalive.received();
  }

  /**
   * @internal The remote's first feed gives the stream key of both sides: ours, or the one that the remote asks for.
   * Resolves with what deciphers all that follows.
   */
  async onFirstFeed(feed: Feed): Promise<Keystream | undefined> {
    checkFirstFeed(feed, this.#local, this.#settings.encrypted);
    this.#remoteNonce = feed.nonce?.slice();
    if (this.#local !== undefined) return this.#keystream(this.#local.key, feed.nonce);
    this.#asked = feed.discoveryKey;
    const key = await findKey(this.#settings, feed.discoveryKey);
    if (key === undefined) throw unknownFeed(feed.discoveryKey);
    if (this.#ending.isOpen) this.open(key);
    return this.#keystream(key, feed.nonce);
  }

  /** @internal The remote's Handshake, on whichever channel. */
  onHandshake(handshake: Handshake, drop: (reason: string) => void): void {
    if (this.#remote !== undefined) return drop('a second Handshake');
    const remote = readRemote(handshake, this.limits, drop);
    if (remote.id.byteLength > 0 && equals(remote.id, this.id)) {
      throw new ProtocolError('echo', 'the remote has our own id: this side is connected to itself');
    }
    this.#extensions.setRemote(remote.extensions);
    this.#remote = remote;
    this.#tracer.state('open');
    this.#handshaken.resolve();
    // What comes next may be the remote's end. `connect` goes on in the first turn from here, who waits for it in the second.
    this.#incoming.hold();
    const connected = this.#handshaken.promise.then(() => {});
    connected.then(() => this.#incoming.goOn());
  }

  /** @internal Opens a channel that the remote opened, if `keys` knows its feed. */
  onOffer(channel: Channel): void {
    const open = (key: Uint8Array | undefined): void => {
      if (key !== undefined && this.#ending.isOpen && !channel.isEnded) this.open(key);
    };
    try {
      // Synchronously if `keys` answers synchronously: more messages may follow this Feed than may wait for it.
      const found = findKey(this.#settings, channel.discoveryKey);
      if (found instanceof Promise) found.then(open).catch((error) => this.abort(error));
      else open(found);
    } catch (error) {
      this.abort(error);
    }
  }

  /** @internal Tells the extensions of a channel, once it is known what the remote supports. */
  onOpened(channel: Channel): void {
    this.#handshaken.promise.then(
      () => {
        channel.isAnnounced = true;
        this.#announce(channel, this.#attached);
      },
      () => {},
    );
  }

  #announce(channel: Channel, extensions: readonly ExtensionLike[]): void {
    try {
      for (const extension of extensions) {
        if (channel.isEnded) return;
        extension.opened?.(channel);
      }
    } catch (error) {
      this.onListenerError(error);
    }
  }

  // Out.

  #send(): void {
    try {
      Promise.resolve(this.#transport.sink(this.#outgoing)).then(
        () => this.#ending.sentAll(),
        (error) => this.onTransportError(error),
      );
    } catch (error) {
      this.onTransportError(error);
    }
  }

  /** @internal The remote was silent for too long. */
  onIdle(): void {
    this.abort(idleFault(this.#progress, this.limits.idleMs));
  }

  /** @internal A keepalive is due. */
  onQuiet(): void {
    this.#outbox.keepalive();
  }

  /** @internal A chunk is handed to the transport. */
  onSent(): void {
    this.#keepalive.sent();
    this.#ending.progress();
  }

  /** `undefined` where nothing is encrypted. */
  #keystream(key: Uint8Array, nonce: Uint8Array | undefined): Keystream | undefined {
    const { encrypted, crypto } = this.#settings;
    return nonce === undefined || !encrypted ? undefined : keystream(key, nonce, crypto);
  }

  // The end.

  /** @internal Most often the other direction has told of it already, or this side has ended it. */
  onTransportError(error: unknown): void {
    const progress = this.#progress;
    this.#ending.end(() => ({ code: 'failed', error: transportFault(progress, error) }), error);
  }

  /** @internal The remote has ended its direction. */
  onRemoteEnd(): void {
    if (this.#remote === undefined && this.#ending.isOpen) return this.abort(hungUp());
    this.#finish('remote-closed');
    this.#ending.remoteEnded();
  }

  /** Accepts nothing new, sends what is queued, then ends this side. */
  #finish(code: 'closed' | 'remote-closed'): void {
    if (!this.#ending.begin(code)) return;
    this.#tracer.state('closing');
    this.#outbox.finish();
    this.#router.finish();
    // From here on the ending has its own deadline.
    this.#keepalive.suspend();
  }

  /** @internal It is over. */
  onEnd(cause: unknown): void {
    const why = (): unknown => this.#ending.error;
    this.#keepalive.stop();
    if (this.#onAbort !== undefined) this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#outbox.abort();
    this.#router.end(why);
    // Also after a proper end, so that an adapter can free what it holds.
    this.#transport.abort(cause);
    this.#handshaken.rejectWith(
      () => why() ?? new Error('the session was closed before the remote answered'),
    );
    this.#tracer.fault(() => this.#ending.fault);
    this.#tracer.state('closed');
  }

  /** @internal What a listener throws is this program's own error. After the end there is only one way to tell it. */
  onListenerError(error: unknown): void {
    if (this.#ending.isOver) void Promise.reject(error);
    else this.abort(error);
  }

  get #progress(): Progress {
    return {
      isOpen: this.#remote !== undefined,
      hasSpoken: this.#local !== undefined,
      asked: this.#asked,
    };
  }
}
