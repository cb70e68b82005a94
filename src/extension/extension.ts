/**
 * An extension of an app's own: named messages beside the feed's, of one session or of one feed within it.
 *
 * It lives as long as the app wants, across connections: give it to `connect` or `replicate` in `extensions`,
 * which declares its name to the remote. Handlers may come and go. A message that comes while there is none is
 * dropped, or the last one of each peer is kept for the next handler, as `keep` says.
 */
import { assertBytes, assertInteger, describe } from '../errors.ts';
import type { Channel } from '../session/channel.ts';
import type { ExtensionLike } from '../session/options.ts';
import type { Session } from '../session/session.ts';
import { Listeners } from '../stream/listeners.ts';
import { Budgets } from './budgets.ts';
import { type Codec, raw } from './codec.ts';
import { assertRate, type MessageRate, TokenBucket } from './token-bucket.ts';

/** What an extension of an app's own can be told. */
export interface ExtensionOptions<T> {
  /** Default: raw bytes. */
  readonly codec?: Codec<T> | undefined;
  /** Bytes of one message, both ways. Default 65,536. */
  readonly maxBytes?: number | undefined;
  /** What is taken of one peer. Default 100 a second, 200 at once. */
  readonly rate?: MessageRate | undefined;
  /** What becomes of messages while nobody listens. Default `none`. */
  readonly keep?: 'none' | 'last' | undefined;
}

/** Why a message was not delivered. */
export type ExtensionDropReason =
  /** Over `maxBytes`. */
  | 'too-large'
  /** Over `rate`. */
  | 'too-fast'
  /** The codec cannot read it. */
  | 'malformed'
  /** Nobody listens, and a newer one has come. */
  | 'unheard';

/** What happens to an extension. `Peer` is the session, or one channel of it. */
export type ExtensionEvent<T, Peer> =
  | { readonly type: 'message'; readonly message: T; readonly peer: Peer }
  /** `error` is the codec's. */
  | {
      readonly type: 'dropped';
      readonly reason: ExtensionDropReason;
      readonly bytes: number;
      readonly peer: Peer;
      readonly error?: unknown;
    }
  /** A peer can be sent to. */
  | { readonly type: 'peer'; readonly peer: Peer }
  /** No more. */
  | { readonly type: 'peer-left'; readonly peer: Peer };

const DEFAULT_BYTES = 65_536;
const DEFAULT_RATE: MessageRate = { perSecond: 100, burst: 200 };

/** Thrown by a codec for a message over a cap of its own. */
export class TooLarge extends RangeError {}

/** What is known of one peer while it is connected. */
interface State<T> {
  isReady: boolean;
  /** The last message; `isHeard` once a listener got it. */
  last?: { readonly message: T; readonly bytes: number; isHeard: boolean };
}

/** What the two kinds have in common. `Peer` is the remote: as a session, or as one channel of it. */
abstract class Extension<T, Peer extends Session | Channel> implements ExtensionLike {
  readonly name: string;
  readonly #codec: Codec<T>;
  readonly #maxBytes: number;
  readonly #budgets: Budgets<TokenBucket>;
  readonly #keep: 'none' | 'last';
  readonly #states = new Map<Peer, State<T>>();
  readonly #listeners = new Listeners<ExtensionEvent<T, Peer>>();

  /** @throws TypeError, RangeError for invalid options. */
  constructor(name: string, options: ExtensionOptions<T> = {}) {
    const { codec = raw as unknown as Codec<T>, maxBytes = DEFAULT_BYTES, rate = DEFAULT_RATE } = options;
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(`"name" expected the name of an extension, got ${describe(name)}`);
    }
    assertInteger('maxBytes', maxBytes, 1);
    assertRate('rate', rate);
    this.name = name;
    this.#codec = codec;
    this.#maxBytes = maxBytes;
    this.#budgets = new Budgets((clock) => new TokenBucket(clock, rate));
    this.#keep = options.keep ?? 'none';
  }

  get names(): readonly string[] {
    return [this.name];
  }

  /** The peers that can be sent to: connected, and declared the extension too. */
  get peers(): readonly Peer[] {
    return [...this.#states].filter(([, { isReady }]) => isReady).map(([peer]) => peer);
  }

  /** Whether the remote declared the extension too. Known once the session is open. */
  remoteSupports(peer: Peer): boolean {
    return this.sessionOf(peer).remoteSupports(this.name);
  }

  /**
   * Sends to one peer. False, and nothing is sent, where the remote did not declare the extension.
   * @throws RangeError for a message of more than `maxBytes`; what the codec throws.
   */
  send(message: T, peer: Peer): boolean {
    const payload = this.encode(message);
    if (!this.remoteSupports(peer)) return false;
    peer.send({ type: 'extension', name: this.name, payload });
    return true;
  }

  /** Sends to every one of `peers`; returns how many there are. @throws as `send`. */
  broadcast(message: T): number {
    const payload = this.encode(message);
    const { peers } = this;
    for (const peer of peers) peer.send({ type: 'extension', name: this.name, payload });
    return peers.length;
  }

  /** The last message of a peer that is connected, if `keep` is `last` and there was one. */
  last(peer: Peer): T | undefined {
    return this.#states.get(peer)?.last?.message;
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: (event: ExtensionEvent<T, Peer>) => void): () => void {
    const unsubscribe = this.#listeners.add(listener);
    for (const [peer, { last }] of this.#states) {
      if (last === undefined || last.isHeard) continue;
      last.isHeard = true;
      listener({ type: 'message', message: last.message, peer });
    }
    return unsubscribe;
  }

  attach(session: Session): void {
    session.handle(this.name, (payload, channel, drop) => this.#take(payload, channel, drop));
  }

  opened(channel: Channel): void {
    const peer = this.peerOf(channel);
    if (!this.remoteSupports(peer)) return;
    const state = this.#stateOf(peer);
    if (state.isReady) return;
    state.isReady = true;
    this.#listeners.emit({ type: 'peer', peer });
  }

  protected abstract peerOf(channel: Channel): Peer;
  protected abstract sessionOf(peer: Peer): Session;

  protected encode(message: T): Uint8Array {
    const payload = this.#codec.encode(message);
    assertBytes('message', payload);
    if (payload.byteLength > this.#maxBytes) {
      throw new RangeError(
        `"message" expected at most ${this.#maxBytes} bytes, got ${payload.byteLength}: send less, or raise maxBytes on both sides`,
      );
    }
    return payload;
  }

  #take(payload: Uint8Array, channel: Channel, drop: (reason: string) => void): void {
    const peer = this.peerOf(channel);
    const state = this.#stateOf(peer);
    const bytes = payload.byteLength;
    const refuse = (reason: ExtensionDropReason, error?: unknown): void => {
      drop(`extension ${describe(this.name)}: a message of ${bytes} bytes, ${reason}`);
      this.#listeners.emit({ type: 'dropped', reason, bytes, peer, error });
    };
    if (bytes > this.#maxBytes) return refuse('too-large');
    // All channels of a session that is the peer itself have one.
    const isSession = (peer as Session | Channel) === channel.session;
    const budget = this.#budgets.of(channel.session, isSession ? this.name : channel.name);
    if (!budget.take()) return refuse('too-fast');
    let message: T;
    try {
      message = this.#codec.decode(payload);
    } catch (error) {
      return refuse(error instanceof TooLarge ? 'too-large' : 'malformed', error);
    }
    const isHeard = this.#listeners.size > 0;
    if (this.#keep === 'last') {
      if (state.last?.isHeard === false && !isHeard) refuse('unheard');
      state.last = { message, bytes, isHeard };
    } else if (!isHeard) {
      return refuse('unheard');
    }
    this.#listeners.emit({ type: 'message', message, peer });
  }

  #stateOf(peer: Peer): State<T> {
    let state = this.#states.get(peer);
    if (state === undefined) {
      state = { isReady: false };
      this.#states.set(peer, state);
      void peer.closed.then(() => this.#leave(peer));
    }
    return state;
  }

  #leave(peer: Peer): void {
    const state = this.#states.get(peer);
    this.#states.delete(peer);
    if (state?.isReady) this.#listeners.emit({ type: 'peer-left', peer });
  }
}

/** An extension about the connection as a whole. Its messages travel on the first channel, and are taken on any. */
export class SessionExtension<T = Uint8Array> extends Extension<T, Session> {
  protected override peerOf(channel: Channel): Session {
    return channel.session;
  }

  protected override sessionOf(session: Session): Session {
    return session;
  }
}

/** An extension about one feed: each channel that both sides have open is a peer of its own. */
export class ChannelExtension<T = Uint8Array> extends Extension<T, Channel> {
  protected override peerOf(channel: Channel): Channel {
    return channel;
  }

  protected override sessionOf(channel: Channel): Session {
    return channel.session;
  }
}
