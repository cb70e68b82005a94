/**
 * Reads protobuf fields. As strict as the reference, or stricter: no groups, no number over 2^53-1, no fields
 * without end.
 */
import type { WireType } from '@protobuf-ts/runtime';

// Its values by hand: with the enum, a page would load all that protobuf-ts does with unknown fields.
const VARINT: WireType.Varint = 0;
const BIT64: WireType.Bit64 = 1;
const LENGTH_DELIMITED: WireType.LengthDelimited = 2;
const BIT32: WireType.Bit32 = 5;

/**
 * Fields of one message, those of its nodes included: a proof of 128 nodes has some 520, a Handshake as many
 * as extension names. 8 MiB of empty fields would take seconds and hundreds of megabytes to read.
 */
export const MAX_FIELDS = 2048;

const NOTHING = new Uint8Array(0);

/** V8 has so many bytes in its own heap. To view a part of them it would move them out, for ten times what a copy takes. */
const SHORT = 64;

/**
 * Reads from a part of a buffer; all methods throw a RangeError where it ends too early. Bytes are
 * views, or copies where the buffer is short.
 *
 * Who reads much keeps one: at a collection of garbage that finds none, V8 throws away all code that it compiled for
 * them.
 */
export class Reader {
  #bytes: Uint8Array = NOTHING;
  /** What `#bytes` is a view of, where it is long. V8 takes as long to tell it as to make two views. */
  #buffer: ArrayBufferLike | undefined;
  #end = 0;
  /** Where the next field starts. */
  pos = 0;
  #fields = 0;
  /** The upper 32 bits of the varint that was read last. */
  #high = 0;

  constructor(bytes: Uint8Array = NOTHING, start = 0, end: number = bytes.byteLength) {
    this.over(bytes, start, end);
  }

  /** Starts anew, over this part of `bytes`. */
  over(bytes: Uint8Array, start: number, end: number): this {
    if (this.#bytes !== bytes) {
      this.#bytes = bytes;
      this.#buffer = bytes.byteLength > SHORT ? bytes.buffer : undefined;
    }
    this.pos = start;
    this.#end = end;
    this.#fields = 0;
    return this;
  }

  /** Lets go of the bytes. */
  release(): void {
    this.over(NOTHING, 0, 0);
  }

  /** How much is left. */
  get left(): number {
    return this.#end - this.pos;
  }

  /** The field number * 8 + the wire type. */
  tag(): number {
    if (++this.#fields > MAX_FIELDS) throw new RangeError(`it has more than ${MAX_FIELDS} fields`);
    const tag = this.uint32();
    if (tag < 8 || (tag & 7) > BIT32) throw new RangeError(`there is no field of tag ${tag}`);
    return tag;
  }

  /** A varint, cut to 32 bits. */
  uint32(): number {
    const byte = this.#bytes[this.pos]!;
    if (byte >= 0x80 || this.pos >= this.#end) return this.#varint();
    this.pos++;
    return byte;
  }

  /** @throws RangeError for a number over 2^53-1. */
  uint64(): number {
    const byte = this.#bytes[this.pos]!;
    if (byte < 0x80 && this.pos < this.#end) {
      this.pos++;
      return byte;
    }
    const low = this.#varint();
    if (this.#high > 0x1f_ffff) throw new RangeError('a number is over 2^53-1');
    return this.#high * 0x1_0000_0000 + low;
  }

  bool(): boolean {
    const low = this.#varint();
    return low !== 0 || this.#high !== 0;
  }

  bytes(): Uint8Array {
    const length = this.uint32();
    return this.#view(this.#skip(length), length);
  }

  /** All that is left. */
  rest(): Uint8Array {
    const length = this.left;
    return this.#view(this.#skip(length), length);
  }

  /** Invalid UTF-8 is replaced: by default protobuf-ts would reject a whole Handshake over a name. */
  string(): string {
    return decodeText(this.bytes());
  }

  /** Passes over the value of a field that nobody knows. */
  skip(tag: number): void {
    switch (tag & 7) {
      case VARINT:
        while (this.#byte() >= 0x80);
        return;
      case BIT64:
        this.#skip(8);
        return;
      case LENGTH_DELIMITED:
        this.#skip(this.uint32());
        return;
      case BIT32:
        this.#skip(4);
        return;
      default:
        throw new RangeError('a group field');
    }
  }

  /** The lower 32 bits; the upper ones are in `#high`. */
  #varint(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#high = 0;
        return low;
      }
    }
    return this.#wideVarint(low);
  }

  /** From the fifth byte on, which lies across the two halves. */
  #wideVarint(low: number): number {
    let byte = this.#byte();
    const whole = (low | (byte << 28)) >>> 0;
    let high = (byte & 0x7f) >>> 4;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (shift > 31) throw new RangeError('a number has more than 10 bytes');
      byte = this.#byte();
      high |= (byte & 0x7f) << shift;
    }
    this.#high = high >>> 0;
    return whole;
  }

  #byte(): number {
    if (this.pos >= this.#end) throw tooShort();
    return this.#bytes[this.pos++]!;
  }

  /** In V8, a third of the time of `subarray`. */
  #view(start: number, length: number): Uint8Array {
    if (this.#buffer !== undefined)
      return new Uint8Array(this.#buffer, this.#bytes.byteOffset + start, length);
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = this.#bytes[start + i]!;
    return copy;
  }

  /** Returns where the skipped bytes start. */
  #skip(length: number): number {
    const start = this.pos;
    if (length > this.#end - start) throw tooShort();
    this.pos += length;
    return start;
  }
}

function tooShort(): RangeError {
  return new RangeError('a field runs past the end');
}

type TextDecoders = {
  TextDecoder: new (
    encoding: string,
    options: { ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
};
let text: InstanceType<TextDecoders['TextDecoder']> | undefined;

function decodeText(bytes: Uint8Array): string {
  text ??= new (globalThis as unknown as TextDecoders).TextDecoder('utf-8', { ignoreBOM: true });
  return text.decode(bytes);
}
