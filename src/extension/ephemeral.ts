/**
 * The extension `ephemeral` of Dat clients: messages beside a feed that are stored nowhere.
 *
 * Not authenticated: everybody who holds the feed's key can read and change what passes between two others. For
 * messages with a sender that can be relied on, see `signed/signed-messages.ts`.
 */
import { assertBytes, assertInteger } from '../errors.ts';
import type { Channel } from '../session/channel.ts';
import type { ExtensionLike } from '../session/options.ts';
import type { Session } from '../session/session.ts';
import { readEphemeral, writeEphemeral } from '../wire/ephemeral.ts';
import { read, required, write } from '../wire/protobuf.ts';
import type { Codec } from './codec.ts';
import { ChannelExtension, type ExtensionEvent, TooLarge } from './extension.ts';
import type { MessageRate } from './token-bucket.ts';
import type { Unverified } from './verified.ts';

/** What the extension's own text suggests. */
const SUGGESTED_BYTES = 2048;
/** What a content type and the fields take beside the payload. */
const OVERHEAD_BYTES = 512;

/** The content type of what names none. */
export const OCTET_STREAM = 'application/octet-stream';

/** What is sent. */
export interface EphemeralContent {
  readonly payload: Uint8Array;
  /** A media type. Where it is left out, nothing is on the wire, and the receiver sees `application/octet-stream`. */
  readonly contentType?: string | undefined;
}

export interface EphemeralMessage extends Unverified {
  readonly payload: Uint8Array;
  readonly contentType: string;
}

/** What {@link Ephemeral} can be told. */
export interface EphemeralOptions {
  /** The hard cap on a payload, both ways, in bytes. Default 2048, as the extension suggests. */
  readonly maxBytes?: number | undefined;
  /** What is taken of one peer. Default 100 a second, 200 at once. */
  readonly rate?: MessageRate | undefined;
}

/** What happens to ephemeral messages. */
export type EphemeralEvent = ExtensionEvent<EphemeralMessage, Channel>;

/** Between a payload of the extension and its content. Throws for bytes that are no such message. */
export const ephemeralCodec: Codec<EphemeralContent> = {
  encode: ({ contentType, payload }) =>
    write(writeEphemeral, contentType === undefined ? { payload } : { contentType, payload }),
  decode(bytes) {
    const { contentType = OCTET_STREAM, payload } = read(readEphemeral, bytes);
    return { contentType, payload: new Uint8Array(required('payload', payload)) };
  },
};

/** The extension `ephemeral` as Dat clients speak it. Nobody verifies who sent what. */
export class Ephemeral implements ExtensionLike {
  readonly #extension: ChannelExtension<EphemeralContent>;
  readonly #maxBytes: number;

  /** @throws TypeError, RangeError for invalid options. */
  constructor(options: EphemeralOptions = {}) {
    const { maxBytes = SUGGESTED_BYTES, rate } = options;
    assertInteger('maxBytes', maxBytes, 1);
    this.#maxBytes = maxBytes;
    this.#extension = new ChannelExtension('ephemeral', {
      rate,
      maxBytes: maxBytes + OVERHEAD_BYTES,
      codec: {
        encode: ephemeralCodec.encode,
        decode: (bytes) => this.#checked(ephemeralCodec.decode(bytes)),
      },
    });
  }

  get names(): readonly string[] {
    return this.#extension.names;
  }

  /** The channels whose remote knows the extension too. */
  get peers(): readonly Channel[] {
    return this.#extension.peers;
  }

  /** Whether the remote knows the extension too. */
  remoteSupports(channel: Channel): boolean {
    return this.#extension.remoteSupports(channel);
  }

  /**
   * Sends to one peer, as a datagram: false, and nothing is sent, where the connection is backed up or the remote
   * does not know the extension.
   * @throws RangeError for more than `maxBytes`, TypeError for a payload that is no bytes.
   */
  send(content: EphemeralContent, channel: Channel): boolean {
    assertBytes('payload', content.payload);
    this.#checked(content);
    return channel.isWritable && this.#extension.send(content, channel);
  }

  /** Sends to every one of `peers`; returns to how many it went. @throws as `send`. */
  broadcast(content: EphemeralContent): number {
    assertBytes('payload', content.payload);
    this.#checked(content);
    return this.peers.filter((channel) => this.send(content, channel)).length;
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: (event: EphemeralEvent) => void): () => void {
    return this.#extension.subscribe((event) => {
      if (event.type !== 'message') return listener(event);
      const { payload, contentType = OCTET_STREAM } = event.message;
      listener({ ...event, message: { verified: false, contentType, payload } });
    });
  }

  attach(session: Session): void {
    this.#extension.attach(session);
  }

  opened(channel: Channel): void {
    this.#extension.opened(channel);
  }

  #checked<C extends EphemeralContent>(content: C): C {
    const { byteLength } = content.payload;
    if (byteLength > this.#maxBytes) {
      throw new TooLarge(
        `"payload" expected at most ${this.#maxBytes} bytes, got ${byteLength}: send less, or raise maxBytes on both sides`,
      );
    }
    return content;
  }
}
