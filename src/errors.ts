/**
 * The three kinds of error. Misuse throws `TypeError` or `RangeError` that names the argument, what was expected and
 * what came. A peer's fault is a {@link ProtocolError}, a fault of this machine's storage a {@link StorageError}, each
 * with one of a closed set of codes.
 */

/** What a remote peer, or the connection to it, can do wrong. */
export type ProtocolErrorCode =
  /** A frame announces more than the limit, or its length takes more than four bytes. */
  | 'frame-too-large'
  /** The transport ended inside a frame. */
  | 'truncated'
  /** A frame's header runs past the frame. */
  | 'bad-header'
  /** A Feed message that cannot be read, or too many other unreadable messages. */
  | 'bad-message'
  /** The first bytes are not those of a Hypercore 6 peer. */
  | 'dialect'
  /** One side encrypts and the other does not. */
  | 'encryption'
  /** Our own bytes came back. */
  | 'echo'
  /** The remote's first feed is not ours. */
  | 'wrong-feed'
  /** The first feed of one side is one that the other does not have. */
  | 'unknown-feed'
  /** The remote hung up before its Handshake. */
  | 'refused'
  /** Both sides wait for the other to name a feed. */
  | 'no-feed'
  /** A channel number past the limit, or more channels than allowed. */
  | 'too-many-channels'
  /** A message on a channel that the remote never opened. */
  | 'unopened-channel'
  /** More messages, or bytes, on a feed not opened here than may wait. */
  | 'unopened-flood'
  /** Nothing was received for longer than the idle deadline. */
  | 'timeout'
  /** A block or hash that its proof does not prove. */
  | 'verification'
  /** Two valid signatures over different histories of one feed. */
  | 'fork'
  /** More requests waiting than allowed. */
  | 'request-flood'
  /** Announced blocks are scattered beyond what is kept for one peer. */
  | 'have-flood'
  /** More announced blocks refused in a row than allowed. */
  | 'refusal-flood'
  /** The feed's writer signed more blocks or bytes than this side takes. */
  | 'feed-too-long'
  /** The transport delivers faster than the session reads, and cannot pause. */
  | 'transport-overflow'
  /** The transport itself failed: refused, reset, not reachable. */
  | 'transport';

/** A fault of the remote peer or of the connection. `message` starts with `[code]` and says what to do. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  /** The message without the code. */
  readonly reason: string;
  /** The block that a `verification` or `fork` is about. */
  readonly block: number | undefined;
  /** The remote's Handshake id (hex), where it is known. */
  readonly peer: string | undefined;

  constructor(
    code: ProtocolErrorCode,
    message: string,
    options?: { cause?: unknown; block?: number | undefined; peer?: string | undefined },
  ) {
    super(`[${code}] ${message}`, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = message;
    this.block = options?.block;
    this.peer = options?.peer;
  }
}

/** Throws unless `value` is a `Uint8Array`, of exactly `length` bytes where one is given. */
export function assertBytes(name: string, value: unknown, length?: number): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(
      `"${name}" expected Uint8Array${length === undefined ? '' : ` of ${length} bytes`}, got ${describe(value)}`,
    );
  }
  if (length !== undefined && value.byteLength !== length) {
    throw new RangeError(`"${name}" expected ${length} bytes, got ${value.byteLength}`);
  }
}

/** Throws unless `value` is a whole number in `min..max` (default 0 to 2^53-1). */
export function assertInteger(
  name: string,
  value: unknown,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number')
    throw new TypeError(`"${name}" expected a whole number, got ${describe(value)}`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected a whole number from ${min} to ${max}, got ${value}`);
  }
}

/** Throws unless `value` is an object, and no bytes, as of a key; `example` shows what one looks like. */
export function assertObject(name: string, value: unknown, example: string): asserts value is object {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array)
    throw new TypeError(`"${name}" expected an object, ${example}, got ${describe(value)}`);
}

/** A short description of a received value, for an error message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string')
    return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (value === undefined) return 'undefined';
  if (typeof value === 'function') return `function ${value.name}`.trim();
  if (typeof value === 'object') return value.constructor?.name ?? 'object';
  return `${typeof value} ${String(value)}`;
}

/** What can be wrong with the place that keeps a feed. */
export type StorageErrorCode =
  /** Another process, or another feed in this one, holds it. */
  | 'locked'
  /** What is kept there is not a feed in hypercore 7's layout. */
  | 'foreign'
  /** A feed is kept there, but another one. */
  | 'other-feed'
  /** A feed is kept there, and a new one was to be made. */
  | 'occupied'
  /** What is kept there contradicts itself. */
  | 'damaged'
  /** No feed is kept there, and none was to be made. */
  | 'missing'
  /** This runtime has no such storage, or has it somewhere else only. */
  | 'unsupported'
  /** The platform refused: disk full, no permission, I/O error. `cause` is its error. */
  | 'platform';

/** A fault of this machine's storage. `message` starts with `[code]` and says what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;
  /** The message without the code. */
  readonly reason: string;

  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(`[${code}] ${message}`, options);
    this.code = code;
    this.reason = message;
  }
}
