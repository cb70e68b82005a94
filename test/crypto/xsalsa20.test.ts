import { xsalsa20 } from '@noble/ciphers/salsa.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XSalsa20 } from '../../src/crypto/xsalsa20.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';

interface Case {
  readonly key: string;
  readonly nonce: string;
  readonly stream: string;
  readonly slices: readonly { readonly offset: number; readonly length: number; readonly hex: string }[];
}

interface Chunked {
  readonly key: string;
  readonly nonce: string;
  readonly cuts: readonly number[];
  readonly plaintext: string;
  readonly ciphertextParts: readonly string[];
}

describe('the XSalsa20 keystream', () => {
  it.each<Case>(v6.keystream.cases)(
    'equals the known answers at every offset, key $key',
    ({ key, nonce, stream, slices }) => {
      const bytes = new Uint8Array(70_100);
      new XSalsa20(unhex(key), unhex(nonce)).xor(bytes);
      expect(hex(bytes.subarray(0, stream.length / 2))).toBe(stream);
      for (const { offset, length, hex: expected } of slices) {
        expect(hex(bytes.subarray(offset, offset + length))).toBe(expected);
      }
    },
  );

  it.each<Chunked>(v6.keystream.chunked)('goes on where the last chunk stopped, cuts $cuts', (known) => {
    const keystream = new XSalsa20(unhex(known.key), unhex(known.nonce));
    const plain = unhex(known.plaintext);
    let offset = 0;
    const parts = known.ciphertextParts.map((part: string) => {
      const chunk = plain.slice(offset, (offset += part.length / 2));
      keystream.xor(chunk);
      return hex(chunk);
    });
    expect(parts).toEqual(known.ciphertextParts);
  });

  it('equals the one-shot function at any split', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 20 }), (cuts) => {
        const key = new Uint8Array(32).fill(7);
        const nonce = new Uint8Array(24).fill(9);
        const total = cuts.reduce((sum, cut) => sum + cut, 0);
        const whole = xsalsa20(key, nonce, new Uint8Array(total));
        const split = new Uint8Array(total);
        const keystream = new XSalsa20(key, nonce);
        let offset = 0;
        for (const cut of cuts) keystream.xor(split.subarray(offset, (offset += cut)));
        expect(hex(split)).toBe(hex(whole));
      }),
    );
  });

  it('is the same on bytes that do not begin at a word', () => {
    const key = new Uint8Array(32).fill(3);
    const nonce = new Uint8Array(24).fill(5);
    const bytes = new Uint8Array(70_003).subarray(3);
    new XSalsa20(key, nonce).xor(bytes);
    expect(Buffer.compare(bytes, xsalsa20(key, nonce, new Uint8Array(70_000)))).toBe(0);
  });

  it('takes views into larger buffers, and those of Node', () => {
    const [key, nonce] = [new Uint8Array(32).fill(3), new Uint8Array(24).fill(5)];
    const expected = hex(xsalsa20(key, nonce, new Uint8Array(100)));
    const at = (bytes: Uint8Array, start: number): Buffer =>
      Buffer.concat([Buffer.alloc(start), bytes, Buffer.alloc(9)]).subarray(start, start + bytes.byteLength);
    for (const start of [0, 1, 4]) {
      const bytes = at(new Uint8Array(100), start);
      new XSalsa20(at(key, start), at(nonce, start)).xor(bytes);
      expect(hex(bytes)).toBe(expected);
    }
  });

  it('names the argument of the wrong length', () => {
    expect(() => new XSalsa20(new Uint8Array(31), new Uint8Array(24))).toThrow(
      /"key" expected 32 bytes, got 31/,
    );
    expect(() => new XSalsa20(new Uint8Array(32), new Uint8Array(8))).toThrow(
      /"nonce" expected 24 bytes, got 8/,
    );
  });
});
