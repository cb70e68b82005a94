/** One feed within a session: what the remote says about it comes in here, what we say goes out here. */
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { type Deferred, deferred } from '../stream/deferred.ts';
import type * as wire from '../wire/messages.ts';
import { assertSendable, fitsFrame } from '../wire/sendable.ts';
import type { ExtensionNames } from './extension-names.ts';
import { NONE } from './none.ts';
import type { Outbox, Produce } from './outbox.ts';
import type { Session } from './session.ts';

/** A message of an extension, by its name. */
export interface NamedExtension {
  readonly type: 'extension';
  readonly name: string;
  readonly payload: Uint8Array;
}

/** Types that the session handles itself, or that reach the app in another form. */
type Internal = 'feed' | 'handshake' | 'keepalive' | 'extension' | 'unassigned' | 'unreadable';

/** What a channel receives: `info`, `have`, `unhave`, `want`, `unwant`, `request`, `cancel`, `data`, and `extension` by name. */
export type ChannelMessage = Exclude<wire.Message, { type: Internal }> | NamedExtension;

/** What a channel sends: the same, where fields with a default may be left out. */
export type ChannelSendable = Exclude<wire.Sendable, { type: Internal }> | NamedExtension;

/** Takes messages in order. While a returned promise is pending, no more are handed over: that is the backpressure. */
export type Consumer = (batch: readonly ChannelMessage[]) => void | Promise<void>;

/** What a channel needs of its session. */
export interface ChannelHost {
  readonly session: Session;
  readonly outbox: Outbox;
  readonly extensions: ExtensionNames;
  readonly limits: Limits;
  /** The channel has taken what it held. */
  drained(): void;
  /** The channel was closed on this side. */
  closed(channel: Channel): void;
  /** The consumer failed. */
  fail(error: unknown): void;
}

/** One feed within a session: what the remote says about it comes in here, what this side says goes out here. */
export class Channel implements AsyncIterable<ChannelMessage> {
  /** 32 bytes; names the feed without giving its key away. */
  readonly discoveryKey: Uint8Array;
  /** @internal The discovery key in hex. */
  readonly name: string;
  readonly #host: ChannelHost;
  readonly #opened: Deferred<void> = deferred();
  #closed: Deferred<void> | undefined;
  #key: Uint8Array | undefined;
  /** This side's number, once it has opened the channel. */
  #id: number | undefined;
  #inbox: ChannelMessage[] = [];
  #inboxBytes = 0;
  /** What a loop that was left had of its batch. A reader has it still, so it goes out alone, before the inbox. */
  #left: readonly ChannelMessage[] = NONE;
  #consumer: Consumer | undefined;
  #busy = false;
  #ended = false;
  #why: (() => unknown) | undefined;
  #onEnd: (() => void) | undefined;
  /** @internal Called once, when this side opens the channel or it ends. */
  whenSettled: (() => void) | undefined;
  /** @internal Whether the extensions of the session know that both sides have it open. */
  isAnnounced = false;

  /** @internal */
  constructor(host: ChannelHost, discoveryKey: Uint8Array, name: string) {
    this.#host = host;
    this.discoveryKey = discoveryKey;
    this.name = name;
  }

  /** The session that the channel is part of. */
  get session(): Session {
    return this.#host.session;
  }

  /** The feed's key; `undefined` while only the remote has opened the channel. */
  get key(): Uint8Array | undefined {
    return this.#key;
  }

  /** Resolves when both sides have opened the channel; rejects if it closes first. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Resolves when the channel has ended, for whatever reason; the session's `closed` tells which. */
  get closed(): Promise<void> {
    this.#closed ??= deferred();
    if (this.#ended) this.#closed.resolve();
    return this.#closed.promise;
  }

  /**
   * Queues a message. It goes out in order with the channel's others; nothing happens on a closed channel.
   * @throws TypeError, RangeError for an invalid message, or one too large for a frame.
   */
  send(message: ChannelSendable): void {
    if (message.type === 'extension') {
      const id = this.#host.extensions.idOf(message.name);
      this.#queue({ type: 'extension', id, payload: message.payload });
    } else {
      this.#queue(message);
    }
  }

  /** Queues a message that is made only when the transport can take it. */
  sendLater(produce: Produce): void {
    this.#queue(produce);
  }

  /** Whether there is room to send. What need not arrive is better left out while there is none. */
  get isWritable(): boolean {
    return this.#id !== undefined && !this.#ended && this.#host.outbox.hasRoom(this.#id);
  }

  /** `undefined` if there is room to send; otherwise a promise that resolves once there is. */
  writable(): Promise<void> | undefined {
    return this.#id === undefined || this.#ended ? undefined : this.#host.outbox.writable(this.#id);
  }

  /**
   * Takes what the channel receives, in batches, from the first message on. One consumer at a time.
   * @throws TypeError if there is one already.
   */
  receive(consumer: Consumer): void {
    if (this.#consumer !== undefined) {
      throw new TypeError('a channel has one consumer, and this one is being read already');
    }
    this.#consumer = consumer;
    // Deferred, so that the caller can finish setting up its own state first.
    Promise.resolve().then(() => this.flush());
  }

  /**
   * The messages one by one; sugar over {@link receive}. A loop that is left can be begun again, and goes on where it
   * was. Meanwhile, as where nobody ever reads, up to `limits.channelBytes` wait, and then the session takes in nothing
   * more for any channel. Throws the session's error if it failed.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ChannelMessage, void, undefined> {
    let batch: readonly ChannelMessage[] = [];
    let next = 0;
    let taken: (() => void) | undefined;
    let wake: (() => void) | undefined;
    this.receive((messages) => {
      batch = messages;
      next = 0;
      wake?.();
      return new Promise((resolve) => {
        taken = resolve;
      });
    });
    this.#onEnd = () => wake?.();
    try {
      for (;;) {
        while (next < batch.length) yield batch[next++]!;
        taken?.();
        taken = undefined;
        // The next batch, if one waits, is handed over in this turn.
        await undefined;
        if (next < batch.length) continue;
        if (this.#ended && this.#inbox.length === 0) {
          const error = this.#why?.();
          if (error !== undefined) throw error;
          return;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#consumer = undefined;
      this.#onEnd = undefined;
      this.#left = batch.slice(next);
      taken?.();
    }
  }

  /** Stops taking part. The protocol has no word for it: the remote is not told and may go on sending. */
  close(): void {
    if (this.#ended) return;
    this.end();
    this.#host.closed(this);
  }

  /** @internal This side has opened the channel under its number `id`. */
  openLocal(id: number, key: Uint8Array): void {
    this.#id = id;
    this.#key = key;
    this.#settle();
    if (this.#inbox.length > 0) Promise.resolve().then(() => this.flush());
  }

  /** @internal Both sides have opened the channel. */
  openBoth(): void {
    this.#opened.resolve();
  }

  /** @internal Whether this side has opened the channel. */
  get isLocal(): boolean {
    return this.#id !== undefined;
  }

  /** @internal */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** @internal More is held than the budget allows. */
  get isFull(): boolean {
    return this.#inboxBytes > this.#host.limits.channelBytes;
  }

  /** @internal Messages and bytes held. */
  get held(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#inbox.length, bytes: this.#inboxBytes };
  }

  /** @internal Takes a received message in; {@link flush} hands it on. */
  push(message: ChannelMessage, bytes: number): void {
    this.#inbox.push(message);
    this.#inboxBytes += bytes;
  }

  /** @internal Hands what is held to the consumer, unless it is busy or the channel is not open here yet. */
  flush(): void {
    if (this.#consumer === undefined || this.#busy || this.#id === undefined) return;
    let batch = this.#left;
    if (batch.length > 0) this.#left = NONE;
    else {
      if (this.#inbox.length === 0) return;
      batch = this.#inbox;
      this.#inbox = [];
      this.#inboxBytes = 0;
      this.#host.drained();
    }
    try {
      const pending = this.#consumer(batch);
      // Behind what was left there may be more.
      if (pending === undefined) return this.flush();
      this.#busy = true;
      pending.then(
        () => {
          this.#busy = false;
          this.flush();
        },
        (error) => this.#host.fail(error),
      );
    } catch (error) {
      this.#host.fail(error);
    }
  }

  /**
   * @internal No more will be received; `why` gives the error where the session failed. What is held is still
   * handed on, unless this side never opened the channel.
   */
  end(why?: () => unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#why = why;
    this.#settle();
    if (this.#id === undefined) this.#inbox = [];
    this.#opened.rejectWith(
      () =>
        why?.() ??
        new ProtocolError(
          'refused',
          `the channel of ${this.name} closed before the remote opened it: it may not have this feed`,
        ),
    );
    this.#closed?.resolve();
    this.#onEnd?.();
  }

  /** Whether a message is small enough to travel. */
  fits(message: Exclude<ChannelSendable, NamedExtension>): boolean {
    return fitsFrame(this.#id ?? 0, message);
  }

  #settle(): void {
    this.whenSettled?.();
    this.whenSettled = undefined;
  }

  #queue(item: wire.Sendable | Produce): void {
    if (this.#id === undefined) {
      throw new TypeError(
        'a channel that only the remote has opened cannot send: call session.open with the key of its feed first',
      );
    }
    if (typeof item !== 'function') assertSendable(this.#id, item);
    if (!this.#ended) this.#host.outbox.send(this.#id, item);
  }
}
