/** BLAKE2b of many messages: three at once in WASM, one by one where that does not run; noble is the twin of both. */
import { blake2b } from '@noble/hashes/blake2.js';
import fc from 'fast-check';
import { concat } from 'uint8arrays/concat';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HashThree, type Message, simdHashThree } from '../../src/crypto/blake2b/simd.ts';
import { blake2bEach } from '../../src/crypto/blake2b.ts';
import { noble } from '../../src/crypto/noble.ts';
import { hex } from '../vectors/index.ts';

const hashThree = simdHashThree()!;

const twin = ({ head, body }: Message): string => hex(blake2b(concat([head, body]), { dkLen: 32 }));

/** Bytes that differ from place to place, and from message to message. */
function message(headBytes: number, bodyBytes: number, seed: number): Message {
  const bytes = (length: number, start: number) =>
    Uint8Array.from({ length }, (_, i) => (start + 31 * i + (i >> 8)) % 251);
  return { head: bytes(headBytes, seed), body: bytes(bodyBytes, seed + 100) };
}

describe('three at once, in WASM', () => {
  // Around the ends of a block, of two, and of a window.
  const edges = [
    0, 1, 118, 119, 120, 128, 246, 247, 248, 16_374, 16_375, 16_376, 16_384, 32_759, 32_760, 65_536,
  ];
  const byteLength = fc.oneof(fc.constantFrom(...edges), fc.nat({ max: 400 }), fc.nat({ max: 70_000 }));
  const one = fc
    .tuple(fc.nat({ max: 128 }), byteLength, fc.nat({ max: 250 }))
    .map((made) => message(...made));

  it('is there on all that the tests run on', () => {
    expect(hashThree).toBeDefined();
  });

  it('are the hashes of each', () => {
    fc.assert(
      fc.property(one, one, one, (a, b, c) => {
        expect(hashThree([a, b, c]).map(hex)).toEqual([a, b, c].map(twin));
      }),
      { numRuns: 200 },
    );
  });

  it.each(edges)('of %i bytes behind nine', (byteLength) => {
    const three = [1, 2, 3].map((seed) => message(9, byteLength, seed)) as [Message, Message, Message];
    expect(hashThree(three).map(hex)).toEqual(three.map(twin));
  });

  it('leaves its input as it is, and gives arrays of their own', () => {
    const three = [1, 2, 3].map((seed) => message(9, 300, seed)) as [Message, Message, Message];
    const before = three.map(({ head, body }) => hex(concat([head, body])));
    const first = hashThree(three);
    const kept = first.map(hex);
    hashThree([three[2], three[0], three[1]]);
    expect(first.map(hex)).toEqual(kept);
    expect(first.map((hash) => hash.buffer.byteLength)).toEqual([32, 32, 32]);
    expect(three.map(({ head, body }) => hex(concat([head, body])))).toEqual(before);
  });
});

describe('of many', () => {
  const many = fc.array(
    fc
      .tuple(fc.constant(9), fc.integer({ min: 1000, max: 8000 }), fc.nat({ max: 250 }))
      .map((made) => message(...made)),
    { maxLength: 12 },
  );

  it.each([
    ['three at once', hashThree],
    ['one by one', null],
  ])('are the hashes of each, in order: %s', (_name, own) => {
    fc.assert(
      fc.property(many, (messages) => {
        expect(blake2bEach(noble, messages, own).map(hex)).toEqual(messages.map(twin));
      }),
    );
  });

  /** How often each was called, for messages of these lengths. */
  function calls(
    byteLengths: readonly number[],
    own: HashThree | null = hashThree,
  ): { three: number; one: number } {
    const three = own === null ? null : vi.fn(own);
    const one = vi.fn(noble.blake2b);
    blake2bEach(
      { blake2b: one },
      byteLengths.map((length, i) => message(9, length, i)),
      three,
    );
    return { three: three?.mock.calls.length ?? 0, one: one.mock.calls.length };
  }

  it('takes three where they are large and of about one length, wherever they stand', () => {
    expect(calls([])).toEqual({ three: 0, one: 0 });
    expect(calls([5000, 5000])).toEqual({ three: 0, one: 2 });
    expect(calls(Array(8).fill(5000))).toEqual({ three: 2, one: 2 });
    expect(calls([50_000, 12_000, 5000, 12_010, 5100, 12_020, 5200])).toEqual({ three: 2, one: 1 });
    expect(calls([5000, 10_000, 20_000])).toEqual({ three: 0, one: 3 });
    // With its head, the shortest that is worth it.
    expect(calls([1912, 1912, 1912])).toEqual({ three: 1, one: 0 });
    expect(calls([1911, 1912, 1912])).toEqual({ three: 0, one: 3 });
    expect(calls(Array(6).fill(5000), null)).toEqual({ three: 0, one: 6 });
  });
});

describe('where WASM does not run', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('leaves them to the provider', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    vi.resetModules();
    const fresh = await import('../../src/crypto/blake2b.ts');
    const one = vi.fn(noble.blake2b);
    const messages = [1, 2, 3].map((seed) => message(9, 5000, seed));
    expect(fresh.blake2bEach({ blake2b: one }, messages).map(hex)).toEqual(messages.map(twin));
    expect(one).toHaveBeenCalledTimes(3);
  });

  it('is found out once', async () => {
    const validate = vi.fn(() => false);
    vi.stubGlobal('WebAssembly', { validate });
    vi.resetModules();
    const fresh = await import('../../src/crypto/blake2b.ts');
    const messages = [1, 2, 3].map((seed) => message(9, 5000, seed));
    fresh.blake2bEach(noble, messages.slice(1));
    expect(validate).not.toHaveBeenCalled();
    for (let times = 0; times < 3; times++) fresh.blake2bEach(noble, messages);
    expect(validate).toHaveBeenCalledTimes(1);
  });
});
