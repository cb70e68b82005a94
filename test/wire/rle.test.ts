import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRle, decodeStretches, encodeRle } from '../../src/wire/rle.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';

const MAX = 131072;
interface Case {
  name: string;
  note: string;
  bitfield: string;
  encoded: string;
  decoded: string;
}

/** Byte after byte into an array, with BigInt for the numbers. */
function naiveDecode(encoded: Uint8Array): number[] {
  const bytes: number[] = [];
  const input = [...encoded];
  while (input.length > 0) {
    let head = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = input.shift()!;
      head |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    if (head & 1n) for (let left = head >> 2n; left > 0n; left--) bytes.push(head & 2n ? 255 : 0);
    else bytes.push(...input.splice(0, Number(head >> 1n)));
  }
  while (bytes.length % 4 !== 0) bytes.push(0);
  return bytes;
}

const bitfields = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.nat({ max: 300 }).map((length) => new Uint8Array(length)),
      fc.nat({ max: 300 }).map((length) => new Uint8Array(length).fill(255)),
      fc.constantFrom(Uint8Array.of(0), Uint8Array.of(255), Uint8Array.of(0, 0), Uint8Array.of(255, 255)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

it.each(v6.rle.roundtrip as Case[])('$name: reads the known code, and its own is no longer', (known) => {
  expect(hex(decodeRle(unhex(known.encoded), MAX))).toBe(known.decoded);
  const ours = encodeRle(unhex(known.bitfield));
  expect(hex(decodeRle(ours, MAX))).toBe(known.decoded);
  expect(ours.byteLength).toBeLessThanOrEqual(known.encoded.length / 2);
});

it.each(v6.rle.decodeOnly as Case[])('reads $encoded, a $note', (known) => {
  expect(hex(decodeRle(unhex(known.encoded), MAX))).toBe(known.decoded);
});

it.each(v6.rle.invalid as Case[])('refuses $encoded', ({ encoded }) => {
  expect(() => decodeRle(unhex(encoded), MAX)).toThrow(expect.objectContaining({ code: 'bad-message' }));
});

it('gives back what it took, without the zeros at the end', () => {
  fc.assert(
    fc.property(bitfields, (bits) => {
      const encoded = encodeRle(bits);
      const last = bits.findLastIndex((byte) => byte !== 0) + 1;
      const decoded = decodeRle(encoded, last);
      expect([...decoded.subarray(0, last)]).toEqual([...bits.subarray(0, last)]);
      expect(decoded.subarray(last).every((byte) => byte === 0)).toBe(true);
      expect(decoded.byteLength).toBe(Math.ceil(last / 4) * 4);
      expect(encoded.byteLength).toBeLessThanOrEqual(last + 1 + Math.ceil(last / 64));
      expect([...decoded]).toEqual(naiveDecode(encoded));
    }),
  );
});

it('writes a full region as one run, and a sparse one short', () => {
  expect(encodeRle(new Uint8Array(131072).fill(255))).toHaveLength(3);
  const sparse = new Uint8Array(131072);
  sparse[0] = 0x80;
  sparse[100000] = 1;
  expect(encodeRle(sparse)).toHaveLength(2 + 3 + 2);
  expect(encodeRle(new Uint8Array(131072))).toHaveLength(0);
});

it('reads anything as the naive reader does, or refuses it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (encoded) => {
      let decoded: Uint8Array;
      try {
        decoded = decodeRle(encoded, 4096);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-message' });
        return;
      }
      expect([...decoded]).toEqual(naiveDecode(encoded));
    }),
    { numRuns: 500 },
  );
});

it('takes exactly as much as it may', () => {
  const field = new Uint8Array(13).fill(255);
  expect(decodeRle(encodeRle(field), 13)).toHaveLength(16);
  expect(() => decodeRle(encodeRle(field), 12)).toThrow(/12 bytes/);
  // 7 of them in a run, 7 as they are.
  expect(() => decodeRle(unhex('1f0e01020304050607'), 13)).toThrow(/13 bytes/);
  expect(decodeRle(unhex('1f0e01020304050607'), 14)).toHaveLength(16);
});

it('refuses giant runs before it makes room for them', () => {
  const refused = expect.objectContaining({ code: 'bad-message' });
  expect(() => decodeRle(unhex('8380808002'), MAX)).toThrow(refused); // 2^27 bytes
  // No platform has room for these: making it would throw another error, or none of ours.
  expect(() => decodeRle(unhex('8380808080808002'), MAX)).toThrow(refused); // 2^48 bytes
  expect(() => decodeRle(unhex('8180808080808002'), MAX)).toThrow(refused);
  expect(() => decodeRle(unhex('ffffffffffffffffff01'), MAX)).toThrow(refused); // past 2^53-1
  expect(() => decodeRle(unhex('feffffff0f'), MAX)).toThrow(refused); // plain bytes that never come
  // Many that fit one by one.
  const many = unhex('838020'.repeat(64));
  expect(() => decodeRle(many, MAX)).toThrow(refused);
  expect(decodeRle(many.subarray(0, 3), MAX)).toHaveLength(131072);
  expect(() => decodeRle(many.subarray(0, 6), MAX)).toThrow(refused);
});

it('reads runs of nothing, however many', () => {
  expect(decodeRle(new Uint8Array(10000).fill(3), 0)).toHaveLength(0);
  expect(decodeRle(new Uint8Array(10000), 0)).toHaveLength(0);
});

describe('stretches', () => {
  const MAX = 1 << 22;
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.record({
      fill: fc.constantFrom(0, 0xff),
      length: fc.constantFrom(1, 3, 100, 2047, 2048, 5000, 40_000),
    }),
  );

  it('are the same bits, with long runs as they are', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const bits = Uint8Array.from(
          parts.flatMap((one) =>
            one instanceof Uint8Array ? [...one] : Array<number>(one.length).fill(one.fill),
          ),
        );
        const encoded = encodeRle(bits);
        const whole = decodeRle(encoded, MAX);
        const joined = new Uint8Array(whole.length);
        let at = 0;
        for (const stretch of decodeStretches(encoded, MAX)) {
          expect(stretch.at).toBe(at);
          if (typeof stretch.bits === 'boolean')
            joined.fill(stretch.bits ? 0xff : 0, at, at + stretch.byteLength);
          else joined.set(stretch.bits, at);
          at += stretch.byteLength;
        }
        expect(joined).toEqual(whole);
      }),
    );
  });

  it('of a few bytes that stand for megabytes unpack none', () => {
    const ones = new Uint8Array(MAX).fill(0xff);
    expect(decodeStretches(encodeRle(ones), MAX)).toEqual([{ at: 0, byteLength: MAX, bits: true }]);
    expect(() => decodeStretches(encodeRle(ones), MAX - 1)).toThrow(/more than the 4194303 bytes/);
  });
});
