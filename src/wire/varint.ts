/** Unsigned LEB128, low group first, used throughout the protocol. Exact to 2^53-1. */

/** The number of bytes that `value` takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let limit = 0x80; value >= limit; limit *= 0x80) length++;
  return length;
}

/** Writes `value` (0 to 2^53-1) into `target` at `offset`; returns the offset behind it. */
export function writeVarint(value: number, target: Uint8Array, offset: number): number {
  // Shifts are of 32 bits, and much faster than a division.
  while (value > 0x7fff_ffff) {
    target[offset++] = (value % 0x80) | 0x80;
    value = Math.floor(value / 0x80);
  }
  while (value >= 0x80) {
    target[offset++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  target[offset++] = value;
  return offset;
}

/** A varint that was read: its value and the offset behind it. */
export interface Varint {
  readonly value: number;
  readonly end: number;
}

/**
 * Reads a varint of `bytes` at `offset`. `undefined` where it goes on behind `limit`, or where its value is
 * over 2^53-1.
 */
export function readVarint(
  bytes: Uint8Array,
  offset = 0,
  limit: number = bytes.byteLength,
): Varint | undefined {
  let value = 0;
  let scale = 1;
  for (let end = offset; end < limit; ) {
    const byte = bytes[end++]!;
    const group = byte & 0x7f;
    // Zero groups may pad to any width, where `scale` is no number to multiply with any more.
    if (group !== 0) value += group * scale;
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
    if (byte < 0x80) return { value, end };
    scale *= 0x80;
  }
  return undefined;
}
