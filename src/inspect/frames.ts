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

const MAX_LENGTH_BYTES = 4;

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
  /** A frame that breaks the protocol; the next one can be read all the same. */
  onBrokenFrame(frame: CutFrame, error: unknown): void;
  /** Nothing can be read from `offset` on: other bytes than of this protocol, or of no length that can be. */
  onLost(offset: number, error: unknown): void;
  /** Nothing can be read from `offset` on, for want of the key. */
  onSealed(offset: number, discoveryKey: Uint8Array): void;
}

type Phase = 'first' | 'frames' | 'sealed' | 'lost';

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

  constructor(host: FramesHost) {
    this.#host = host;
  }

  /** Bytes received. */
  get received(): number {
    return this.#received;
  }

  /** Bytes received of a frame of which more must come. */
  get incomplete(): number {
    return this.#plain.bytes.byteLength;
  }

  /** Whether what comes can be read. */
  get isReadable(): boolean {
    return this.#phase === 'first' || this.#phase === 'frames';
  }

  /** Leaves `chunk` as it is. */
  push(chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    if (!this.isReadable) return;
    this.#append(chunk);
    if (this.#phase === 'first') this.#readFirst();
    if (this.#phase === 'frames') this.#cut();
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
        this.#drop(at);
        return this.#lose(faultOf(prefix, limits.frameBytes));
      }
      if (length === undefined) break;
      const end = at + length.end + length.value;
      if (end > held.byteLength) break;
      const frame = this.#frame(at, end);
      this.#read(frame, frame.plain.subarray(length.end));
      at = end;
    }
    this.#drop(at);
  }

  #read(frame: CutFrame, body: Uint8Array): void {
    let packet: Packet;
    try {
      packet = decodePacket(body, this.#host.limits.channels);
    } catch (error) {
      return this.#host.onBrokenFrame(frame, error);
    }
    this.#tell(frame, packet);
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

/** What a session would say of such a length. */
function faultOf(prefix: Uint8Array, maxBytes: number): unknown {
  try {
    new Deframer(maxBytes).push(prefix, []);
    return undefined;
  } catch (error) {
    return error;
  }
}
