/**
 * Bits in a byte array, the first one of a byte in `0x80`. Positions are bits from the array's start;
 * a range is `from` to before `to`. Whole bytes are taken at once.
 */
import { endOfRun } from '../wire/run.ts';

/** How many bits of a byte are set. */
const ONES: Uint8Array = /* @__PURE__ */ Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
);

/** The bits of one byte from position `from` to before `to` (0 to 8). */
function mask(from: number, to: number): number {
  return (0xff >> from) & (0xff00 >> to);
}

/** Whether the bit at `position` is set. */
export function getBit(bytes: Uint8Array, position: number): boolean {
  return (bytes[position >> 3]! & (0x80 >> (position & 7))) !== 0;
}

/** Sets, or clears, the bits of one byte that are set in `bits`. */
function apply(bytes: Uint8Array, at: number, bits: number, value: boolean): void {
  bytes[at] = value ? bytes[at]! | bits : bytes[at]! & ~bits;
}

/** Sets, or clears, the bit at `position`. */
export function putBit(bytes: Uint8Array, position: number, value: boolean): void {
  apply(bytes, position >> 3, 0x80 >> (position & 7), value);
}

/** Sets, or clears, every bit of a range. */
export function fillBits(bytes: Uint8Array, from: number, to: number, value: boolean): void {
  if (from >= to) return;
  const first = from >> 3;
  const last = (to - 1) >> 3;
  if (first === last) {
    apply(bytes, first, mask(from & 7, to - first * 8), value);
    return;
  }
  apply(bytes, first, mask(from & 7, 8), value);
  bytes.fill(value ? 0xff : 0, first + 1, last);
  apply(bytes, last, mask(0, to - last * 8), value);
}

/** How many bits of a range are set. */
export function countBits(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return 0;
  const first = from >> 3;
  const last = (to - 1) >> 3;
  if (first === last) return ONES[bytes[first]! & mask(from & 7, to - first * 8)]!;
  let count = ONES[bytes[first]! & mask(from & 7, 8)]! + ONES[bytes[last]! & mask(0, to - last * 8)]!;
  for (let at = first + 1; at < last; at++) count += ONES[bytes[at]!]!;
  return count;
}

/** The first bit of a range that is `value`, or -1. */
export function nextBit(bytes: Uint8Array, from: number, to: number, value: boolean): number {
  if (from >= to) return -1;
  const flip = value ? 0 : 0xff;
  const last = (to - 1) >> 3;
  let at = from >> 3;
  let byte = (bytes[at]! ^ flip) & mask(from & 7, 8);
  if (byte === 0) {
    at = endOfRun(bytes, at + 1, last + 1, flip);
    if (at > last) return -1;
    byte = bytes[at]! ^ flip;
  }
  // clz32 counts the 24 zero bits above the byte as well.
  const position = at * 8 + Math.clz32(byte) - 24;
  return position < to ? position : -1;
}

/** The last set bit at or before `position`, or -1. */
export function previousBit(bytes: Uint8Array, position: number): number {
  let at = position >> 3;
  let byte = bytes[at]! & mask(0, (position & 7) + 1);
  while (byte === 0) {
    if (--at < 0) return -1;
    byte = bytes[at]!;
  }
  // The lowest set bit of the byte is the last one in order.
  return at * 8 + 7 - (31 - Math.clz32(byte & -byte));
}
