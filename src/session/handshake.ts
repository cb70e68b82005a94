/**
 * The first frame of a direction: a Feed in clear. Reads it off the first chunks, hands on the rest of their
 * bytes, which are enciphered from the very next one on, and checks it against our own.
 */
import { equals } from 'uint8arrays/equals';
import { toHex } from '../crypto/hex.ts';
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { readPacket } from '../wire/codec.ts';
import type { Feed, Packet } from '../wire/messages.ts';
import { Reader } from '../wire/reader.ts';
import { readVarint } from '../wire/varint.ts';

/** `HTTP/`, in hex. */
const HTTP = '485454502f';

const NOTHING = new Uint8Array(0);
/** One for all, as it says there. */
const reader: Reader = new Reader();

/** The remote's first frame, and what follows it. */
export interface FirstFrame {
  readonly channel: number;
  readonly feed: Feed;
  /** Bytes of the keepalives before it. */
  readonly skipped: number;
  /** Bytes of its frame. */
  readonly byteLength: number;
  /** What of the last chunk is behind it. */
  readonly rest: Uint8Array;
}

/**
 * Takes chunks until they hold the remote's first frame. Keepalives before it are skipped. Throws `dialect` for
 * anything that is not the opening of a Hypercore 6 peer, and `truncated` where they end inside the frame.
 */
export class Opening {
  readonly #limits: Pick<Limits, 'firstFrameBytes' | 'channels'>;
  #held: Uint8Array | undefined;
  #received = 0;

  constructor(limits: Pick<Limits, 'firstFrameBytes' | 'channels'>) {
    this.#limits = limits;
  }

  /** `undefined` until all of the frame is there. */
  push(chunk: Uint8Array): FirstFrame | undefined {
    this.#received += chunk.byteLength;
    const bytes = withoutKeepalives(this.#held === undefined ? chunk : join(this.#held, chunk));
    const first = parseFirstFrame(bytes, this.#limits);
    if (first === undefined) {
      this.#held = bytes;
      return undefined;
    }
    const { channel, message, end } = first;
    const skipped = this.#received - bytes.byteLength;
    const rest = end === bytes.byteLength ? NOTHING : bytes.subarray(end);
    return { channel, feed: message, skipped, byteLength: end, rest };
  }

  /** There are no more chunks. */
  end(): void {
    if (this.#held === undefined || this.#held.byteLength === 0) return;
    throw new ProtocolError('truncated', `the connection ended inside the first frame: reconnect`);
  }
}

/**
 * Reads the first frame off the start of `bytes`, with no keepalive before it. `undefined` until all of it is there.
 * @returns the Feed, its channel, and where the enciphered bytes start
 * @throws ProtocolError `dialect`, as soon as that can be told
 */
export function parseFirstFrame(
  bytes: Uint8Array,
  limits: Pick<Limits, 'firstFrameBytes' | 'channels'>,
): (Packet<Feed> & { readonly end: number }) | undefined {
  const body = firstBody(bytes, limits.firstFrameBytes);
  if (body === undefined || body.end > bytes.byteLength) return undefined;
  const { start, end } = body;
  const { channel, message } = decodeFirst(bytes, start, end, limits.channels);
  return { channel, message, end };
}

/** Where the first frame's body is; `undefined` until that is known. */
function firstBody(
  bytes: Uint8Array,
  maxBytes: number,
): { readonly start: number; readonly end: number } | undefined {
  // Four bytes of length at most, as in every later frame.
  const length = readVarint(bytes, 0, Math.min(4, bytes.byteLength));
  if (length === undefined) {
    if (bytes.byteLength >= 4) throw notThisDialect(bytes);
    return undefined;
  }
  if (length.value > maxBytes) throw notThisDialect(bytes);
  // A Feed is type 0. A peer of another protocol may never send as many bytes as its first one happens to announce.
  const header = bytes[length.end];
  if (header !== undefined && header % 16 !== 0) throw notThisDialect(bytes);
  return { start: length.end, end: length.end + length.value };
}

function decodeFirst(bytes: Uint8Array, start: number, end: number, maxChannels: number): Packet<Feed> {
  let packet: Packet;
  try {
    packet = readPacket(bytes, start, end, maxChannels, reader);
  } catch (error) {
    throw notThisDialect(bytes, error);
  } finally {
    reader.release();
  }
  const { channel, message } = packet;
  if (message.type !== 'feed') throw notThisDialect(bytes);
  return { channel, message };
}

function notThisDialect(bytes: Uint8Array, cause?: unknown): ProtocolError {
  // The first Noise XX message of hypercore-protocol 7 and 8 is 58 bytes long: a key and a nonce.
  const noise = bytes[0] === 58;
  if (toHex(bytes.subarray(0, 5)) === HTTP) {
    return new ProtocolError(
      'dialect',
      'the remote does not speak the Hypercore 6 protocol on this port: it speaks HTTP. Try ws:// instead of tcp://, or check the port',
      { cause },
    );
  }
  return new ProtocolError(
    'dialect',
    `the remote does not speak the Hypercore 6 protocol: it opened with ${toHex(bytes.subarray(0, 8))}${
      noise ? ', which looks like the Noise handshake of hypercore-protocol 7 or 8' : ''
    }. Check the address and the port`,
    { cause },
  );
}

/** Both, one behind the other. */
export function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.byteLength + second.byteLength);
  joined.set(first);
  joined.set(second, first.byteLength);
  return joined;
}

function withoutKeepalives(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (bytes[start] === 0) start++;
  return start === 0 ? bytes : bytes.subarray(start);
}

/** The first Feed of a side, which fixes the key and the nonce of its keystream. */
export interface FirstFeed {
  readonly key: Uint8Array;
  readonly discoveryKey: Uint8Array;
  /** `undefined` where nothing is encrypted. */
  readonly nonce: Uint8Array | undefined;
}

/**
 * Checks the remote's first Feed against ours. `local` is `undefined` where this side waits for the remote to
 * name the feed.
 * @throws ProtocolError `encryption`, `echo`, `wrong-feed`
 */
export function checkFirstFeed(remote: Feed, local: FirstFeed | undefined, encrypted: boolean): void {
  if (encrypted !== (remote.nonce !== undefined)) {
    throw new ProtocolError(
      'encryption',
      `the remote ${encrypted ? 'does not encrypt and this side does' : 'encrypts and this side does not'}: set "encrypted" alike on both sides`,
    );
  }
  if (local === undefined) return;
  if (remote.nonce !== undefined && local.nonce !== undefined && equals(remote.nonce, local.nonce)) {
    throw new ProtocolError('echo', 'our own Feed came back: the other end repeats what it receives');
  }
  if (encrypted && !equals(remote.discoveryKey, local.discoveryKey)) {
    throw new ProtocolError(
      'wrong-feed',
      `another feed than ours is the remote's first: check the key, and that both sides open the same feed first (discovery key ${short(remote.discoveryKey)} there, ${short(local.discoveryKey)} here)`,
    );
  }
}

/** As much of a discovery key as tells two apart. */
function short(discoveryKey: Uint8Array): string {
  return `${toHex(discoveryKey.subarray(0, 4))}…`;
}
