/**
 * Which message belongs to which channel. The numbers of the two directions are unrelated: a channel has one
 * of ours once we have opened it, and one of the remote's once the remote has.
 */

import { toHex } from '../crypto/hex.ts';
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Feed, Packet } from '../wire/messages.ts';
import { Channel, type ChannelHost, type ChannelMessage, type NamedExtension } from './channel.ts';
import type { ExtensionHandlers } from './extension-handlers.ts';
import type { ExtensionNames } from './extension-names.ts';
import { NONE } from './none.ts';
import { Offers } from './offers.ts';
import type { Outbox } from './outbox.ts';
import type { Tracer } from './tracer.ts';

/** A feed. It keeps its number for as long as the session lasts. */
interface Slot {
  /** Open on either side. */
  channel: Channel | undefined;
  /** This side's number. */
  id: number | undefined;
}

export class Router implements ChannelHost {
  readonly session: ChannelHost['session'];
  readonly limits: Limits;
  readonly outbox: Outbox;
  readonly extensions: ExtensionNames;
  readonly #handlers: ExtensionHandlers;
  readonly #tracer: Tracer;
  /** By discovery key (hex). */
  readonly #feeds = new Map<string, Slot>();
  /** Feeds that have a number of ours. */
  #opened = 0;
  /** Feed messages that came. A peer of the reference never uses a number again: no more come than it has numbers. */
  #announced = 0;
  /** By the remote's number, with room for the one of most. `null`: a second channel for one feed, which is ignored. */
  readonly #remote: (Channel | null | undefined)[] = [undefined];
  /** What got messages since the last {@link flush}. */
  #reached: Channel[] = [];
  /** What held more than its budget when it was last looked at. */
  #full: readonly Channel[] = NONE;
  #unreadable = 0;
  /** Bytes that wait for feeds not open here. */
  #unopenedBytes = 0;
  readonly #offers = new Offers();
  #drained: (() => void) | undefined;

  constructor(
    session: ChannelHost['session'],
    outbox: Outbox,
    extensions: ExtensionNames,
    handlers: ExtensionHandlers,
    tracer: Tracer,
  ) {
    this.session = session;
    this.limits = session.limits;
    this.outbox = outbox;
    this.extensions = extensions;
    this.#handlers = handlers;
    this.#tracer = tracer;
  }

  /**
   * Opens the channel of a feed here. `newId` is set if the remote has to be told of it. A feed that was closed
   * here keeps its number, since the remote still considers it open.
   */
  open(discoveryKey: Uint8Array, key: Uint8Array): { channel: Channel; newId: number | undefined } {
    const { channels: max } = this.limits;
    const name = toHex(discoveryKey);
    const slot = this.#feeds.get(name);
    if (slot?.channel?.isLocal) return { channel: slot.channel, newId: undefined };
    const before = slot?.id;
    if (before === undefined && this.#opened >= max) {
      throw new RangeError(
        `a session opens ${max} channels, closed ones included: raise limits.channels on both sides, or connect again`,
      );
    }
    const id = before ?? this.#opened++;
    const channel = slot?.channel ?? new Channel(this, discoveryKey, name);
    this.#feeds.set(name, { channel, id });
    this.#unopenedBytes -= channel.held.bytes;
    channel.openLocal(id, key);
    // Open there already: just now, or from before this side closed it.
    this.#remote.forEach((other, number) => {
      if (other?.name !== name) return;
      this.#remote[number] = channel;
      this.#openBoth(channel);
    });
    if (this.#opened === max) this.#refuseUnopened();
    return { channel, newId: before === undefined ? id : undefined };
  }

  /** Takes one received packet to where it belongs. @throws ProtocolError if it belongs nowhere. */
  route({ channel: number, message, byteLength = 0 }: Packet): void {
    if (message.type === 'keepalive') return;
    if (message.type === 'feed') return this.#onFeed(number, message);
    // The reference drops a body of one byte before it looks at the channel.
    if (message.type === 'unassigned' && message.code === undefined)
      return this.#drop(number, 'a body of one byte');
    if (this.#remote[number] === undefined) {
      throw new ProtocolError(
        'unopened-channel',
        `the remote sent "${message.type}" on channel ${number}, which it never opened: the bytes were damaged`,
      );
    }
    switch (message.type) {
      case 'handshake':
        return this.session.onHandshake(message, (reason) => this.#drop(number, reason));
      case 'unassigned':
        return this.#drop(number, `a message of type ${message.code}, unknown to this dialect`);
      case 'unreadable':
        return this.#onUnreadable(number, message.reason);
      case 'extension': {
        const name = this.extensions.nameOf(message.id);
        if (name === undefined) return this.#drop(number, this.extensions.unknown(message.id));
        return this.#onExtension(number, { type: 'extension', name, payload: message.payload }, byteLength);
      }
      default:
        return this.#deliver(number, message, byteLength);
    }
  }

  /** The remote opens a channel. On a number in use, it closes what was there. */
  #onFeed(number: number, feed: Feed): void {
    const { channels: max } = this.limits;
    if (++this.#announced > max) {
      throw new ProtocolError(
        'too-many-channels',
        `the remote opened more than ${max} channels: share fewer feeds on one connection, or raise limits.channels`,
      );
    }
    const replaced = this.#remote[number];
    this.#remote[number] = undefined;
    if (replaced) this.#withdraw(replaced);
    const name = toHex(feed.discoveryKey);
    const slot = this.#feeds.get(name);
    const known = slot?.channel;
    if (known !== undefined && this.#remote.includes(known)) {
      this.#remote[number] = null;
      return this.#drop(number, 'a second channel for a feed that the remote has open');
    }
    const channel = known ?? new Channel(this, feed.discoveryKey.slice(), name);
    if (slot === undefined) this.#feeds.set(name, { channel, id: undefined });
    else slot.channel = channel;
    this.#remote[number] = channel;
    const refusal = channel.isLocal ? undefined : this.#refusal(name);
    if (refusal !== undefined) return this.#letGo(number, channel, refusal);
    this.#offers.add(channel);
    if (channel.isLocal) return this.#openBoth(channel);
    this.#expire(number, channel);
    this.session.onOffer(channel);
  }

  /** The channel was closed on this side. The remote's number stays mapped to it, so later messages are dropped. */
  closed(channel: Channel): void {
    const { name } = channel;
    const slot = this.#feeds.get(name);
    if (slot?.channel === channel) {
      slot.channel = undefined;
      if (slot.id === undefined) this.#feeds.delete(name);
    }
    if (!channel.isLocal) this.#unopenedBytes -= channel.held.bytes;
    this.#full = this.#full.filter((other) => other !== channel);
    this.drained();
  }

  /** A channel's consumer failed. */
  fail(error: unknown): void {
    this.session.abort(error);
  }

  /** Hands what was routed on to the consumers. */
  flush(): void {
    for (const channel of this.#reached) {
      channel.flush();
      if (channel.isFull && !this.#full.includes(channel)) this.#full = this.#full.concat(channel);
    }
    this.#reached = [];
  }

  /** Whether a channel holds more than its budget. */
  get isFull(): boolean {
    if (this.#full.length === 0) return false;
    this.#full = this.#full.filter((channel) => channel.isFull);
    return this.#full.length > 0;
  }

  /** Resolves on the next {@link drained}. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** A channel has handed on what it held, or the session is ending: wakes whoever waits in {@link change}. */
  drained(): void {
    this.#drained?.();
  }

  /** This side is closing, and opens nothing more. */
  finish(): void {
    this.#refuseUnopened();
    this.drained();
  }

  /** Closes channels that nobody reads, so that the session can read on to the remote's end. */
  dropUnread(): void {
    for (const channel of this.#full) if (channel.isFull) channel.close();
  }

  /** The channels that the remote opens, in order, until the session ends. */
  incoming(): AsyncIterable<Channel> {
    return this.#offers.take();
  }

  /** The channels that both sides have open. */
  get opened(): Channel[] {
    const remote = new Set(this.#remote);
    return [...this.#feeds.values()].flatMap(({ channel }) =>
      channel?.isLocal && remote.has(channel) ? channel : [],
    );
  }

  /** No message will come any more; `why` gives the error where the session failed. */
  end(why: () => unknown): void {
    for (const { channel } of [...this.#feeds.values()]) channel?.end(why);
    this.#offers.end();
    this.drained();
  }

  #withdraw(channel: Channel): void {
    this.#offers.withdraw(channel);
    channel.close();
  }

  #letGo(number: number, channel: Channel, reason: string): void {
    this.#drop(number, reason);
    this.#withdraw(channel);
  }

  /** Why a feed that is not open here cannot be opened any more; `undefined` where it can. */
  #refusal(name: string): string | undefined {
    if (!this.session.isOpen) return 'a feed not open here: this side is closing';
    const { channels: max } = this.limits;
    return this.#opened < max || this.#feeds.get(name)?.id !== undefined
      ? undefined
      : `a feed not open here: this side has opened ${max} channels`;
  }

  /** What waits to be opened here and cannot be any more is not held: a remote that goes on would flood it. */
  #refuseUnopened(): void {
    this.#remote.forEach((channel, number) => {
      if (!channel || channel.isLocal || channel.isEnded) return;
      const refusal = this.#refusal(channel.name);
      if (refusal !== undefined) this.#letGo(number, channel, refusal);
    });
  }

  /** Nobody may want the channel ever: what waits on it is let go of. It can still be opened here later. */
  #expire(number: number, channel: Channel): void {
    const { unopenedMs } = this.limits;
    channel.whenSettled = this.session.clock.after(unopenedMs, () => {
      this.#letGo(number, channel, `a feed that was not opened here within ${unopenedMs / 1000} s`);
    });
  }

  #openBoth(channel: Channel): void {
    channel.openBoth();
    this.session.onOpened(channel);
  }

  /** To the extension's handler, at once, or else to the channel's consumer. */
  #onExtension(number: number, message: NamedExtension, bytes: number): void {
    const channel = this.#remote[number];
    const handler = channel ? this.#handlers.find(message.name, channel) : undefined;
    if (!channel || handler === undefined || channel.isEnded) return this.#deliver(number, message, bytes);
    handler(message.payload, channel, (reason) => this.#drop(number, reason));
  }

  #deliver(number: number, message: ChannelMessage, bytes: number): void {
    const channel = this.#remote[number];
    if (!channel) return this.#drop(number, `"${message.type}" on a second channel of one feed`);
    if (channel.isEnded) return this.#drop(number, `"${message.type}" on a channel closed here`);
    if (!channel.isLocal) {
      const { unopenedMessages, unopenedBytes } = this.limits;
      if (channel.held.messages >= unopenedMessages || this.#unopenedBytes + bytes > unopenedBytes) {
        if (message.type === 'extension') return this.#drop(number, 'an extension on a feed not open here');
        throw new ProtocolError(
          'unopened-flood',
          `the remote sent more than ${unopenedMessages} messages or ${unopenedBytes} bytes for feeds not open here: open them sooner, or raise limits.unopenedMessages and limits.unopenedBytes`,
        );
      }
      this.#unopenedBytes += bytes;
    }
    channel.push(message, bytes);
    // Most follow another one on the same channel; one that is here twice is flushed twice.
    if (this.#reached[this.#reached.length - 1] !== channel) this.#reached.push(channel);
  }

  #onUnreadable(number: number, reason: string): void {
    const { unreadableMessages: max } = this.limits;
    this.#drop(number, `a message that breaks the schema: ${reason}`);
    this.#unreadable++;
    if (this.#unreadable > max) {
      throw new ProtocolError(
        'bad-message',
        `the remote sent more than ${max} messages that cannot be read, the last because ${reason}: the bytes were damaged, or it speaks another dialect`,
      );
    }
  }

  #drop(number: number, reason: string): void {
    this.#tracer.warning(number, reason);
  }
}
