/**
 * A room: those who are present at a feed, what each says of itself, and what they say to each other. Nothing of it
 * is stored. All of it is signed, and passed on from peer to peer: see proto/dep-signed-ephemeral.md.
 *
 * A room lives across connections. Give it to `replicate` or `connect` in `extensions`, as often as you connect.
 */
import { equals } from 'uint8arrays/equals';
import { discoveryKey } from '../../crypto/discovery-key.ts';
import { parseKey, toHex } from '../../crypto/hex.ts';
import { libsodium } from '../../crypto/libsodium.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Signer } from '../../crypto/signer.ts';
import { describe } from '../../errors.ts';
import type { Channel } from '../../session/channel.ts';
import type { ExtensionLike } from '../../session/options.ts';
import type { Session } from '../../session/session.ts';
import { type Clock, systemClock } from '../../stream/clock.ts';
import { Listeners } from '../../stream/listeners.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import { Arrivals } from '../arrivals.ts';
import { type Codec, json } from '../codec.ts';
import { OCTET_STREAM } from '../ephemeral.ts';
import type { RefusalReason, SignedMessage } from '../signed/receiver.ts';
import {
  type SignedEvent,
  SignedMessages,
  type SignedMessagesOptions,
  type SignedStats,
} from '../signed/signed-messages.ts';
import type { Sender } from '../verified.ts';
import type { RoomEvent, Writer } from './events.ts';
import { Heartbeat, ttl } from './heartbeat.ts';
import { type Entry, type Member, Members } from './members.ts';
import {
  decodePresence,
  encodePresence,
  MAX_WRITERS,
  PRESENCE,
  type Presence,
  proveWriter,
  type WriterProof,
} from './presence.ts';
import { ProofChecks, type Proven } from './writers.ts';

/** What {@link Room.open} can be told. */
export interface RoomOptions<State, Message> extends SignedMessagesOptions {
  /** Of what members say of themselves. Default JSON. */
  readonly stateCodec?: Codec<State> | undefined;
  /** Of what they say to each other. Default JSON. */
  readonly messageCodec?: Codec<Message> | undefined;
}

/** An own presence that is older is said anew to who comes. */
const FRESH_MS = 30_000;

/** A presence message, and the same as it may be passed on. */
interface Arrival {
  readonly message: SignedMessage;
  readonly packet: Uint8Array | undefined;
}

/**
 * Who is here, and what they say: members come, change and leave by themselves, and each is certain to be who
 * it was before.
 */
export class Room<State, Message = unknown> implements ExtensionLike {
  readonly #signed: SignedMessages;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #discoveryKey: Uint8Array;
  readonly #states: Codec<State>;
  readonly #messages: Codec<Message>;
  readonly #contentType: string;
  readonly #members: Members<State>;
  readonly #proofs: ProofChecks;
  readonly #heartbeat: Heartbeat;
  readonly #presences: Arrivals<Arrival>;
  readonly #listeners = new Listeners<RoomEvent<State, Message>>();
  /** Those to whom others are being introduced. */
  readonly #introducing = new WeakSet<Session>();
  #state: { readonly value: State; readonly bytes: Uint8Array } | undefined;
  /** The feeds that this side writes. */
  #written: WriterProof[] = [];
  /** The last that was said of this side, and when. */
  #said: { readonly packet: Uint8Array; readonly at: number } | undefined;

  private constructor(options: RoomOptions<State, Message>, crypto: CryptoProvider, signed: SignedMessages) {
    const { clock = systemClock(), now = Date.now, relay = true, stateCodec, messageCodec } = options;
    const name = discoveryKey(crypto, parseKey(options.key));
    this.#signed = signed;
    this.#clock = clock;
    this.#now = now;
    this.#discoveryKey = name;
    this.#states = stateCodec ?? json();
    this.#messages = messageCodec ?? json();
    this.#contentType = messageCodec === undefined ? 'application/json' : OCTET_STREAM;
    this.#members = new Members(clock, (member) => this.#emit({ type: 'leave', member, reason: 'silent' }));
    this.#proofs = new ProofChecks(crypto, clock, name);
    this.#heartbeat = new Heartbeat(
      clock,
      () => crypto.randomBytes(1)[0]! / 255,
      () => this.#announce(),
    );
    this.#presences = new Arrivals<Arrival>(
      (arrival) => this.#onPresence(arrival),
      ({ message }) => this.#drop('too-fast', message.sender),
      (error) => void Promise.reject(error),
    );
    signed.onAccepted = (message, packet) => {
      // Kept for those who come later.
      const passed = relay ? packet : undefined;
      if (message.contentType === PRESENCE) this.#presences.push({ message, packet: passed });
    };
    signed.subscribe((event) => this.#on(event));
  }

  /**
   * Opens a room at a feed. Nothing is sent before `set` or `send`.
   * @throws TypeError, RangeError for invalid options.
   */
  static async open<State, Message = unknown>(
    options: RoomOptions<State, Message>,
  ): Promise<Room<State, Message>> {
    const crypto = options.crypto ?? (await libsodium());
    return new Room(options, crypto, await SignedMessages.open({ ...options, crypto }));
  }

  get names(): readonly string[] {
    return this.#signed.names;
  }

  /** This side's identity in hex: by it the others know this member. */
  get id(): string {
    return toHex(this.#signed.identity.publicKey);
  }

  /** The others who are present, by id. */
  get members(): ReadonlyMap<string, Member<State>> {
    return this.#members.all;
  }

  /** What this side says of itself; `undefined` while it is not present. */
  get state(): State | undefined {
    return this.#state?.value;
  }

  /** The feeds that members have proven to write. */
  get writers(): readonly Writer<State>[] {
    return [...this.#members.all.values()].flatMap((member) =>
      member.writers.map((key) => ({ key, member })),
    );
  }

  /** The connections that the room spans here. */
  get peers(): readonly Channel[] {
    return this.#signed.peers;
  }

  get stats(): SignedStats {
    return this.#signed.stats;
  }

  /**
   * Is present, and says this of itself: to all who are here, to all who come, and again before it would be missed.
   * A newer state takes the place of one that waits: 20 a second go out at most.
   * @throws what the codec throws, RangeError for more than fits a message, TypeError once the room was closed.
   */
  set(state: State): void {
    this.#assertOpen();
    const bytes = this.#states.encode(state);
    this.#assertFits(bytes, this.#written);
    this.#state = { value: state, bytes };
    this.#heartbeat.update();
  }

  /** Is not present any more, and says so. Hears on, until the connections end. */
  leave(): void {
    if (this.#state === undefined) return;
    this.#state = undefined;
    this.#said = undefined;
    this.#heartbeat.stop();
    this.#say({ leaving: true });
  }

  /** Leaves for good, and forgets the others: nothing is heard or passed on any more, and no timer is left behind. */
  close(): void {
    this.leave();
    this.#signed.close();
    this.#members.clear();
  }

  /**
   * Says something, to all who are in the room, or to one. Others can read that all the same. Returns to how many
   * connections it went: 0 without any, and then nobody hears it.
   * @throws what the codec throws, RangeError for more than fits a message, TypeError once the room was closed.
   */
  send(message: Message, ...to: [to?: Sender]): number {
    this.#assertOpen();
    // Who has left is `undefined`, and what was for one alone is not for all.
    if (to.length > 0 && !(to[0]?.key instanceof Uint8Array))
      throw new TypeError(`"to" expected a member or a sender, got ${describe(to[0])}`);
    const payload = this.#messages.encode(message);
    return this.#signed.send({ payload, contentType: this.#contentType, audience: to[0]?.key });
  }

  /**
   * Proves to all in the room that this side writes the feed whose signer this is: `feed.signer`. The others see it
   * in `writers`, whether or not they let it in.
   * @throws RangeError for more than 8 feeds, or more than fits a message, TypeError once the room was closed.
   */
  announceWriter(writer: Signer): void {
    this.#assertOpen();
    if (this.#written.some(({ key }) => equals(key, writer.publicKey))) return;
    if (this.#written.length >= MAX_WRITERS) {
      throw new RangeError(`a member announces ${MAX_WRITERS} feeds at most: retract one first`);
    }
    const proof = proveWriter(writer, this.#discoveryKey, this.#signed.identity.publicKey);
    const written = [...this.#written, proof];
    if (this.#state !== undefined) this.#assertFits(this.#state.bytes, written);
    this.#written = written;
    if (this.#state !== undefined) this.#heartbeat.update();
  }

  /** Takes {@link announceWriter} back. */
  retractWriter(key: Uint8Array): void {
    this.#written = this.#written.filter((proof) => !equals(proof.key, key));
    if (this.#state !== undefined) this.#heartbeat.update();
  }

  /** Hears nothing more of somebody, and passes nothing of it on. */
  deny(id: string): void {
    this.#signed.deny(id);
    const member = this.#members.delete(id);
    if (member !== undefined) this.#emit({ type: 'leave', member, reason: 'denied' });
  }

  /** Takes {@link deny}, and a `false` of `allow`, back. */
  undeny(id: string): void {
    this.#signed.undeny(id);
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: (event: RoomEvent<State, Message>) => void): () => void {
    return this.#listeners.add(listener);
  }

  attach(session: Session): void {
    this.#signed.attach(session);
  }

  opened(channel: Channel): void {
    this.#signed.opened(channel);
  }

  #assertOpen(): void {
    if (this.#signed.isClosed) throw new TypeError('the room was closed: open another one');
  }

  // Out.

  #encode(state: Uint8Array, writers: readonly WriterProof[], members: number): Uint8Array {
    return encodePresence({ leaving: false, state, writers, ttlMs: ttl(members) });
  }

  /** In a room of any size: it is said again when others have come, and then nobody could be told that it does not. */
  #assertFits(state: Uint8Array, writers: readonly WriterProof[]): void {
    this.#signed.assertFits(this.#encode(state, writers, Number.POSITIVE_INFINITY));
  }

  /** Members, this side among them. */
  get #size(): number {
    return this.#members.all.size + 1;
  }

  #announce(): void {
    if (this.#state === undefined) return;
    // Without anybody to hear it, it is said when somebody comes.
    if (this.peers.length === 0) {
      this.#said = undefined;
      return this.#heartbeat.stop();
    }
    const packet = this.#signed.write({
      payload: this.#encode(this.#state.bytes, this.#written, this.#size),
      contentType: PRESENCE,
    });
    this.#said = { packet, at: this.#clock.now() };
    this.#signed.broadcast(packet);
    this.#heartbeat.spoken(this.#size);
  }

  #say(presence: Presence): void {
    this.#signed.broadcast(this.#signed.write({ payload: encodePresence(presence), contentType: PRESENCE }));
  }

  /** Tells who comes of those who are here. */
  async #welcome(channel: Channel): Promise<void> {
    const said = this.#said;
    const isFresh = said !== undefined && this.#clock.now() - said.at < FRESH_MS;
    if (isFresh && this.#state !== undefined && !this.#heartbeat.isDue) {
      this.#signed.broadcast(said.packet, [channel]);
    } else if (this.#state !== undefined) {
      this.#heartbeat.update();
    }
    await this.#introduce(channel);
  }

  /** Passes on what the others have said. A remote that opens its channel again waits for the last time to end. */
  async #introduce(channel: Channel): Promise<void> {
    const { session } = channel;
    if (this.#introducing.has(session)) return;
    this.#introducing.add(session);
    for (const { member, packet, timestamp } of [...this.#members.entries]) {
      if (packet === undefined || timestamp < this.#now() - this.#signed.limits.skewMs) continue;
      while (!channel.isEnded && !channel.isWritable) await channel.writable();
      if (channel.isEnded || this.#signed.isClosed) break;
      if (this.#signed.hears(member.id)) this.#signed.pass(packet, channel);
    }
    this.#introducing.delete(session);
  }

  // In.

  #on(event: SignedEvent): void {
    if (event.type === 'peer') void this.#welcome(event.peer);
    if (event.type === 'message') this.#onMessage(event.message);
    if (event.type !== 'dropped') return;
    const { reason, sender, skewMs } = event;
    this.#emit(
      reason === 'superseded' ? { type: 'superseded' } : { type: 'dropped', reason, sender, skewMs },
    );
  }

  #onMessage({ contentType, payload, sender, audience, timestamp, skipped }: SignedMessage): void {
    if (contentType === PRESENCE) return;
    let message: Message;
    try {
      message = this.#messages.decode(payload);
    } catch {
      return this.#drop('malformed', sender);
    }
    const toMe = audience === 'me';
    this.#emit({ type: 'message', verified: true, message, sender, toMe, timestamp, skipped });
  }

  #onPresence({ message, packet }: Arrival): MaybePromise<void> {
    const { sender } = message;
    // Denied, or the room closed, while what came before it was looked at.
    if (!this.#signed.hears(sender.id)) return;
    let presence: Presence;
    let state: State | undefined;
    try {
      presence = decodePresence(message.payload);
      if (!presence.leaving) state = this.#states.decode(presence.state);
    } catch {
      return this.#drop('malformed', sender);
    }
    if (presence.leaving) {
      const member = this.#members.delete(sender.id);
      if (member !== undefined) this.#emit({ type: 'leave', member, reason: 'left' });
      return;
    }
    const { state: stateBytes, ttlMs, writers } = presence;
    const known = this.#members.get(sender.id)?.proofs ?? [];
    const accept = ({ proofs, refused }: Proven): void => {
      if (!this.#signed.hears(sender.id)) return;
      if (refused !== undefined) this.#drop(refused, sender);
      const { timestamp } = message;
      const member = { ...sender, state: state as State, writers: proofs.map(({ key }) => key) };
      this.#put({ member, stateBytes, proofs, packet, timestamp, expiresAt: this.#clock.now() + ttlMs });
    };
    return after(this.#proofs.check(sender, writers, known), accept);
  }

  #put(entry: Entry<State>): void {
    const before = this.#members.get(entry.member.id);
    if (before === undefined && this.#members.all.size >= this.#signed.limits.senders)
      return this.#drop('too-many-senders', entry.member);
    const isNews = before === undefined || !isSame(before, entry);
    // Who says nothing new stays the same object.
    const { member } = isNews ? entry : before;
    this.#members.set({ ...entry, member });
    if (isNews) this.#emit({ type: before === undefined ? 'join' : 'update', member });
  }

  #drop(reason: RefusalReason, { id }: Sender): void {
    this.#emit({ type: 'dropped', reason, sender: id });
  }

  #emit(event: RoomEvent<State, Message>): void {
    this.#listeners.emit(event);
  }
}

function isSame<State>(a: Entry<State>, b: Entry<State>): boolean {
  const keys = ({ member }: Entry<State>): string => member.writers.map(toHex).join();
  return a.member.role === b.member.role && equals(a.stateBytes, b.stateBytes) && keys(a) === keys(b);
}
