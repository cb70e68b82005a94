/**
 * One direction, from the bytes on the wire to frames: the first one in clear, then deciphered with the key of the
 * feed that it names. The same steps as a session's, but both the plain and the ciphered bytes are kept, and a
 * frame that makes no sense is told and passed over.
 */
import { XSalsa20 } from '../crypto/xsalsa20.ts';
import type { Limits } from '../limits.ts';
import { parseFirstFrame } from '../session/handshake.ts';
import { decodePacket } from '../wire/codec.ts';
import { Deframer } from '../wire/frame.ts';
import type { Packet } from '../wire/messages.ts';
import { readVarint } from '../wire/varint.ts';
import { Gathered } from './gathered.ts';
import { findFrame } from './resync.ts';

const MAX_LENGTH_BYTES = 4;
/** The keystream has to be made for what is passed over. */
const MAX_SKIPPED_BYTES = 268_435_456;

/** A frame as it was cut. */
export interface CutFrame {
  readonly offset: number;
  readonly plain: Uint8Array;
  readonly ciphered: Uint8Array | undefined;
}

/** Who is told. */
export interface FramesHost {
  readonly limits: Limits;
  /** The key of the feed with this discovery key; `undefined` where it is not known here. */
  keyOf(discoveryKey: Uint8Array): Uint8Array | undefined;
  onFrame(frame: CutFrame, packet: Packet): void;
  /** Nothing can be read from `offset` on: these are not the bytes of this protocol. */
  onLost(offset: number, error: unknown): void;
  /** Frames can be read again from `offset` on; what was lost before it were `byteLength` bytes. */
  onFound(offset: number, byteLength: number): void;
  /** Whether the sender has opened this channel. */
  isOpen(channel: number): boolean;
  /** Nothing can be read from `offset` on, for want of the key. */
  onSealed(offset: number, discoveryKey: Uint8Array): void;
}

/** Bytes in which the next frame is searched at once. */
const SEARCHED_BYTES = 262_144;

type Phase = 'first' | 'frames' | 'search' | 'sealed' | 'lost';

/** Takes the bytes of a direction in any chunking. */
export class Frames {
  readonly #host: FramesHost;
  #phase: Phase = 'first';
  #keystream: XSalsa20 | undefined;
  readonly #plain = new Gathered();
  readonly #ciphered = new Gathered();
  /** Bytes that were received, and where those held begin. */
  #received = 0;
  #start = 0;
  /** Where a search began, and how many bytes it needs before it goes on. */
  #lostAt = 0;
  #searchFrom = 0;

  constructor(host: FramesHost) {
    this.#host = host;
  }

  /** Bytes received. */
  get received(): number {
    return this.#received;
  }

  /** Bytes received of a frame of which more must come. */
  get incomplete(): number {
    return this.isReadable ? this.#plain.bytes.byteLength : 0;
  }

  /** Whether what comes can be read. */
  get isReadable(): boolean {
    return this.#phase === 'first' || this.#phase === 'frames';
  }

  /** Leaves `chunk` as it is. */
  push(chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    if (this.#phase === 'sealed' || this.#phase === 'lost') return;
    this.#append(chunk);
    this.#read(false);
  }

  /** The capture does not have the next `byteLength` bytes. */
  skip(byteLength: number): void {
    this.#received += byteLength;
    if (this.#phase === 'sealed' || this.#phase === 'lost') return;
    const isFirst = this.#phase === 'first';
    if (isFirst || byteLength > MAX_SKIPPED_BYTES) {
      return this.#lose(new RangeError(isFirst ? 'its beginning is missing' : 'too much of it is missing'));
    }
    const scratch = new Uint8Array(Math.min(byteLength, 65_536));
    for (let left = byteLength; left > 0; left -= scratch.byteLength) {
      this.#keystream?.xor(scratch.subarray(0, left));
    }
    if (this.#phase === 'frames') this.#lostAt = this.#start;
    this.#drop(this.#plain.bytes.byteLength);
    this.#start = this.#received;
    this.#phase = 'search';
    this.#searchFrom = 0;
  }

  /** No more comes. */
  end(): void {
    if (this.#phase === 'search') this.#read(true);
  }

  /** As far as it goes; `isAll` where nothing follows what is held. */
  #read(isAll: boolean): void {
    if (this.#phase === 'first') this.#readFirst();
    for (;;) {
      if (this.#phase === 'frames') this.#cut();
      if (this.#phase !== 'search' || !this.#search(isAll)) return;
    }
  }

  #append(chunk: Uint8Array): void {
    const plain = this.#plain.append(chunk);
    if (this.#keystream === undefined) return;
    this.#ciphered.append(chunk);
    this.#keystream.xor(plain);
  }

  #readFirst(): void {
    const held = this.#plain.bytes;
    let end = 0;
    while (held[end] === 0) {
      this.#tell(this.#frame(end, end + 1), decodePacket(held.subarray(0, 0), 1));
      end++;
    }
    this.#drop(end);
    try {
      const first = parseFirstFrame(this.#plain.bytes, this.#host.limits);
      if (first === undefined) return;
      const frame = this.#frame(0, first.end);
      const { channel, message } = first;
      // Views of the frame's own bytes, not of those held.
      const { discoveryKey, nonce } = message;
      const own = { ...message, discoveryKey: discoveryKey.slice(), nonce: nonce?.slice() };
      this.#drop(first.end);
      this.#tell(frame, { channel, message: own, byteLength: first.byteLength ?? 0 });
      this.#begin(own.discoveryKey, own.nonce);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** From the byte behind the first frame on. */
  #begin(discoveryKey: Uint8Array, nonce: Uint8Array | undefined): void {
    this.#phase = 'frames';
    if (nonce === undefined) return;
    const key = this.#host.keyOf(discoveryKey);
    if (key === undefined) {
      this.#phase = 'sealed';
      this.#plain.drop(this.#plain.bytes.byteLength);
      this.#host.onSealed(this.#start, discoveryKey);
      return;
    }
    this.#keystream = new XSalsa20(key, nonce);
    this.#ciphered.append(this.#plain.bytes);
    this.#keystream.xor(this.#plain.bytes);
  }

  #cut(): void {
    const { limits } = this.#host;
    const held = this.#plain.bytes;
    let at = 0;
    for (;;) {
      const prefix = held.subarray(at, at + MAX_LENGTH_BYTES);
      const length = readVarint(prefix);
      const isTooLong = length === undefined ? prefix.byteLength === MAX_LENGTH_BYTES : false;
      if (isTooLong || (length !== undefined && length.value > limits.frameBytes)) {
        this.#host.onLost(this.#start + at, faultOf(prefix, limits.frameBytes));
        return this.#beginSearch(at);
      }
      if (length === undefined) break;
      const end = at + length.end + length.value;
      if (end > held.byteLength) break;
      const frame = this.#frame(at, end);
      const packet = packetOf(frame.plain.subarray(length.end), limits.channels);
      if (packet instanceof Error) {
        this.#host.onLost(frame.offset, packet);
        return this.#beginSearch(at);
      }
      this.#tell(frame, packet);
      at = end;
    }
    this.#drop(at);
  }

  /** The frame at `at` is none: looks for one from the next byte on. */
  #beginSearch(at: number): void {
    this.#lostAt = this.#start + at;
    this.#drop(at + 1);
    this.#phase = 'search';
    this.#searchFrom = 0;
  }

  /** Whether it found a frame. Looks again at twice as many bytes only, so that all searches together take as long as two. */
  #search(isAll: boolean): boolean {
    const held = this.#plain.bytes;
    if (held.byteLength < this.#searchFrom && !isAll) return false;
    const { limits } = this.#host;
    const found = findFrame(held, limits, (channel) => this.#host.isOpen(channel), isAll);
    if (found !== undefined) {
      this.#drop(found);
      this.#phase = 'frames';
      this.#host.onFound(this.#start, this.#start - this.#lostAt);
      return true;
    }
    // What is long enough to be searched in vain is not looked at again, but for a frame across its end.
    if (held.byteLength >= SEARCHED_BYTES) this.#drop(held.byteLength - SEARCHED_BYTES / 2);
    this.#searchFrom = Math.max(256, 2 * this.#plain.bytes.byteLength);
    return false;
  }

  #tell(frame: CutFrame, packet: Packet): void {
    this.#host.onFrame(frame, packet);
  }

  /** A copy of what is held from `start` to `end`. */
  #frame(start: number, end: number): CutFrame {
    const isCiphered = this.#keystream !== undefined;
    return {
      offset: this.#start + start,
      plain: this.#plain.bytes.slice(start, end),
      ciphered: isCiphered ? this.#ciphered.bytes.slice(start, end) : undefined,
    };
  }

  #drop(count: number): void {
    this.#plain.drop(count);
    if (this.#keystream !== undefined) this.#ciphered.drop(count);
    this.#start += count;
  }

  #lose(error: unknown): void {
    this.#phase = 'lost';
    this.#plain.drop(this.#plain.bytes.byteLength);
    this.#ciphered.drop(this.#ciphered.bytes.byteLength);
    this.#host.onLost(this.#start, error);
  }
}

/** The packet, or why there is none: then the length in front may be as wrong as the rest. */
function packetOf(body: Uint8Array, maxChannels: number): Packet | Error {
  try {
    return decodePacket(body, maxChannels);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What a session would say of such a length. */
function faultOf(prefix: Uint8Array, maxBytes: number): unknown {
  try {
    new Deframer(maxBytes).push(prefix, []);
    return undefined;
  } catch (error) {
    return error;
  }
}
