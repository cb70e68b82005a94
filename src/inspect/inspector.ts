/**
 * A conversation of two peers, read by somebody who holds the key: the bytes of both directions in, what they say out.
 * Does no I/O, has no clock, and takes part in nothing.
 */
import { discoveryKey } from '../crypto/discovery-key.ts';
import { parseKey, toHex } from '../crypto/hex.ts';
import { noble } from '../crypto/noble.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { assertBytes, assertInteger, assertObject, describe, ProtocolError } from '../errors.ts';
import { type Limits, withDefaults } from '../limits.ts';
import type { Message, Packet } from '../wire/messages.ts';
import { annotate } from './annotate.ts';
import type { Direction, InspectEvent, InspectedField, InspectedFrame } from './events.ts';
import type { CutFrame } from './frames.ts';
import { Side } from './side.ts';
import { count } from './text.ts';
import { verdicts } from './verdicts.ts';

/** What an {@link Inspector} can be told. */
export interface InspectorOptions {
  /** Keys of feeds, as for `connect`. Of each connection the first feed's is needed, and no other. May be none. */
  readonly keys: Iterable<Uint8Array | string>;
  /** Takes the events as they happen. What it throws comes out of the call that it was in. */
  readonly listener: (event: InspectEvent) => void;
  /** Default: `noble`. */
  readonly crypto?: CryptoProvider | undefined;
  /** `frameBytes`, `firstFrameBytes`, `channels`, `requests` and those of extension names. */
  readonly limits?: Partial<Limits> | undefined;
  /** What the sides are called in sentences: who sends `out`, and who sends `in`. */
  readonly names?: Readonly<Record<Direction, string>> | undefined;
}

const defaultNames: Readonly<Record<Direction, string>> = {
  out: 'the side that connected',
  in: 'the side that answered',
};

/**
 * Reads one connection. Whatever the bytes are, no method throws for them, and no more is held than a frame each way,
 * and as many channels, feeds and open requests as `limits` says.
 */
export class Inspector {
  readonly #listener: (event: InspectEvent) => void;
  readonly #keys = new Map<string, Uint8Array>();
  readonly #limits: Limits;
  readonly #sides: Readonly<Record<Direction, Side>>;
  #time = 0;
  #isFinished = false;

  /** @throws TypeError, RangeError for invalid options. */
  constructor(options: InspectorOptions) {
    assertObject('options', options, 'as in { keys, listener }');
    const { keys, listener, crypto = noble, limits, names = defaultNames } = options;
    if (typeof listener !== 'function') {
      throw new TypeError(`"listener" expected a function that takes events, got ${describe(listener)}`);
    }
    if (typeof keys === 'string' || keys instanceof Uint8Array || keys?.[Symbol.iterator] === undefined) {
      throw new TypeError(`"keys" expected keys in an array, which may be empty, got ${describe(keys)}`);
    }
    for (const key of keys) {
      const bytes = parseKey(key).slice();
      this.#keys.set(toHex(discoveryKey(crypto, bytes)), bytes);
    }
    this.#listener = listener;
    this.#limits = withDefaults(limits);
    this.#sides = { out: this.#side('out', names.out), in: this.#side('in', names.in) };
  }

  /** Bytes of one direction, in any chunking; they are not changed. `time` is in ms since the capture began. */
  push(direction: Direction, bytes: Uint8Array, time: number): void {
    assertBytes('bytes', bytes);
    const side = this.#take(direction, time);
    if (bytes.byteLength === 0) return;
    side.heardAt = time;
    side.frames.push(bytes);
  }

  /** Bytes of one direction that the capture does not have. What follows is read again from the next frame on. */
  missing(direction: Direction, byteLength: number, time: number): void {
    assertInteger('byteLength', byteLength);
    const side = this.#take(direction, time);
    const offset = side.frames.received;
    side.heardAt = time;
    side.missing += byteLength;
    this.#notice(side, 'warning', offset, `the capture does not have the next ${count(byteLength, 'byte')}`);
    side.frames.skip(byteLength);
  }

  /** A direction has ended; `error` says why where that was not proper, as in "it was reset". */
  end(direction: Direction, time: number, error?: string): void {
    const side = this.#take(direction, time);
    if (side.endedAt !== undefined) return;
    side.endedAt = time;
    side.error = error;
    side.frames.end();
    this.#listener({ event: 'end', time, direction, offset: side.frames.received, error });
  }

  /** No more comes: tells the sums, and what to make of it all. */
  finish(time: number): void {
    if (this.#isFinished) return;
    this.#take('out', time);
    this.#isFinished = true;
    const { out, in: back } = this.#sides;
    for (const side of [out, back]) side.frames.end();
    this.#listener({
      event: 'statistics',
      time,
      out: out.tally.statistics(out.frames.received),
      in: back.tally.statistics(back.frames.received),
    });
    for (const verdict of verdicts(out, back, time)) this.#listener({ event: 'verdict', ...verdict });
  }

  #take(direction: Direction, time: number): Side {
    const side = this.#sides[direction];
    if (side === undefined)
      throw new RangeError(`"direction" expected "out" or "in", got ${describe(direction)}`);
    if (typeof time !== 'number' || Number.isNaN(time)) {
      throw new TypeError(`"time" expected milliseconds since the capture began, got ${describe(time)}`);
    }
    if (this.#isFinished) throw new TypeError('nothing can come after `finish`: make another Inspector');
    this.#time = time;
    return side;
  }

  #side(direction: Direction, name: string): Side {
    const side: Side = new Side(direction, name, {
      limits: this.#limits,
      keyOf: (asked) => this.#keys.get(toHex(asked)),
      onFrame: (frame, packet) => this.#onFrame(side, frame, packet),
      isOpen: (channel) => side.channels.has(channel),
      onLost: (offset, error) => {
        const reason = this.#notice(side, 'fault', offset, error);
        side.lost ??= { reason, frames: side.tally.frames };
      },
      onFound: (offset, byteLength) => {
        this.#notice(side, 'warning', offset, `frames can be read again, ${count(byteLength, 'byte')} later`);
      },
      onSealed: (offset, asked) => {
        const missingKey = toHex(asked);
        side.sealed = missingKey;
        const given = this.#keys.size === 0 ? 'and none was given' : 'and no key given is that one';
        const text = `the rest of this direction is enciphered: the key of the feed with the discovery key ${missingKey} is needed to read it, ${given}`;
        const { direction } = side;
        this.#listener({
          event: 'warning',
          time: this.#time,
          direction,
          offset,
          text,
          code: undefined,
          missingKey,
        });
      },
    });
    return side;
  }

  #onFrame(side: Side, frame: CutFrame, { channel, message }: Packet): void {
    const byteLength = frame.plain.byteLength;
    side.tally.add(message, byteLength);
    const notices = this.#follow(side, channel, message);
    const feed = side.channels.get(channel);
    if (feed !== undefined) {
      side.requests.asks(feed, message, this.#time);
      this.#other(side).requests.hears(feed, message);
    }
    const extension = side.extensionOf(message);
    this.#listener({
      event: 'message',
      time: this.#time,
      direction: side.direction,
      offset: frame.offset,
      byteLength,
      channel,
      type: message.type,
      message,
      feed,
      extension,
      frame: inspected(frame, extension),
    });
    for (const [kind, about] of notices) this.#notice(side, kind, frame.offset, about);
  }

  /** Keeps what later messages are read by; returns what is wrong with this one. */
  #follow(side: Side, channel: number, message: Message): Notice[] {
    switch (message.type) {
      case 'keepalive':
        return [];
      case 'unassigned':
        // A body of one byte names no channel.
        if (message.code === undefined) return [];
        break;
      case 'feed': {
        const isAgain = side.channels.has(channel);
        side.channels.set(channel, toHex(message.discoveryKey));
        side.feed ??= message;
        const notices: Notice[] = isAgain ? [['warning', `channel ${channel} is opened again`]] : [];
        if (!side.tally.addFeed(message.discoveryKey) && !side.hasMoreFeeds) {
          side.hasMoreFeeds = true;
          const most = count(this.#limits.channels, 'feed');
          notices.push(['warning', `more than ${most} opened: the statistics name no others`]);
        }
        return notices;
      }
      case 'handshake':
        if (side.extensions !== undefined)
          return [['warning', 'a second Handshake, which counts for nothing']];
        side.declare(message.extensions, this.#limits);
        break;
      case 'info':
        side.isSated = !message.downloading;
        break;
      case 'unreadable':
        return [['warning', `a message that breaks its schema, and is passed over: ${message.reason}`]];
      case 'extension':
        if (side.extensions !== undefined && side.extensions[message.id] === undefined) {
          return [['warning', `extension ${message.id} is none of those that the Handshake names`]];
        }
        break;
    }
    if (side.channels.has(channel)) return [];
    const error = new ProtocolError(
      'unopened-channel',
      `"${message.type}" on channel ${channel}, which was not opened: the session ends here`,
    );
    return [['fault', error]];
  }

  #other(side: Side): Side {
    return side.direction === 'out' ? this.#sides.in : this.#sides.out;
  }

  /** Returns what it told. */
  #notice(side: Side, event: 'warning' | 'fault', offset: number, about: unknown): string {
    const isPeers = about instanceof ProtocolError;
    const text = isPeers ? about.reason : about instanceof Error ? about.message : String(about);
    const code = isPeers ? about.code : undefined;
    this.#listener({ event, time: this.#time, direction: side.direction, offset, text, code });
    return text;
  }
}

/** What is wrong with a message, and how much. */
type Notice = ['warning' | 'fault', unknown];

/** With the parts made when they are asked for, once. A property of its own, so that a copy has them too. */
function inspected({ plain, ciphered }: CutFrame, extension: string | undefined): InspectedFrame {
  let fields: readonly InspectedField[] | undefined;
  return {
    plain,
    ciphered,
    get fields() {
      fields ??= annotate(plain, extension);
      return fields;
    },
  };
}
