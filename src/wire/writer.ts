/**
 * Writes protobuf fields into a buffer of exactly their size. Whoever writes measures first, by the same calls to
 * the other implementation: so nothing grows, and nothing is copied twice. Who writes much keeps one of each, as of
 * the reader.
 */
import { assertBytes, assertInteger } from '../errors.ts';
import { varintLength, writeVarint } from './varint.ts';

/** What the generated functions write to. A tag is the whole of it, and one byte: field number * 8 + wire type. */
export interface FieldWriter {
  uint64(tag: number, value: number): void;
  bool(tag: number, value: boolean): void;
  bytes(tag: number, value: Uint8Array): void;
  string(tag: number, value: string): void;
  message<T>(tag: number, value: T, write: WriteFields<T>): void;
  /** Without a tag. */
  varint(value: number): void;
  /** Without tag and length. */
  raw(value: Uint8Array): void;
}

const NOTHING = new Uint8Array(0);

/** Writes the fields of one message. */
export type WriteFields<T> = (message: T, writer: FieldWriter) => void;

/**
 * Counts what {@link Writer} would write, and looks at each value.
 * @throws RangeError for numbers that are not whole numbers from 0 to 2^53-1, TypeError for bytes that are none.
 */
export class Measure implements FieldWriter {
  /** Bytes so far. */
  length = 0;

  uint64(_tag: number, value: number): void {
    this.length++;
    this.varint(value);
  }

  bool(): void {
    this.length += 2;
  }

  bytes(_tag: number, value: Uint8Array): void {
    this.raw(value);
    this.length += 1 + varintLength(value.byteLength);
  }

  string(_tag: number, value: string): void {
    // Texts are rare and short: encoding one twice is simpler than counting its bytes.
    const length = encodeText(value).byteLength;
    this.length += 1 + varintLength(length) + length;
  }

  message<T>(_tag: number, value: T, write: WriteFields<T>): void {
    const before = this.length;
    write(value, this);
    this.length += 1 + varintLength(this.length - before);
  }

  varint(value: number): void {
    if (value >>> 0 !== value) assertInteger('number', value);
    this.length += varintLength(value);
  }

  raw(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) assertBytes('bytes', value);
    this.length += value.byteLength;
  }
}

/** Writes into one buffer of a size that was measured. */
export class Writer implements FieldWriter {
  target: Uint8Array = NOTHING;
  /** Bytes so far. */
  length = 0;

  constructor(size = 0) {
    if (size > 0) this.start(size);
  }

  /** Starts anew, in a buffer of `size` bytes. */
  start(size: number): void {
    this.target = new Uint8Array(size);
    this.length = 0;
  }

  /** Lets go of the buffer, and returns it. */
  take(): Uint8Array {
    const { target } = this;
    this.target = NOTHING;
    return target;
  }

  // `this` is read once and set once, where nearly all is written.

  uint64(tag: number, value: number): void {
    const { target, length } = this;
    target[length] = tag;
    this.length = writeVarint(value, target, length + 1);
  }

  bool(tag: number, value: boolean): void {
    this.target[this.length++] = tag;
    this.target[this.length++] = value ? 1 : 0;
  }

  bytes(tag: number, value: Uint8Array): void {
    const { target, length } = this;
    const { byteLength } = value;
    target[length] = tag;
    const start = writeVarint(byteLength, target, length + 1);
    target.set(value, start);
    this.length = start + byteLength;
  }

  string(tag: number, value: string): void {
    this.bytes(tag, encodeText(value));
  }

  message<T>(tag: number, value: T, write: WriteFields<T>): void {
    const { target } = this;
    target[this.length] = tag;
    this.length += 2;
    const start = this.length;
    write(value, this);
    const length = this.length - start;
    // Nearly all are short: the length goes where it is only known afterwards, and the rare long one is moved.
    if (length < 0x80) {
      target[start - 1] = length;
      return;
    }
    const moved = varintLength(length) - 1;
    target.copyWithin(start + moved, start, this.length);
    writeVarint(length, target, start - 1);
    this.length += moved;
  }

  varint(value: number): void {
    this.length = writeVarint(value, this.target, this.length);
  }

  raw(value: Uint8Array): void {
    this.target.set(value, this.length);
    this.length += value.byteLength;
  }
}

type TextEncoders = { TextEncoder: new () => { encode(text: string): Uint8Array } };
let text: InstanceType<TextEncoders['TextEncoder']> | undefined;

function encodeText(value: string): Uint8Array {
  text ??= new (globalThis as unknown as TextEncoders).TextEncoder();
  return text.encode(value);
}
