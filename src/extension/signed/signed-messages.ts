/**
 * The extension `signed-ephemeral/1`: messages about a feed that are stored nowhere, with a sender that can be
 * relied on. They travel over any number of connections, in turn or at once, and may be passed on by peers.
 * What it promises, and what not: proto/dep-signed-ephemeral.md.
 */
import { equals } from 'uint8arrays/equals';
import { discoveryKey } from '../../crypto/discovery-key.ts';
import { parseKey } from '../../crypto/hex.ts';
import { libsodium } from '../../crypto/libsodium.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { assertBytes, describe } from '../../errors.ts';
import type { Channel } from '../../session/channel.ts';
import type { ExtensionLike } from '../../session/options.ts';
import type { Session } from '../../session/session.ts';
import { type Clock, systemClock } from '../../stream/clock.ts';
import { Listeners } from '../../stream/listeners.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import type { Allow } from '../allow.ts';
import { Arrivals } from '../arrivals.ts';
import { Budgets } from '../budgets.ts';
import { OCTET_STREAM } from '../ephemeral.ts';
import { Author, newEpoch } from './author.ts';
import { createIdentity, type Identity } from './identity.ts';
import { type SignedLimits, withSignedDefaults } from './limits.ts';
import { LinkBudget, Receiver, type RefusalReason, type SignedMessage, type Verdict } from './receiver.ts';
import { wrap } from './signed-message.ts';

/** What {@link SignedMessages} can be told. */
export interface SignedMessagesOptions {
  /** The feed: 32 bytes, 64 hex characters or a `dat://` link. */
  readonly key: Uint8Array | string;
  /** Who signs here. Default: a fresh identity, which nobody can connect with another time. */
  readonly identity?: Identity | undefined;
  /** Whether a sender is wanted. Asked once for each, when its first message has been verified. Default: all. */
  readonly allow?: Allow | undefined;
  /** Passes on what comes from one peer to the others. Default true. */
  readonly relay?: boolean | undefined;
  readonly limits?: Partial<SignedLimits> | undefined;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** For rates and timers. Default: the platform's. */
  readonly clock?: Clock | undefined;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
}

/** What is sent. */
export interface SignedContent {
  readonly payload: Uint8Array;
  /** A media type. Default `application/octet-stream`. */
  readonly contentType?: string | undefined;
  /** The identity that it is for, 32 bytes. Default: everybody. Others can read it all the same. */
  readonly audience?: Uint8Array | undefined;
}

/** What happens to signed messages. */
export type SignedEvent =
  | { readonly type: 'message'; readonly message: SignedMessage; readonly peer: Channel }
  /**
   * A message was refused. `sender` is what it claims, and `skewMs` how far its clock is ahead of this one: where
   * everything is `expired` or `future`, this machine's clock is wrong.
   */
  | {
      readonly type: 'dropped';
      readonly reason: RefusalReason;
      readonly peer: Channel;
      readonly sender?: string | undefined;
      readonly skewMs?: number | undefined;
    }
  /** A peer can be sent to. */
  | { readonly type: 'peer'; readonly peer: Channel }
  /** No more. */
  | { readonly type: 'peer-left'; readonly peer: Channel };

/** Counts, since the start. */
export interface SignedStats {
  /** Messages that arrived. */
  received: number;
  /** Signatures that were checked: nearly all of the work. */
  verifications: number;
  /** Messages that were accepted. */
  accepted: number;
  /** Own messages that went out, one for each connection. */
  sent: number;
  /** Others' messages that were passed on, one for each connection. */
  forwarded: number;
  /** Messages not sent because a connection was backed up. */
  congested: number;
}

/** The options, with defaults filled in. */
interface Settings {
  readonly key: Uint8Array;
  readonly identity: Identity;
  readonly allow: Allow;
  readonly relay: boolean;
  readonly limits: SignedLimits;
  readonly now: () => number;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
}

interface Arrival {
  readonly payload: Uint8Array;
  readonly channel: Channel;
  readonly drop: (reason: string) => void;
}

export const SIGNED_EPHEMERAL = 'signed-ephemeral/1';
/** Content types that begin with this belong to the specification. */
const RESERVED = 'hypercore/';

/** Messages whose sender is certain: no replay, no reordering, passed on by peers. */
export class SignedMessages implements ExtensionLike {
  readonly names: readonly string[] = [SIGNED_EPHEMERAL];
  readonly #options: { readonly limits: SignedLimits; readonly isRelay: boolean };
  readonly #discoveryKey: Uint8Array;
  readonly #author: Author;
  readonly #receiver: Receiver;
  /**
   * @internal Called for what is accepted, also what is for another; `packet` is the message as it would be passed
   * on, if it may be.
   */
  onAccepted: ((message: SignedMessage, packet: Uint8Array | undefined) => void) | undefined;
  readonly #peers = new Set<Channel>();
  readonly #budgets: Budgets<LinkBudget>;
  readonly #listeners = new Listeners<SignedEvent>();
  #isClosed = false;
  readonly #counts = { received: 0, accepted: 0, sent: 0, forwarded: 0, congested: 0 };
  /** One at a time for all connections: two copies of a message must not be checked side by side. */
  readonly #arrivals: Arrivals<Arrival> = new Arrivals(
    (arrival) => this.#check(arrival),
    (arrival) => this.#settle({ refused: 'too-fast' }, arrival),
    (error, { channel }) => channel.session.abort(error),
  );

  private constructor(settings: Settings) {
    const { crypto, clock, limits, now, identity, key, allow, relay } = settings;
    const name = discoveryKey(crypto, key);
    const epoch = newEpoch(now(), crypto.randomBytes(2));
    this.#options = { limits, isRelay: relay };
    this.#budgets = new Budgets(() => new LinkBudget(clock, limits));
    this.#discoveryKey = name;
    this.#author = new Author(identity, name, { epoch, now, hops: limits.hops });
    this.#receiver = new Receiver({
      crypto,
      clock,
      now,
      key,
      discoveryKey: name,
      own: { publicKey: identity.publicKey, epoch },
      allow,
      limits,
    });
  }

  /** @throws TypeError, RangeError for invalid options. */
  static async open(options: SignedMessagesOptions): Promise<SignedMessages> {
    const key = parseKey(options.key);
    const limits = withSignedDefaults(options.limits);
    const crypto = options.crypto ?? (await libsodium());
    const identity = options.identity ?? (await createIdentity({ key, crypto }));
    const { relay = true, now = Date.now, clock = systemClock(), allow = () => true } = options;
    return new SignedMessages({ key, crypto, identity, relay, now, clock, allow, limits });
  }

  /** This side's identity. */
  get identity(): Identity {
    return this.#author.identity;
  }

  get limits(): SignedLimits {
    return this.#options.limits;
  }

  /** The connections that messages go out on. */
  get peers(): readonly Channel[] {
    return [...this.#peers];
  }

  get stats(): SignedStats {
    return { ...this.#counts, verifications: this.#receiver.verifications };
  }

  /**
   * Signs a message and sends it to all peers, as a datagram: one whose connection is backed up is left out.
   * Returns to how many it went.
   * @throws TypeError, RangeError for more than `limits.payloadBytes`, or a content type of the protocol's own.
   */
  send(content: SignedContent): number {
    if (content.contentType?.startsWith(RESERVED)) {
      throw new RangeError(
        `"contentType" expected one of the app's own, got ${describe(content.contentType)}`,
      );
    }
    return this.broadcast(this.write(content)).length;
  }

  /** Hears nothing more of a sender, and passes nothing of it on. */
  deny(id: string): void {
    this.#receiver.deny(id);
  }

  /** Takes {@link deny}, and a `false` of `allow`, back. */
  undeny(id: string): void {
    this.#receiver.undeny(id);
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: (event: SignedEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  attach(session: Session): void {
    session.handle(
      SIGNED_EPHEMERAL,
      (payload, channel, drop) => {
        if (this.#isClosed)
          return drop(`extension ${SIGNED_EPHEMERAL}: a message, after the app closed it here`);
        this.#counts.received++;
        this.#arrivals.push({ payload, channel, drop });
      },
      this.#discoveryKey,
    );
  }

  opened(channel: Channel): void {
    if (this.#isClosed) return;
    if (!equals(channel.discoveryKey, this.#discoveryKey)) return;
    if (!channel.session.remoteSupports(SIGNED_EPHEMERAL)) return;
    if (this.#peers.has(channel)) return;
    this.#peers.add(channel);
    void channel.closed.then(() => {
      if (this.#peers.delete(channel)) this.#listeners.emit({ type: 'peer-left', peer: channel });
    });
    this.#listeners.emit({ type: 'peer', peer: channel });
  }

  /** @internal Takes part no more: nothing is taken or passed on, whatever still waits, and nobody is told of anything. */
  close(): void {
    this.#isClosed = true;
    this.#peers.clear();
  }

  /** @internal Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @internal Whether something of this sender may be taken, also of what was accepted before. */
  hears(id: string): boolean {
    return !this.#isClosed && !this.#receiver.isDenied(id);
  }

  /** @internal Signs a message. */
  write({ payload, contentType = OCTET_STREAM, audience }: SignedContent): Uint8Array {
    this.assertFits(payload);
    return this.#author.write({ payload, contentType, audience });
  }

  /** @internal @throws TypeError, RangeError for what is no payload, or too much. */
  assertFits(payload: Uint8Array): void {
    assertBytes('payload', payload);
    const { payloadBytes } = this.#options.limits;
    if (payload.byteLength > payloadBytes) {
      throw new RangeError(
        `"payload" expected at most ${payloadBytes} bytes, got ${payload.byteLength}: send less, or raise limits.payloadBytes for everybody in the room`,
      );
    }
  }

  /** @internal Sends what {@link write} made. */
  broadcast(packet: Uint8Array, peers: readonly Channel[] = this.peers): readonly Channel[] {
    const reached = peers.filter((channel) => this.#put(channel, packet));
    this.#counts.sent += reached.length;
    return reached;
  }

  /** @internal Sends another's message, as it was accepted. */
  pass(packet: Uint8Array, channel: Channel): void {
    if (this.#put(channel, packet)) this.#counts.forwarded++;
  }

  #put(channel: Channel, payload: Uint8Array): boolean {
    const { isWritable } = channel;
    if (isWritable) channel.send({ type: 'extension', name: SIGNED_EPHEMERAL, payload });
    else this.#counts.congested++;
    return isWritable;
  }

  #check(arrival: Arrival): MaybePromise<void> {
    if (this.#isClosed) return;
    const { session, name } = arrival.channel;
    const verdict = this.#receiver.check(arrival.payload, this.#budgets.of(session, name));
    return after(verdict, (settled) => this.#settle(settled, arrival));
  }

  #settle(verdict: Verdict, { channel, drop }: Arrival): void {
    // Closed while a signature was checked.
    if (this.#isClosed) return;
    if ('refused' in verdict) {
      const { refused: reason, sender, skewMs } = verdict;
      const from = sender === undefined ? '' : ` of ${sender}`;
      drop(`extension ${SIGNED_EPHEMERAL}: a message${from}, ${reason}`);
      return this.#listeners.emit({ type: 'dropped', reason, peer: channel, sender, skewMs });
    }
    const { accepted: message, received } = verdict;
    this.#counts.accepted++;
    const hops = Math.min(received.hops, this.#options.limits.hops);
    const packet = hops > 0 ? wrap(received.bytes, received.signature, hops - 1) : undefined;
    if (packet !== undefined && this.#options.isRelay) {
      for (const peer of this.peers) if (peer !== channel) this.pass(packet, peer);
    }
    this.onAccepted?.(message, packet);
    if (message.audience !== 'another') this.#listeners.emit({ type: 'message', message, peer: channel });
  }
}
