/**
 * A WebRTC data channel as a transport: a page's own, and on Node that of a package such as `@roamhq/wrtc`.
 *
 * @module hypercore-wire/transport/webrtc
 */
import { assertInteger, describe, ProtocolError } from '../errors.ts';
import { type Clock, systemClock } from '../stream/clock.ts';
import type { Transport } from '../stream/transport.ts';
import { MessageTransport } from './message-transport.ts';

/** The part of an `RTCDataChannel` that is used. */
export interface DataChannelLike {
  readonly readyState: string;
  readonly ordered: boolean;
  readonly maxPacketLifeTime: number | null;
  readonly maxRetransmits: number | null;
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold: number;
  binaryType: string;
  send(data: string): void;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: ChannelEvent, listener: (event: object) => void): void;
  removeEventListener(type: ChannelEvent, listener: (event: object) => void): void;
}

/** The events of a data channel that are listened to. */
export type ChannelEvent = 'open' | 'message' | 'bufferedamountlow' | 'error' | 'close';

/** What {@link dataChannelTransport} can be told. */
export interface DataChannelOptions {
  /**
   * Bytes received and not yet read, past which the connection fails with `transport-overflow`: a data channel
   * cannot pause. 16 MiB by default. Must leave room for the largest frame and what a channel holds unread,
   * 9 MiB by default.
   */
  readonly queueBytes?: number | undefined;
  /** Bytes that the channel has not sent yet, from which on the sink waits until half are left. 256 KiB by default. */
  readonly bufferedBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** What every implementation takes in one message, and sends without holding up the others of its connection. */
const MESSAGE_BYTES = 16_384;
const TEXT = 'the remote sent text, where the protocol is binary: give this feed a data channel of its own';
const UNRELIABLE =
  '"channel" expected an ordered and reliable data channel, got one that may drop or reorder messages: create it without "ordered", "maxRetransmits" and "maxPacketLifeTime"';
/** How often to look, where no event tells that the channel has sent. */
const POLL_MS = 4;

/**
 * A transport over a data channel that is open or connecting, which is the transport's from now on. Call it where
 * the channel is made, or in the `datachannel` event itself: what comes before is not heard.
 *
 * Each binary message is a piece of the byte stream. An empty one says that this side has ended, an empty text
 * confirms that the remote's end was received, with all that came before it. The sink resolves once it is
 * confirmed, and the channel is closed when both sides have ended: closing it drops what is still buffered. So
 * the peer connection may be closed as soon as the session has. A remote that is lost without a word is told late,
 * by the platform or by the session's idle deadline. With `@roamhq/wrtc`, make a new connection after an abort: on
 * the next channel of the old one, it may deliver what was under way on the first.
 * @throws TypeError if the channel is not ordered and reliable.
 * @throws TypeError, RangeError for invalid options.
 */
export function dataChannelTransport(channel: DataChannelLike, options: DataChannelOptions = {}): Transport {
  assertReliable(channel);
  const { queueBytes = 16_777_216, bufferedBytes = 262_144, clock = systemClock() } = options;
  assertInteger('queueBytes', queueBytes, 1);
  assertInteger('bufferedBytes', bufferedBytes, 1);
  let hasEnded = false;
  let hasRemoteEnded = false;
  let isConfirmed = false;
  let cause: unknown;
  let cancelPoll = (): void => {};

  const transport = new MessageTransport(
    {
      room: () => (isOpen() && channel.bufferedAmount < bufferedBytes ? MESSAGE_BYTES : 0),
      send: (bytes) => channel.send(bytes as Uint8Array<ArrayBuffer>),
      end() {
        channel.send(new Uint8Array(0));
        hasEnded = true;
      },
      isFlushed: () => isConfirmed,
      onWait() {
        cancelPoll();
        if (!tellsLow && isOpen() && !hasEnded) cancelPoll = clock.after(POLL_MS, changed);
      },
      release() {
        cancelPoll();
        for (const [type, listener] of listeners) channel.removeEventListener(type, listener);
        channel.close();
      },
    },
    queueBytes,
  );

  const isOpen = (): boolean => channel.readyState === 'open';
  const changed = (): void => transport.changed();
  const onMessage = (event: { data?: unknown }): void => {
    const { data } = event;
    if (data === '') {
      isConfirmed = true;
      changed();
    } else if (typeof data === 'string') {
      transport.fail(new ProtocolError('dialect', TEXT));
    } else if ((data as ArrayBuffer).byteLength > 0) {
      transport.receive(new Uint8Array(data as ArrayBuffer));
    } else {
      hasRemoteEnded = true;
      if (isOpen()) channel.send('');
      transport.remoteEnded();
    }
  };
  const onError = (event: { error?: unknown }): void => {
    cause = event.error;
  };
  const onClose = (): void => {
    // A remote that has ended closes once it has our end too; its confirmation may be lost by that.
    if (hasEnded && hasRemoteEnded) transport.remoteClosed();
    else transport.fail(closed(cause));
  };
  const listeners = [
    ['open', changed],
    ['message', onMessage],
    ['bufferedamountlow', changed],
    ['error', onError],
    ['close', onClose],
  ] as const;

  // `@roamhq/wrtc` has no such event.
  const tellsLow = channel.bufferedAmountLowThreshold !== undefined;
  channel.bufferedAmountLowThreshold = bufferedBytes / 2;
  channel.binaryType = 'arraybuffer';
  for (const [type, listener] of listeners) channel.addEventListener(type, listener);
  if (channel.readyState === 'closing' || channel.readyState === 'closed') onClose();
  return transport;
}

function assertReliable(channel: DataChannelLike): void {
  if (typeof channel?.send !== 'function' || typeof channel.readyState !== 'string') {
    throw new TypeError(`"channel" expected an RTCDataChannel, got ${describe(channel)}`);
  }
  const limits = [channel.maxPacketLifeTime, channel.maxRetransmits];
  // 65535 is how older implementations say that there is none.
  if (!channel.ordered || limits.some((limit) => (limit ?? 65_535) < 65_535)) throw new TypeError(UNRELIABLE);
}

function closed(cause: unknown): ProtocolError {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  const text = `the data channel was closed before both sides had ended${why}: connect the peers again`;
  return new ProtocolError('transport', text, { cause });
}
