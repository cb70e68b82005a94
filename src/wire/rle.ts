/**
 * The run-length code of Have.bitfield. The field is a row of sections, each behind a varint `h`: where `h`
 * is odd, a run of `h >> 2` equal bytes, ff if its second bit is set and 00 if not; where it is even, `h >> 1`
 * bytes as they are.
 */
import { ProtocolError } from '../errors.ts';
import { endOfRun } from './run.ts';
import { readVarint, varintLength, writeVarint } from './varint.ts';

interface Section {
  readonly start: number;
  readonly end: number;
  /** 0 or 255 for a run; -1 for bytes as they are. */
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
  let size = 0;
  for (const section of read(encoded)) {
    size += section.bytes;
    if (size > maxBytes) {
      throw bad(`unpacks to more than the ${maxBytes} bytes that it may have`);
    }
  }
  const bits = new Uint8Array(Math.ceil(size / 4) * 4);
  let at = 0;
  for (const section of read(encoded)) {
    if (section.fill < 0) bits.set(encoded.subarray(section.start, section.start + section.bytes), at);
    else if (section.fill > 0) bits.fill(section.fill, at, at + section.bytes);
    at += section.bytes;
  }
  return bits;
}

function split(bits: Uint8Array): Section[] {
  let length = bits.byteLength;
  while (length > 0 && bits[length - 1] === 0) length--;
  const sections: Section[] = [];
  let plain = 0;
  for (let at = 0; at < length; ) {
    const fill = bits[at]!;
    let end = at + 1;
    if (fill === 0 || fill === 0xff) {
      end = endOfRun(bits, end, length, fill);
      const run: Section = { start: at, end, fill };
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

function header({ start, end, fill }: Section): number {
  const bytes = end - start;
  if (fill < 0) return bytes * 2;
  return bytes * 4 + (fill === 0 ? 1 : 3);
}

function* read(encoded: Uint8Array): Generator<{ start: number; bytes: number; fill: number }> {
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
