/**
 * The run-length code of Have.bitfield. The field is a row of sections, each behind a varint `h`: where `h`
 * is odd, a run of `h >> 2` equal bytes, ff if its second bit is set and 00 if not; where it is even, `h >> 1`
 * bytes as they are.
 */
import { ProtocolError } from '../errors.ts';
import { endOfRun } from './run.ts';
import { readVarint, varintLength, writeVarint } from './varint.ts';

/** A part of what is encoded. */
interface Part {
  readonly start: number;
  readonly end: number;
  /** 0 or 255 for a run; -1 for bytes as they are. */
  readonly fill: number;
}

/** What is encoded of it: where its bytes are, where they are spelled out, and how many it stands for. */
interface Section {
  readonly start: number;
  readonly bytes: number;
  /** As of a {@link Part}. */
  readonly fill: number;
}

/**
 * Encodes a bitfield. Trailing zero bytes carry no information and are left off.
 *
 * @param bits block `i` is bit `0x80 >> (i & 7)` of byte `i >> 3`
 */
export function encodeRle(bits: Uint8Array): Uint8Array {
  const sections = split(bits);
  let size = 0;
  for (const section of sections) {
    size += varintLength(header(section)) + (section.fill < 0 ? section.end - section.start : 0);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const section of sections) {
    at = writeVarint(header(section), out, at);
    if (section.fill >= 0) continue;
    out.set(bits.subarray(section.start, section.end), at);
    at += section.end - section.start;
  }
  return out;
}

/** As many zero bytes, spelled out: who is told to forget what was announced overwrites only what it is sent. */
export function encodeZeros(bytes: number): Uint8Array {
  const head = bytes * 4 + 1;
  const out = new Uint8Array(bytes === 0 ? 0 : varintLength(head));
  if (bytes > 0) writeVarint(head, out, 0);
  return out;
}

/**
 * Decodes a bitfield. The size is computed first, so that a few bytes that announce a giant run cost nothing.
 *
 * @param maxBytes the most that may come out, before padding
 * @returns padded with zeros to a multiple of 4 bytes, as hypercore 7 hands it on
 * @throws ProtocolError `bad-message` when it is cut off, or more than `maxBytes`
 */
export function decodeRle(encoded: Uint8Array, maxBytes: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(unpackedBytes(encoded, maxBytes) / 4) * 4);
  unpack(encoded, read(encoded), bits);
  return bits;
}

/** A part of a bitfield: a run of equal bits, or bits as they are. */
export interface Stretch {
  /** In bytes, from the start of the bitfield. */
  readonly at: number;
  readonly byteLength: number;
  /** `true` and `false` for a run. */
  readonly bits: Uint8Array | boolean;
}

/** From so many bytes on a run stays one: two pages of blocks, so that there is a whole one in it. */
const LONG_RUN = 2048;

/**
 * As {@link decodeRle}, with long runs as they are: five bytes can stand for a run of megabytes, and whoever unpacks
 * thousands of them does nothing else.
 * @throws ProtocolError `bad-message` when it is cut off, or more than `maxBytes`
 */
export function decodeStretches(encoded: Uint8Array, maxBytes: number): Stretch[] {
  unpackedBytes(encoded, maxBytes);
  const stretches: Stretch[] = [];
  let short: Section[] = [];
  let at = 0;
  const gather = (): void => {
    if (short.length === 0) return;
    const byteLength = short.reduce((sum, { bytes }) => sum + bytes, 0);
    const bits = new Uint8Array(byteLength);
    unpack(encoded, short, bits);
    stretches.push({ at: at - byteLength, byteLength, bits });
    short = [];
  };
  for (const section of read(encoded)) {
    const { bytes, fill } = section;
    if (fill >= 0 && bytes >= LONG_RUN) {
      gather();
      stretches.push({ at, byteLength: bytes, bits: fill > 0 });
    } else short.push(section);
    at += bytes;
  }
  gather();
  return stretches;
}

function unpackedBytes(encoded: Uint8Array, maxBytes: number): number {
  let size = 0;
  for (const { bytes } of read(encoded)) {
    size += bytes;
    if (size > maxBytes) throw bad(`unpacks to more than the ${maxBytes} bytes that it may have`);
  }
  return size;
}

/** Writes what `sections` stand for to the start of `bits`, where all is zero yet. */
function unpack(encoded: Uint8Array, sections: Iterable<Section>, bits: Uint8Array): void {
  let at = 0;
  for (const { start, bytes, fill } of sections) {
    if (fill < 0) bits.set(encoded.subarray(start, start + bytes), at);
    else if (fill > 0) bits.fill(fill, at, at + bytes);
    at += bytes;
  }
}

function split(bits: Uint8Array): Part[] {
  let length = bits.byteLength;
  while (length > 0 && bits[length - 1] === 0) length--;
  const sections: Part[] = [];
  let plain = 0;
  for (let at = 0; at < length; ) {
    const fill = bits[at]!;
    let end = at + 1;
    if (fill === 0 || fill === 0xff) {
      end = endOfRun(bits, end, length, fill);
      const run: Part = { start: at, end, fill };
      // Cutting plain bytes in two costs them a second header, so a run among them has to save more than its own.
      if (plain === at || end - at > varintLength(header(run))) {
        if (plain < at) sections.push({ start: plain, end: at, fill: -1 });
        sections.push(run);
        plain = end;
      }
    }
    at = end;
  }
  if (plain < length) sections.push({ start: plain, end: length, fill: -1 });
  return sections;
}

function header({ start, end, fill }: Part): number {
  const bytes = end - start;
  if (fill < 0) return bytes * 2;
  return bytes * 4 + (fill === 0 ? 1 : 3);
}

function* read(encoded: Uint8Array): Generator<Section> {
  for (let at = 0; at < encoded.byteLength; ) {
    const number = readVarint(encoded, at);
    if (number === undefined) throw bad('has a number that is cut off or past 2^53-1');
    const head = number.value;
    at = number.end;
    if (head % 2 === 1) {
      yield { start: at, bytes: Math.floor(head / 4), fill: head % 4 === 3 ? 0xff : 0 };
      continue;
    }
    const bytes = head / 2;
    if (bytes > encoded.byteLength - at) throw bad(`promises ${bytes} bytes and ends before`);
    yield { start: at, bytes, fill: -1 };
    at += bytes;
  }
}

function bad(what: string): ProtocolError {
  return new ProtocolError('bad-message', `The bitfield of a Have ${what}. Drop this peer.`);
}
