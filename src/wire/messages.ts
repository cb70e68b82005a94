/**
 * The messages, as an app sees them: one plain object each, told apart by `type`. Received ones have their
 * defaults filled in; to send, fields with a default may be left out.
 *
 * Numbers are whole, 0 to 2^53-1. Byte arrays received are views into the received chunk, or copies
 * where that is short; never reused.
 */

/** Opens a channel for one direction. */
export interface Feed {
  readonly type: 'feed';
  /** 32 bytes. */
  readonly discoveryKey: Uint8Array;
  /** 24 bytes; in the first Feed of an encrypted direction. */
  readonly nonce?: Uint8Array | undefined;
}

/** Who the other side is; once a session. */
export interface Handshake {
  readonly type: 'handshake';
  /** Usually 32 random bytes. */
  readonly id?: Uint8Array | undefined;
  readonly live: boolean;
  readonly userData?: Uint8Array | undefined;
  /** Names, sorted by UTF-16 code units; an extension message carries the index. */
  readonly extensions: readonly string[];
  /** Asks for a Have with `ack` for every block that the other side stores. */
  readonly ack: boolean;
}

/** What the sender is doing. */
export interface Info {
  readonly type: 'info';
  readonly uploading: boolean;
  readonly downloading: boolean;
}

/** Blocks that the sender has. */
export interface Have {
  readonly type: 'have';
  readonly start: number;
  readonly length: number;
  /** Run-length encoded; replaces what was known of the range. */
  readonly bitfield?: Uint8Array | undefined;
  readonly ack: boolean;
}

/** Blocks that the sender has no longer. */
export interface Unhave {
  readonly type: 'unhave';
  readonly start: number;
  readonly length: number;
}

/** The range of which the sender wants to hear what the other has. `length` 0 means without end. */
export interface Want {
  readonly type: 'want';
  readonly start: number;
  readonly length: number;
}

/** Takes a Want back. */
export interface Unwant {
  readonly type: 'unwant';
  readonly start: number;
  readonly length: number;
}

/** Asks for a block. */
export interface Request {
  readonly type: 'request';
  readonly index: number;
  /** Not 0: asks for the block with this byte of the feed instead. */
  readonly bytes: number;
  /** Asks for the proof without the value. */
  readonly hash: boolean;
  /** Digest of the tree nodes that the sender holds. */
  readonly nodes: number;
  /** The answer may leave out of its proof what the answers right before it prove. Others than this implementation skip it. */
  readonly batched?: boolean | undefined;
}

/** Takes a Request back. */
export interface Cancel {
  readonly type: 'cancel';
  readonly index: number;
  readonly bytes: number;
  readonly hash: boolean;
}

/** A node of the Merkle tree. */
export interface DataNode {
  readonly index: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Bytes of all blocks below. */
  readonly size: number;
}

/** A block with its proof, or the proof alone. */
export interface Data {
  readonly type: 'data';
  readonly index: number;
  readonly value?: Uint8Array | undefined;
  readonly nodes: readonly DataNode[];
  /** 64 bytes. */
  readonly signature?: Uint8Array | undefined;
}

/** A message of an extension, whose number is the index of its name in the sender's Handshake. */
export interface Extension {
  readonly type: 'extension';
  readonly id: number;
  readonly payload: Uint8Array;
}

/** No message: a sign of life. */
export interface Keepalive {
  readonly type: 'keepalive';
}

/** A frame that says nothing to this dialect: a body of one byte, or a type from 10 to 14. Received only. */
export interface Unassigned {
  readonly type: 'unassigned';
  /** The type number; `undefined` where the body had one byte, which the reference drops unread. */
  readonly code: number | undefined;
}

/** A message of a known type that breaks the schema. Received only. */
export interface Unreadable {
  readonly type: 'unreadable';
  readonly code: number;
  readonly reason: string;
}

/** What {@link encodeMessage} takes: the fields with a default may be left out. */
export type Sendable =
  | Feed
  | WithDefaults<Handshake>
  | Info
  | WithDefaults<Have>
  | WithDefaults<Unhave>
  | WithDefaults<Want>
  | WithDefaults<Unwant>
  | WithDefaults<Request>
  | WithDefaults<Cancel>
  | WithDefaults<Data>
  | Extension
  | Keepalive;

/** The fields that have a default. */
export type Defaulted = 'live' | 'ack' | 'extensions' | 'length' | 'bytes' | 'hash' | 'nodes';
/** A message to send, whose {@link Defaulted} fields may be left out. */
export type WithDefaults<M> = M extends unknown
  ? Omit<M, Defaulted> & Partial<Pick<M, keyof M & Defaulted>>
  : never;

/** What {@link decodeMessage} makes of a frame's body. */
export type Message =
  | Feed
  | Handshake
  | Info
  | Have
  | Unhave
  | Want
  | Unwant
  | Request
  | Cancel
  | Data
  | Extension
  | Keepalive
  | Unassigned
  | Unreadable;

/** A message and the channel it travels on. The number is the sender's; the two directions are unrelated. */
export interface Packet<M = Message> {
  readonly channel: number;
  readonly message: M;
  /** Bytes of the frame's body, where it was received. */
  readonly byteLength?: number;
}
