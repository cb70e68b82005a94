/**
 * What becomes of a signed message that arrives: accepted once, or refused with a reason. No I/O and no timer; the
 * rules are those of proto/dep-signed-ephemeral.md, in its order: what costs little first, a signature check last.
 */
import { equals } from 'uint8arrays/equals';
import { toHex } from '../../crypto/hex.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Clock } from '../../stream/clock.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import { type Allow, isAllowed } from '../allow.ts';
import { TokenBucket } from '../token-bucket.ts';
import type { Role, Sender, Verified } from '../verified.ts';
import { type Delegation, delegationStatement } from './identity.ts';
import type { SignedLimits } from './limits.ts';
import { type Body, decodeMessage, messageStatement, type Received } from './signed-message.ts';

/** Why a message was refused. */
export type RefusalReason =
  /** Over `payloadBytes`. */
  | 'too-large'
  /** It breaks the schema. */
  | 'malformed'
  /** Over one of the rates. */
  | 'too-fast'
  /** Our own came back. */
  | 'reflected'
  /** Somebody signs with our identity, from a later start: it is in use elsewhere. */
  | 'superseded'
  /** The sender is not wanted here. */
  | 'denied'
  /** Its timestamp is too far behind this side's clock. */
  | 'expired'
  /** Its timestamp is too far ahead of this side's clock. */
  | 'future'
  /** Heard before, or older than what was heard: a copy, a replay, or out of order. */
  | 'replayed'
  /** The signature is not the sender's, over this message, for this feed. */
  | 'forged'
  /** The delegation is not by the feed's key, for this sender. */
  | 'forged-delegation'
  /** The delegation has ended. */
  | 'delegation-expired'
  /** More senders than are remembered. */
  | 'too-many-senders';

/** A message whose sender, feed and audience are certain, and which is new. */
export interface SignedMessage extends Verified {
  readonly contentType: string;
  readonly payload: Uint8Array;
  /** By the sender's clock: milliseconds since 1970. */
  readonly timestamp: number;
  /** Larger after each start of the sender, and each message within it. */
  readonly epoch: number;
  readonly sequence: number;
  /** How many of the sender's messages since the last one did not come; 0 for the first. */
  readonly skipped: number;
  /** Whether it is for everybody, or for this side's identity alone. */
  readonly audience: 'everybody' | 'me' | 'another';
}

export type Verdict =
  | { readonly accepted: SignedMessage; readonly received: Received }
  /** `sender` is what the message claims. */
  | { readonly refused: RefusalReason; readonly sender?: string; readonly skewMs?: number };

/** What one connection may still cost. */
export class LinkBudget {
  readonly messages: TokenBucket;
  readonly unknown: TokenBucket;
  readonly faults: TokenBucket;

  constructor(clock: Clock, limits: SignedLimits) {
    this.messages = new TokenBucket(clock, limits.linkRate);
    this.unknown = new TokenBucket(clock, limits.unknownRate);
    this.faults = new TokenBucket(clock, limits.faultRate);
  }
}

export interface ReceiverOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly key: Uint8Array;
  readonly discoveryKey: Uint8Array;
  /** This side's own identity and epoch. */
  readonly own: { readonly publicKey: Uint8Array; readonly epoch: number };
  readonly allow: Allow;
  readonly limits: SignedLimits;
}

/** The last that was heard of a sender. */
interface Heard {
  sender: Sender;
  epoch: number;
  sequence: number;
  timestamp: number;
  /** The one that was verified. */
  delegation: Delegation | undefined;
  readonly bucket: TokenBucket;
}

/** What a packet may have beside its payload: keys, signatures, numbers, a content type. */
const OVERHEAD_BYTES = 1024;

export class Receiver {
  readonly #options: ReceiverOptions;
  /** By id, the one heard of longest ago first. */
  readonly #heard = new Map<string, Heard>();
  readonly #denied = new Set<string>();
  /**
   * The latest timestamp of a sender that was forgotten. Nobody who is not remembered is heard with an older one:
   * so what was forgotten cannot be replayed, whatever this side's clock does.
   */
  #floor = 0;
  #verifications = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** Signatures that were checked so far: the work that others can cause. */
  get verifications(): number {
    return this.#verifications;
  }

  /** Senders that are remembered. */
  get senders(): number {
    return this.#heard.size;
  }

  /** Hears nothing of this sender any more, whatever it signs. */
  deny(id: string): void {
    this.#denied.add(id);
    // Past the cap the oldest may ask to be allowed again.
    if (this.#denied.size > this.#options.limits.senders) {
      const [oldest] = this.#denied;
      this.#denied.delete(oldest!);
    }
  }

  /** Takes {@link deny} back. */
  undeny(id: string): void {
    this.#denied.delete(id);
  }

  /** Whether nothing of this sender is heard. */
  isDenied(id: string): boolean {
    return this.#denied.has(id);
  }

  /** Judges a message. Not to be called again while a promise it gave is pending: the order would be lost. */
  check(packet: Uint8Array, budget: LinkBudget): MaybePromise<Verdict> {
    const { limits } = this.#options;
    if (packet.byteLength > limits.payloadBytes + OVERHEAD_BYTES) return { refused: 'too-large' };
    if (!budget.messages.take() || !budget.faults.hasToken) return { refused: 'too-fast' };
    let received: Received;
    try {
      received = decodeMessage(packet);
    } catch {
      return { refused: 'malformed' };
    }
    const { body } = received;
    const id = toHex(body.sender);
    if (body.payload.byteLength > limits.payloadBytes) return { refused: 'too-large', sender: id };
    const refusal = this.#judge(id, body);
    if (refusal !== undefined) return { refused: refusal, sender: id, skewMs: this.#skew(body) };
    if (!this.#heard.has(id) && !budget.unknown.take()) return { refused: 'too-fast', sender: id };
    return this.#verify(id, received, budget);
  }

  #skew(body: Body): number {
    return body.timestamp - this.#options.now();
  }

  /** What can be told without a signature. */
  #judge(id: string, body: Body): RefusalReason | undefined {
    const { own, limits } = this.#options;
    if (this.#denied.has(id)) return 'denied';
    if (equals(body.sender, own.publicKey) && body.epoch <= own.epoch) return 'reflected';
    const skew = this.#skew(body);
    if (skew < -limits.skewMs) return 'expired';
    if (skew > limits.skewMs) return 'future';
    const heard = this.#heard.get(id);
    if (heard === undefined) return body.timestamp <= this.#floor ? 'replayed' : undefined;
    if (body.epoch < heard.epoch) return 'replayed';
    if (body.epoch === heard.epoch && body.sequence <= heard.sequence) return 'replayed';
    return undefined;
  }

  #verify(id: string, received: Received, budget: LinkBudget): MaybePromise<Verdict> {
    const { crypto, discoveryKey, key } = this.#options;
    const { body, bytes, signature } = received;
    const refuse = (refused: RefusalReason): Verdict => {
      if (refused !== 'delegation-expired') budget.faults.take();
      return { refused, sender: id };
    };
    this.#verifications++;
    return after(crypto.verify(signature, messageStatement(discoveryKey, bytes), body.sender), (isGood) => {
      if (isGood !== true) return refuse('forged');
      const { delegation } = body;
      if (equals(body.sender, key)) return this.#accept(id, 'author', received);
      if (delegation === undefined) return this.#accept(id, 'reader', received);
      if (delegation.expires < Math.max(body.timestamp, this.#options.now()))
        return refuse('delegation-expired');
      const known = this.#heard.get(id)?.delegation;
      const isKnown = known?.expires === delegation.expires && equals(known.signature, delegation.signature);
      if (isKnown) return this.#accept(id, 'delegate', received);
      this.#verifications++;
      const stated = delegationStatement(discoveryKey, body.sender, delegation.expires);
      return after(crypto.verify(delegation.signature, stated, key), (isDelegate) =>
        isDelegate === true ? this.#accept(id, 'delegate', received) : refuse('forged-delegation'),
      );
    });
  }

  #accept(id: string, role: Role, received: Received): Verdict {
    const { body } = received;
    const { own, clock, limits, allow } = this.#options;
    // Denied while its signature was checked.
    if (this.#denied.has(id)) return { refused: 'denied', sender: id };
    if (equals(body.sender, own.publicKey)) return { refused: 'superseded', sender: id };
    const before = this.#heard.get(id);
    const sender: Sender =
      before?.sender.role === role ? before.sender : { id, key: new Uint8Array(body.sender), role };
    if (before?.sender !== sender && !isAllowed(allow, sender)) {
      this.deny(id);
      return { refused: 'denied', sender: id };
    }
    if (before === undefined && !this.#makeRoom()) return { refused: 'too-many-senders', sender: id };
    const heard: Heard = {
      sender,
      epoch: body.epoch,
      sequence: body.sequence,
      timestamp: Math.max(body.timestamp, before?.timestamp ?? 0),
      delegation: body.delegation && {
        expires: body.delegation.expires,
        signature: new Uint8Array(body.delegation.signature),
      },
      bucket: before?.bucket ?? new TokenBucket(clock, limits.senderRate),
    };
    this.#heard.delete(id);
    this.#heard.set(id, heard);
    if (!heard.bucket.take()) return { refused: 'too-fast', sender: id };
    const isContinued = before !== undefined && before.epoch === body.epoch;
    return {
      received,
      accepted: {
        verified: true,
        sender,
        contentType: body.contentType,
        payload: new Uint8Array(body.payload),
        timestamp: body.timestamp,
        epoch: body.epoch,
        sequence: body.sequence,
        skipped: isContinued ? body.sequence - before.sequence - 1 : 0,
        audience: this.#audience(body.audience),
      },
    };
  }

  #audience(audience: Uint8Array | undefined): SignedMessage['audience'] {
    if (audience === undefined) return 'everybody';
    return equals(audience, this.#options.own.publicKey) ? 'me' : 'another';
  }

  /** Forgets those whose every message has expired by now, if there is no room for another. */
  #makeRoom(): boolean {
    const { limits, now } = this.#options;
    if (this.#heard.size < limits.senders) return true;
    for (const [id, { timestamp }] of this.#heard) {
      if (timestamp >= now() - limits.skewMs) continue;
      this.#heard.delete(id);
      this.#floor = Math.max(this.#floor, timestamp);
    }
    return this.#heard.size < limits.senders;
  }
}
