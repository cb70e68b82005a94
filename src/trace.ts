/**
 * What a session tells of itself, stage by stage, to who subscribes: with `trace` in the options of `connect` or
 * `replicate`, which misses nothing, or later with `session.trace`. Types only; without a listener no event is made.
 *
 * The events are safe to share: they tell sizes, types, indices and numbers, and nothing of keys and contents. With
 * `payloads` they carry the bytes of the connection and the messages as they are, too.
 *
 * Where nobody listens, only bytes are counted, once a chunk. An event for each frame and message costs as much as the
 * message itself, and to keep every one costs more, as it does with any object: who wants all of a busy session takes its
 * `bytes` alone, with `payloads`. They are a capture, from which every frame and message is read later
 * (`hypercore-wire/inspect`).
 */
import type { ProtocolError } from './errors.ts';
import type { Message, Sendable } from './wire/messages.ts';

/** Whether the remote sent it (`in`) or this side. */
export type TraceDirection = 'in' | 'out';

/** A chunk went out to the transport or came in from it: enciphered, where the session is. */
export interface TracedBytes {
  readonly type: 'bytes';
  /** Milliseconds, of the session's clock. */
  readonly time: number;
  readonly direction: TraceDirection;
  /** Where it begins among all bytes of its direction. */
  readonly offset: number;
  readonly byteLength: number;
  /** With `payloads`: a copy of it. All of a direction, one behind the other, are what a capture holds. */
  readonly bytes?: Uint8Array | undefined;
}

/** A frame went out or came in; the {@link TracedMessage} that it holds follows. */
export interface TracedFrame {
  readonly type: 'frame';
  /** Milliseconds, of the session's clock. */
  readonly time: number;
  readonly direction: TraceDirection;
  /** Where it begins, with its length prefix, among all bytes of its direction. */
  readonly offset: number;
  /** With its length prefix. */
  readonly byteLength: number;
  /** The sender's number. */
  readonly channel: number;
}

/** A message went out or came in. */
export interface TracedMessage {
  readonly type: 'message';
  /** Milliseconds, of the session's clock. */
  readonly time: number;
  readonly direction: TraceDirection;
  /** The sender's number. */
  readonly channel: number;
  /** It, with a number of bytes wherever it has bytes. */
  readonly message: Measured<Message | Sendable>;
  /** With `payloads`: the message itself, which is not to be changed. */
  readonly content?: Message | Sendable | undefined;
}

/** The session went on to this state. */
export interface TracedState {
  readonly type: 'state';
  /** Milliseconds, of the session's clock. */
  readonly time: number;
  readonly state: 'connecting' | 'open' | 'closing' | 'closed';
}

/** Something that the remote sent was ignored. */
export interface TracedWarning {
  readonly type: 'warning';
  /** Milliseconds, of the session's clock. */
  readonly time: number;
  /** The remote's number. */
  readonly channel: number;
  /** What, and why. */
  readonly reason: string;
}

/** The remote, or the connection to it, was at fault: the session ends, and `closed` is the next state. */
export interface TracedFault {
  readonly type: 'fault';
  /** Milliseconds, of the session's clock. */
  readonly time: number;
  readonly code: ProtocolError['code'];
  /** What happened, and what to do. */
  readonly message: string;
}

/** One thing that happened. */
export type TraceEvent =
  | TracedBytes
  | TracedFrame
  | TracedMessage
  | TracedState
  | TracedWarning
  | TracedFault;

/** Takes the events as they happen. What it throws ends the session. */
export type TraceListener = (event: TraceEvent) => void;

/** A listener, and how much it is told. */
export interface TraceOptions {
  readonly listener: TraceListener;
  /** Which events it is told of. Default all; the others are not made for it. */
  readonly types?: readonly TraceEvent['type'][] | undefined;
  /** Whether events carry keys and contents: `bytes` of a chunk, `content` of a message. Default false. */
  readonly payloads?: boolean | undefined;
}

/** The same with a number of bytes in the place of all bytes. */
export type Measured<T> = T extends Uint8Array
  ? number
  : T extends object
    ? { readonly [K in keyof T]: Measured<T[K]> }
    : T;
