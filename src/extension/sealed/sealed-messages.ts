/**
 * The extension `sealed-ephemeral/1`: messages that only the peer at the other end of a connection can read, though
 * others hold the feed's key. What it promises, and what not: proto/dep-sealed-ephemeral.md.
 */
import { equals } from 'uint8arrays/equals';
import { discoveryKey } from '../../crypto/discovery-key.ts';
import { parseKey } from '../../crypto/hex.ts';
import { libsodium } from '../../crypto/libsodium.ts';
import { libsodiumSealing } from '../../crypto/libsodium-sealing.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { SealingProvider } from '../../crypto/sealing.ts';
import { assertBytes, assertInteger } from '../../errors.ts';
import type { Channel } from '../../session/channel.ts';
import type { ExtensionLike } from '../../session/options.ts';
import type { Session } from '../../session/session.ts';
import { Listeners } from '../../stream/listeners.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import type { Allow } from '../allow.ts';
import { Arrivals } from '../arrivals.ts';
import { Budgets } from '../budgets.ts';
import { type EphemeralContent, OCTET_STREAM } from '../ephemeral.ts';
import { createIdentity, type Identity } from '../signed/identity.ts';
import { assertRate, type MessageRate, TokenBucket } from '../token-bucket.ts';
import type { Sender, Verified } from '../verified.ts';
import { paddedLength } from './padding.ts';
import { SealedLink, type SealedOutcome, type SealedRefusalReason } from './sealed-link.ts';

/** What {@link SealedMessages} can be told. */
export interface SealedMessagesOptions {
  /** The feed: 32 bytes, 64 hex characters or a `dat://` link. */
  readonly key: Uint8Array | string;
  /** Who this side is. Default: a fresh identity, which nobody can connect with another time. */
  readonly identity?: Identity | undefined;
  /**
   * Whether a peer is wanted. Where anybody is, somebody in between can be the peer for both sides: pin the
   * identities that you know, or ask for a role. Default: all.
   */
  readonly allow?: Allow | undefined;
  /** Bytes of a payload, both ways. Default 2048. */
  readonly maxBytes?: number | undefined;
  /** What is taken of one peer. Default 100 a second, 200 at once. */
  readonly rate?: MessageRate | undefined;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
  /** Default: libsodium. */
  readonly sealing?: SealingProvider | undefined;
}

/** The other end of a connection, whose keys are agreed on. */
export interface SealedPeer {
  readonly sender: Sender;
  readonly channel: Channel;
}

/** What came sealed, from the one who holds the other end's identity. */
export interface SealedMessage extends Verified {
  readonly contentType: string;
  readonly payload: Uint8Array;
}

/** What happens to sealed messages. */
export type SealedEvent =
  | { readonly type: 'message'; readonly message: SealedMessage; readonly peer: SealedPeer }
  /** A peer can be sent to. */
  | { readonly type: 'peer'; readonly peer: SealedPeer }
  /** No more. */
  | { readonly type: 'peer-left'; readonly peer: SealedPeer }
  | { readonly type: 'dropped'; readonly reason: SealedRefusalReason; readonly channel: Channel };

export const SEALED_EPHEMERAL = 'sealed-ephemeral/1';

/** What a content type, the fields and the tag take beside the payload. */
const OVERHEAD_BYTES = 512;

interface Arrival {
  readonly payload: Uint8Array;
  readonly drop: (reason: string) => void;
}

interface Link {
  readonly channel: Channel;
  readonly keys: SealedLink;
  readonly arrivals: Arrivals<Arrival>;
  hasGreeted: boolean;
  peer: SealedPeer | undefined;
}

interface Settings {
  readonly key: Uint8Array;
  readonly identity: Identity;
  readonly allow: Allow;
  readonly maxBytes: number;
  readonly rate: MessageRate;
  readonly now: () => number;
  readonly crypto: CryptoProvider;
  readonly sealing: SealingProvider;
}

/** Messages for the other end of one connection alone, with keys that are agreed on anew for each. */
export class SealedMessages implements ExtensionLike {
  readonly names: readonly string[] = [SEALED_EPHEMERAL];
  readonly #settings: Settings;
  readonly #discoveryKey: Uint8Array;
  readonly #buckets: Budgets<TokenBucket>;
  readonly #links = new Map<Channel, Link>();
  readonly #listeners = new Listeners<SealedEvent>();

  private constructor(settings: Settings) {
    this.#settings = settings;
    this.#buckets = new Budgets((clock) => new TokenBucket(clock, settings.rate));
    this.#discoveryKey = discoveryKey(settings.crypto, settings.key);
  }

  /** @throws TypeError, RangeError for invalid options. */
  static async open(options: SealedMessagesOptions): Promise<SealedMessages> {
    const { maxBytes = 2048, rate = { perSecond: 100, burst: 200 }, now = Date.now } = options;
    const key = parseKey(options.key);
    assertInteger('maxBytes', maxBytes, 1);
    assertRate('rate', rate);
    const crypto = options.crypto ?? (await libsodium());
    const sealing = options.sealing ?? (await libsodiumSealing());
    const identity = options.identity ?? (await createIdentity({ key, crypto }));
    const { allow = () => true } = options;
    return new SealedMessages({ key, identity, allow, maxBytes, rate, now, crypto, sealing });
  }

  /** This side's identity. */
  get identity(): Identity {
    return this.#settings.identity;
  }

  /** Who can be sent to. */
  get peers(): readonly SealedPeer[] {
    return [...this.#links.values()].flatMap(({ peer }) => peer ?? []);
  }

  /**
   * Seals a message for one peer, or for each of several, and sends it as a datagram. Returns to how many it went:
   * none of those whose connection is backed up or gone.
   * @throws TypeError, RangeError for more than `maxBytes`.
   */
  send(content: EphemeralContent, to: SealedPeer | readonly SealedPeer[]): number {
    assertBytes('payload', content.payload);
    const { maxBytes } = this.#settings;
    if (content.payload.byteLength > maxBytes) {
      throw new RangeError(
        `"payload" expected at most ${maxBytes} bytes, got ${content.payload.byteLength}: send less, or raise maxBytes on both sides`,
      );
    }
    let sent = 0;
    for (const peer of 'channel' in to ? [to] : to) {
      const link = this.#links.get(peer.channel);
      if (link?.peer !== peer || !peer.channel.isWritable) continue;
      this.#put(peer.channel, link.keys.seal(content));
      sent++;
    }
    return sent;
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: (event: SealedEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  attach(session: Session): void {
    session.handle(
      SEALED_EPHEMERAL,
      (payload, channel, drop) => this.#linkOf(channel).arrivals.push({ payload, drop }),
      this.#discoveryKey,
    );
  }

  opened(channel: Channel): void {
    if (!equals(channel.discoveryKey, this.#discoveryKey)) return;
    if (!channel.session.remoteSupports(SEALED_EPHEMERAL)) return;
    const link = this.#linkOf(channel);
    if (link.hasGreeted) return;
    link.hasGreeted = true;
    this.#put(channel, link.keys.hello());
  }

  #put(channel: Channel, payload: Uint8Array): void {
    channel.send({ type: 'extension', name: SEALED_EPHEMERAL, payload });
  }

  #linkOf(channel: Channel): Link {
    const known = this.#links.get(channel);
    if (known !== undefined) return known;
    const link: Link = {
      channel,
      keys: new SealedLink({
        ...this.#settings,
        discoveryKey: this.#discoveryKey,
        ends: channel.session.ends,
      }),
      arrivals: new Arrivals<Arrival>(
        (arrival) => this.#take(arrival, link),
        (arrival) => this.#settle({ refused: 'too-fast' }, arrival, link),
        (error) => channel.session.abort(error),
      ),
      hasGreeted: false,
      peer: undefined,
    };
    this.#links.set(channel, link);
    void channel.closed.then(() => {
      this.#links.delete(channel);
      link.keys.end();
      if (link.peer !== undefined) this.#listeners.emit({ type: 'peer-left', peer: link.peer });
    });
    return link;
  }

  #take(arrival: Arrival, link: Link): MaybePromise<void> {
    const largest = paddedLength(this.#settings.maxBytes + OVERHEAD_BYTES) + OVERHEAD_BYTES;
    if (arrival.payload.byteLength > largest) return this.#settle({ refused: 'too-large' }, arrival, link);
    const { session, name } = link.channel;
    if (!this.#buckets.of(session, name).take()) return this.#settle({ refused: 'too-fast' }, arrival, link);
    return after(link.keys.receive(arrival.payload), (outcome) => this.#settle(outcome, arrival, link));
  }

  #settle(outcome: SealedOutcome, arrival: Arrival, link: Link): void {
    const { channel } = link;
    if ('refused' in outcome) {
      arrival.drop(`extension ${SEALED_EPHEMERAL}: a message, ${outcome.refused}`);
      return this.#listeners.emit({ type: 'dropped', reason: outcome.refused, channel });
    }
    if (channel.isEnded) return;
    if ('peer' in outcome) {
      link.peer = { sender: outcome.peer, channel };
      return this.#listeners.emit({ type: 'peer', peer: link.peer });
    }
    const { payload, contentType = OCTET_STREAM } = outcome.content;
    if (payload.byteLength > this.#settings.maxBytes)
      return this.#settle({ refused: 'too-large' }, arrival, link);
    const peer = link.peer!;
    const message: SealedMessage = { verified: true, sender: peer.sender, contentType, payload };
    this.#listeners.emit({ type: 'message', message, peer });
  }
}
