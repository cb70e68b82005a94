/**
 * Which message belongs to which channel. The numbers of the two directions are unrelated: a channel has one
 * of ours once we have opened it, and one of the remote's once the remote has.
 */

import { toHex } from '../crypto/hex.ts';
import { ProtocolError } from '../errors.ts';
import type { Clock } from '../stream/clock.ts';
import type { Feed, Handshake, Packet } from '../wire/messages.ts';
import { Channel, type ChannelHost, type ChannelMessage, type NamedExtension } from './channel.ts';
import type { ExtensionHandlers } from './extension-handlers.ts';

/** What the router needs of its session. */
export interface RouterHost extends ChannelHost {
  /** Something that the remote sent is ignored. */
  warning(channel: number, reason: string): void;
  readonly clock: Clock;
  readonly handlers: ExtensionHandlers;
  /** The remote's Handshake, on whichever channel. */
  onHandshake(handshake: Handshake, drop: (reason: string) => void): void;
  /** The remote has opened a channel that is not open here. */
  onOffer(channel: Channel): void;
  /** Both sides have opened a channel. */
  onOpened(channel: Channel): void;
}

export class Router {
  readonly #host: RouterHost;
  /** By discovery key (hex): the channels open on either side. */
  readonly #channels = new Map<string, Channel>();
  /** By the remote's number. `undefined`: a second channel for the same feed, which is ignored. */
  readonly #remote = new Map<number, Channel | undefined>();
  /** This side's numbers by discovery key (hex). A feed keeps its number for as long as the session lasts. */
  readonly #local = new Map<string, number>();
  /** What got messages since the last {@link flush}. */
  readonly #reached: Channel[] = [];
  /** What held more than its budget when it was last looked at. */
  readonly #full = new Set<Channel>();
  #unreadable = 0;
  /** Bytes that wait for feeds not open here. */
  #unopenedBytes = 0;
  /** Channels that only the remote has opened, each with what calls off its end. */
  readonly #offers = new Map<Channel, () => void>();
  /** What the remote has opened and `incoming` has not handed out. */
  #arrived: Channel[] = [];
  #onArrival: (() => void)[] = [];
  #drained: (() => void) | undefined;
  #ended = false;

  constructor(host: RouterHost) {
    this.#host = host;
  }

  /**
   * Opens the channel of a feed here. `newId` is set if the remote has to be told of it. A feed that was closed
   * here keeps its number, since the remote still considers it open.
   */
  open(discoveryKey: Uint8Array, key: Uint8Array): { channel: Channel; newId: number | undefined } {
    const { channels: max } = this.#host.limits;
    const name = toHex(discoveryKey);
    const known = this.#channels.get(name);
    if (known?.isLocal) return { channel: known, newId: undefined };
    const before = this.#local.get(name);
    if (before === undefined && this.#local.size >= max) {
      throw new RangeError(
        `a session opens ${max} channels, closed ones included: raise limits.channels on both sides, or connect again`,
      );
    }
    const id = before ?? this.#local.size;
    this.#local.set(name, id);
    const channel = known ?? new Channel(this.#host, discoveryKey.slice());
    this.#channels.set(name, channel);
    this.#unopenedBytes -= channel.held.bytes;
    this.#settle(channel);
    channel.openLocal(id, key);
    // Open there already: just now, or from before this side closed it.
    for (const [number, other] of this.#remote) {
      if (other === undefined || toHex(other.discoveryKey) !== name) continue;
      this.#remote.set(number, channel);
      this.#openBoth(channel);
    }
    return { channel, newId: before === undefined ? id : undefined };
  }

  /** Takes one received packet to where it belongs. @throws ProtocolError if it belongs nowhere. */
  route({ channel: number, message, byteLength = 0 }: Packet): void {
    if (message.type === 'keepalive') return;
    if (message.type === 'feed') return this.#onFeed(number, message);
    // The reference drops a body of one byte before it looks at the channel.
    if (message.type === 'unassigned' && message.code === undefined)
      return this.#drop(number, 'a body of one byte');
    if (!this.#remote.has(number)) {
      throw new ProtocolError(
        'unopened-channel',
        `the remote sent "${message.type}" on channel ${number}, which it never opened: the bytes were damaged`,
      );
    }
    switch (message.type) {
      case 'handshake':
        return this.#host.onHandshake(message, (reason) => this.#drop(number, reason));
      case 'unassigned':
        return this.#drop(number, `a message of type ${message.code}, unknown to this dialect`);
      case 'unreadable':
        return this.#onUnreadable(number, message.reason);
      case 'extension': {
        const name = this.#host.extensions.nameOf(message.id);
        if (name === undefined) return this.#drop(number, this.#host.extensions.unknown(message.id));
        return this.#onExtension(number, { type: 'extension', name, payload: message.payload }, byteLength);
      }
      default:
        return this.#deliver(number, message, byteLength);
    }
  }

  /** The remote opens a channel. On a number in use, it closes what was there. */
  #onFeed(number: number, feed: Feed): void {
    const replaced = this.#remote.get(number);
    if (replaced !== undefined) this.#replace(number, replaced);
    const name = toHex(feed.discoveryKey);
    const known = this.#channels.get(name);
    if (known !== undefined && [...this.#remote.values()].includes(known)) {
      this.#remote.set(number, undefined);
      return this.#drop(number, 'a second channel for a feed that the remote has open');
    }
    const channel = known ?? new Channel(this.#host, feed.discoveryKey.slice());
    this.#channels.set(name, channel);
    this.#remote.set(number, channel);
    this.#arrived.push(channel);
    for (const wake of this.#onArrival.splice(0)) wake();
    if (channel.isLocal) return this.#openBoth(channel);
    this.#expire(number, channel);
    this.#host.onOffer(channel);
  }

  /** The channel was closed on this side. The remote's number stays mapped to it, so later messages are dropped. */
  close(channel: Channel): void {
    const name = toHex(channel.discoveryKey);
    if (this.#channels.get(name) === channel) this.#channels.delete(name);
    if (!channel.isLocal) this.#unopenedBytes -= channel.held.bytes;
    this.#full.delete(channel);
    this.#settle(channel);
    this.drained();
  }

  /** Hands what was routed on to the consumers. */
  flush(): void {
    for (const channel of this.#reached) {
      channel.flush();
      if (channel.isFull) this.#full.add(channel);
    }
    this.#reached.length = 0;
  }

  /** Whether a channel holds more than its budget. */
  get isFull(): boolean {
    for (const channel of this.#full) {
      if (channel.isFull) return true;
      this.#full.delete(channel);
    }
    return false;
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

  /** Closes channels that nobody reads, so that the session can read on to the remote's end. */
  dropUnread(): void {
    for (const channel of this.#full) if (channel.isFull) channel.close();
  }

  /** The channels that the remote opens, in order, until the session ends. */
  async *incoming(): AsyncGenerator<Channel, void, undefined> {
    for (;;) {
      const channel = this.#arrived.shift();
      if (channel !== undefined) yield channel;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#onArrival.push(resolve));
    }
  }

  /** The channels that both sides have open. */
  get opened(): Channel[] {
    const remote = new Set(this.#remote.values());
    return [...this.#channels.values()].filter((channel) => channel.isLocal && remote.has(channel));
  }

  /** No message will come any more; `error` where the session failed. */
  end(error?: unknown): void {
    this.#ended = true;
    for (const channel of this.#offers.keys()) this.#settle(channel);
    for (const channel of this.#channels.values()) channel.end(error);
    for (const wake of this.#onArrival.splice(0)) wake();
    this.drained();
  }

  #replace(number: number, channel: Channel): void {
    this.#remote.delete(number);
    this.#withdraw(channel);
  }

  #withdraw(channel: Channel): void {
    this.#arrived = this.#arrived.filter((waiting) => waiting !== channel);
    channel.close();
  }

  /** Nobody may want the channel ever: what waits on it is let go of. It can still be opened here later. */
  #expire(number: number, channel: Channel): void {
    const { clock, limits } = this.#host;
    const cancel = clock.after(limits.unopenedMs, () => {
      this.#drop(number, `a feed that was not opened here within ${limits.unopenedMs / 1000} s`);
      this.#withdraw(channel);
    });
    this.#offers.set(channel, cancel);
  }

  /** The channel is open here, or it has ended. */
  #settle(channel: Channel): void {
    this.#offers.get(channel)?.();
    this.#offers.delete(channel);
  }

  #openBoth(channel: Channel): void {
    channel.openBoth();
    this.#host.onOpened(channel);
  }

  /** To the extension's handler, at once, or else to the channel's consumer. */
  #onExtension(number: number, message: NamedExtension, bytes: number): void {
    const channel = this.#remote.get(number);
    const handler = channel && this.#host.handlers.find(message.name, channel);
    if (channel === undefined || handler === undefined || channel.isEnded)
      return this.#deliver(number, message, bytes);
    handler(message.payload, channel, (reason) => this.#drop(number, reason));
  }

  #deliver(number: number, message: ChannelMessage, bytes: number): void {
    const channel = this.#remote.get(number);
    if (channel === undefined) return this.#drop(number, `"${message.type}" on a second channel of one feed`);
    if (channel.isEnded) return this.#drop(number, `"${message.type}" on a channel closed here`);
    if (!channel.isLocal) {
      const { unopenedMessages, unopenedBytes } = this.#host.limits;
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
    const { unreadableMessages: max } = this.#host.limits;
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
    this.#host.warning(number, reason);
  }
}
