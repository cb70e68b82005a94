/** What an inspector tells: the frames of both directions as they come, and at the end what to make of them. */
import type { ProtocolErrorCode } from '../errors.ts';
import type { Message } from '../wire/messages.ts';

/** `out`: from the side that connected. `in`: from the side that answered. */
export type Direction = 'out' | 'in';

/** Where in a capture something is. */
export interface Place {
  /** Milliseconds since the capture began. */
  readonly time: number;
  readonly direction: Direction;
  /** Bytes of this direction before it. */
  readonly offset: number;
}

/** A part of a frame. */
export interface InspectedField {
  readonly name: string;
  /** Offsets in the frame: from `start` up to, and without, `end`. */
  readonly start: number;
  readonly end: number;
  /**
   * `length` and `header` are the frame's own; `tag`, `size` and `value` make up a field of protobuf; `unknown` is what
   * cannot be read.
   */
  readonly kind: 'length' | 'header' | 'tag' | 'size' | 'value' | 'unknown';
  /** The value, for people. */
  readonly text: string;
  /** What the field is for, in a sentence. */
  readonly explanation: string;
  /** What the value is made of, where that is known: parts that cover it without gap or overlap. */
  readonly fields?: readonly InspectedField[];
}

/** A whole frame, with the length in front. The bytes are the event's own. */
export interface InspectedFrame {
  readonly plain: Uint8Array;
  /** As it was on the wire; `undefined` where it was not enciphered. */
  readonly ciphered: Uint8Array | undefined;
  /** The parts that cover the frame without gap or overlap. Made when first asked for. */
  readonly fields: readonly InspectedField[];
}

/** A frame that was read. */
export interface MessageEvent extends Place {
  readonly event: 'message';
  /** Bytes of the whole frame. */
  readonly byteLength: number;
  /** The sender's number for the channel. */
  readonly channel: number;
  readonly type: Message['type'];
  readonly message: Message;
  /** The feed of the channel, as its discovery key in hex; `undefined` on a channel that was not opened. */
  readonly feed: string | undefined;
  /** Which extension a message of one belongs to, where the sender's Handshake has told. */
  readonly extension: string | undefined;
  readonly frame: InspectedFrame;
}

/** Something to look at (`warning`), or that ends a session of these two (`fault`). */
export interface NoticeEvent extends Place {
  readonly event: 'warning' | 'fault';
  readonly text: string;
  readonly code: ProtocolErrorCode | undefined;
  /** The rest of this direction is enciphered with the key of the feed with this discovery key, in hex. */
  readonly missingKey?: string;
}

/** A direction has ended. */
export interface EndEvent extends Place {
  readonly event: 'end';
  /** Why, where it did not end properly. */
  readonly error: string | undefined;
}

/** Frames of one type. */
export interface TypeStatistics {
  readonly frames: number;
  readonly bytes: number;
}

/** The sums of one direction. */
export interface DirectionStatistics {
  readonly bytes: number;
  readonly frames: number;
  /** By type, and only those that came. */
  readonly types: Readonly<Partial<Record<Message['type'], TypeStatistics>>>;
  /** Bytes that could not be read: no key, or damage. */
  readonly unreadBytes: number;
  /** Blocks sent, and their bytes. */
  readonly blocks: number;
  readonly blockBytes: number;
  /** Discovery keys of the feeds opened, in hex: the first of them, as many as `limits.channels`. */
  readonly feeds: readonly string[];
}

/** Both directions, in sums. */
export interface StatisticsEvent {
  readonly event: 'statistics';
  /** When the inspector was told that no more comes. */
  readonly time: number;
  readonly out: DirectionStatistics;
  readonly in: DirectionStatistics;
}

/** How the conversation went, in a plain sentence. */
export interface VerdictEvent {
  readonly event: 'verdict';
  /** Whether this is as it should be. */
  readonly ok: boolean;
  readonly text: string;
  /** Discovery key of the feed without whose key a direction could not be read, in hex. */
  readonly missingKey?: string;
}

/** One thing that an inspector tells, told apart by `event`. */
export type InspectEvent = MessageEvent | NoticeEvent | EndEvent | StatisticsEvent | VerdictEvent;
