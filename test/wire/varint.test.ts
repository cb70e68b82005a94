import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readVarint, varintLength, writeVarint } from '../../src/wire/varint.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';

interface Known {
  readonly hex: string;
  readonly value: number;
}

const encoded: Known[] = v6.varints.encode;
const nonMinimal: Known[] = v6.varints.decodeNonMinimal;
const lossy: Pick<Known, 'hex'>[] = v6.varints.decodeLossy;

function write(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value));
  expect(writeVarint(value, bytes, 0)).toBe(bytes.byteLength);
  return bytes;
}

describe('varints', () => {
  it.each(encoded)('writes and reads $value as $hex', (known) => {
    expect(hex(write(known.value))).toBe(known.hex);
    expect(readVarint(unhex(known.hex))).toEqual({ value: known.value, end: known.hex.length / 2 });
  });

  it.each(nonMinimal)('reads $hex, wider than it need be, as $value', (known) => {
    expect(readVarint(unhex(known.hex))).toEqual({ value: known.value, end: known.hex.length / 2 });
  });

  it.each(lossy)('refuses $hex, which no number holds', (known) => {
    expect(readVarint(unhex(known.hex))).toBeUndefined();
  });

  it('reads zero padding of any width, and refuses a value in it', () => {
    const padded = new Uint8Array(400).fill(0x80);
    padded[0] = 0x85;
    padded[399] = 0;
    expect(readVarint(padded)).toEqual({ value: 5, end: 400 });
    for (const at of [8, 11, 150, 399]) {
      const large = padded.slice();
      large[at]! |= 1;
      expect(readVarint(large), `a bit in group ${at}`).toBeUndefined();
    }
  });

  it('is undefined where the bytes end inside it', () => {
    expect(readVarint(new Uint8Array(0))).toBeUndefined();
    expect(readVarint(unhex('80'))).toBeUndefined();
    expect(readVarint(unhex('ffff'))).toBeUndefined();
    expect(readVarint(unhex('00'), 1)).toBeUndefined();
  });

  it('reads back what it wrote, at any offset, and leaves what follows', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 3 }),
        (value, before, after) => {
          const bytes = Uint8Array.from([...before, ...write(value), ...after]);
          expect(readVarint(bytes, before.length)).toEqual({
            value,
            end: bytes.length - after.length,
          });
        },
      ),
    );
  });

  it('equals arithmetic on whole 64-bit numbers on arbitrary bytes', () => {
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x80, 0xff));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
        const length = bytes.findIndex((value) => value < 0x80) + 1;
        const value = bytes
          .slice(0, length)
          .reduce((sum, group, i) => sum + (BigInt(group & 0x7f) << BigInt(7 * i)), 0n);
        const fits = length > 0 && value <= BigInt(Number.MAX_SAFE_INTEGER);
        expect(readVarint(Uint8Array.from(bytes))).toEqual(
          fits ? { value: Number(value), end: length } : undefined,
        );
      }),
      { numRuns: 500 },
    );
  });
});
