/** BLAKE2b of many messages: two at once in WASM, one by one where that does not run; noble is the twin of both. */
import { blake2b } from '@noble/hashes/blake2.js';
import fc from 'fast-check';
import { concat } from 'uint8arrays/concat';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HashPair, type Message, simdHashPair } from '../../src/crypto/blake2b/simd.ts';
import { blake2bEach } from '../../src/crypto/blake2b.ts';
import { noble } from '../../src/crypto/noble.ts';
import { hex } from '../vectors/index.ts';

const hashPair = simdHashPair()!;

const twin = ({ head, body }: Message): string => hex(blake2b(concat([head, body]), { dkLen: 32 }));

/** Bytes that differ from place to place, and from message to message. */
function message(headBytes: number, bodyBytes: number, seed: number): Message {
  const bytes = (length: number, start: number) =>
    Uint8Array.from({ length }, (_, i) => (start + 31 * i + (i >> 8)) % 251);
  return { head: bytes(headBytes, seed), body: bytes(bodyBytes, seed + 100) };
}

describe('two at once, in WASM', () => {
  // Around the ends of a block, of two, and of a window.
  const edges = [
    0, 1, 118, 119, 120, 128, 246, 247, 248, 16_374, 16_375, 16_376, 16_384, 32_759, 32_760, 65_536,
  ];
  const byteLength = fc.oneof(fc.constantFrom(...edges), fc.nat({ max: 400 }), fc.nat({ max: 70_000 }));
  const one = fc
    .tuple(fc.nat({ max: 128 }), byteLength, fc.nat({ max: 250 }))
    .map((made) => message(...made));

  it('is there on all that the tests run on', () => {
    expect(hashPair).toBeDefined();
  });

  it('are the hashes of each', () => {
    fc.assert(
      fc.property(one, one, (a, b) => {
        expect(hashPair([a, b]).map(hex)).toEqual([a, b].map(twin));
      }),
      { numRuns: 200 },
    );
  });

  it.each(edges)('of %i bytes behind nine', (byteLength) => {
    const pair = [1, 2].map((seed) => message(9, byteLength, seed)) as [Message, Message];
    expect(hashPair(pair).map(hex)).toEqual(pair.map(twin));
  });

  it('leaves its input as it is, and gives arrays of their own', () => {
    const pair = [1, 2].map((seed) => message(9, 300, seed)) as [Message, Message];
    const before = pair.map(({ head, body }) => hex(concat([head, body])));
    const first = hashPair(pair);
    const kept = first.map(hex);
    hashPair([pair[1], pair[0]]);
    expect(first.map(hex)).toEqual(kept);
    expect(first.map((hash) => hash.buffer.byteLength)).toEqual([32, 32]);
    expect(pair.map(({ head, body }) => hex(concat([head, body])))).toEqual(before);
  });
});

describe('of many', () => {
  const many = fc.array(
    fc
      .tuple(fc.constant(9), fc.integer({ min: 200, max: 5000 }), fc.nat({ max: 250 }))
      .map((made) => message(...made)),
    { maxLength: 12 },
  );

  it.each([
    ['two at once', hashPair],
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
    own: HashPair | null = hashPair,
  ): { two: number; one: number } {
    const two = own === null ? null : vi.fn(own);
    const one = vi.fn(noble.blake2b);
    blake2bEach(
      { blake2b: one },
      byteLengths.map((length, i) => message(9, length, i)),
      two,
    );
    return { two: two?.mock.calls.length ?? 0, one: one.mock.calls.length };
  }

  it('takes two where they are large and of about one length, wherever they stand', () => {
    expect(calls([])).toEqual({ two: 0, one: 0 });
    expect(calls([5000])).toEqual({ two: 0, one: 1 });
    expect(calls(Array(7).fill(5000))).toEqual({ two: 3, one: 1 });
    expect(calls([50_000, 12_000, 5000, 12_010, 5100])).toEqual({ two: 2, one: 1 });
    expect(calls([5000, 10_000, 20_000])).toEqual({ two: 0, one: 3 });
    // 32 and 48 blocks, then 49.
    expect(calls([4087, 6135])).toEqual({ two: 1, one: 0 });
    expect(calls([4087, 6136])).toEqual({ two: 0, one: 2 });
    // With its head, the shortest that is worth it.
    expect(calls([376, 376])).toEqual({ two: 1, one: 0 });
    expect(calls([375, 376])).toEqual({ two: 0, one: 2 });
    expect(calls(Array(6).fill(5000), null)).toEqual({ two: 0, one: 6 });
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
    fresh.blake2bEach(noble, messages.slice(2));
    expect(validate).not.toHaveBeenCalled();
    for (let times = 0; times < 3; times++) fresh.blake2bEach(noble, messages);
    expect(validate).toHaveBeenCalledTimes(1);
  });
});
