import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { RemoteBlocks } from '../../src/feed/replication/remote-blocks.ts';

const END = 6 * 8192;
const position = fc.oneof(
  fc.integer({ min: 0, max: END - 1 }),
  fc
    .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -9, max: 9 }))
    .map(([page, by]) => Math.max(0, page * 8192 + by)),
);
const length = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: END }), fc.constant(8192));
const bits = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .tuple(fc.nat({ max: 3000 }), fc.constantFrom(0, 255, 254))
    .map(([n, byte]) => new Uint8Array(n).fill(byte)),
);
type Step = readonly ['add' | 'remove', number, number] | readonly ['replace', number, number, Uint8Array];
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom('add' as const, 'remove' as const), position, length),
  fc.tuple(
    fc.constant('replace' as const),
    position.map((at) => at - (at % 8)),
    length,
    bits,
  ),
);

function apply(blocks: RemoteBlocks, naive: boolean[], step: Step): void {
  const [kind, start, length] = step;
  if (kind === 'replace') blocks.replace(start, length, step[3]);
  else blocks[kind](start, length);
  for (let i = 0; i < length; i++) {
    naive[start + i] =
      kind === 'replace' ? ((step[3][i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0 : kind === 'add';
  }
}

describe('RemoteBlocks', () => {
  test('agrees with an array of booleans', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.array(position), (steps, probes) => {
        const blocks = new RemoteBlocks();
        const naive: boolean[] = [];
        for (const step of steps) apply(blocks, naive, step);
        expect(blocks.length).toBe(naive.lastIndexOf(true) + 1);
        for (const probe of [0, ...probes]) {
          expect(blocks.has(probe)).toBe(naive[probe] ?? false);
          expect(blocks.next(probe)).toBe(naive.indexOf(true, probe));
          const next = naive.indexOf(true, probe);
          const end = probe + 5000;
          expect(blocks.next(probe, end)).toBe(next < end ? next : -1);
        }
        const walked: number[] = [];
        for (let at = blocks.next(0); at !== -1; at = blocks.next(at + 1)) walked.push(at);
        expect(walked.length).toBe(naive.filter(Boolean).length);
      }),
    );
  });

  test('takes giant ranges at no cost', () => {
    const blocks = new RemoteBlocks();
    blocks.add(0, 2 ** 52);
    expect(blocks.length).toBe(2 ** 52);
    expect(blocks.has(2 ** 52 - 1)).toBe(true);
    expect(blocks.has(2 ** 52)).toBe(false);
    blocks.remove(5, 2 ** 51);
    expect(blocks.next(5)).toBe(2 ** 51 + 5);
    blocks.replace(0, 2 ** 53 - 1, Uint8Array.of(0x20));
    expect(blocks.length).toBe(3);
    blocks.add(2 ** 53 - 2, 2 ** 53 - 1);
    expect(blocks.length).toBe(2 ** 53 - 1);
    expect(blocks.next(3)).toBe(2 ** 53 - 2);
    blocks.clear();
    expect(blocks.length).toBe(0);
    expect(blocks.next(0)).toBe(-1);
  });

  test('ends with have-flood past the pages held in part', () => {
    const blocks = new RemoteBlocks();
    for (let page = 0; page < 4096; page++) blocks.add(page * 8192);
    // They are whole now, and count no more.
    blocks.add(0, 3 * 8192);
    for (let page = 9000; page < 9003; page++) blocks.add(page * 8192);
    expect(() => blocks.add(2 ** 40)).toThrow(expect.objectContaining({ code: 'have-flood' }));
  });

  test('ends with have-flood past the runs of whole pages', () => {
    const blocks = new RemoteBlocks();
    for (let run = 0; run < 1024; run++) blocks.add(2 * run * 8192, 8192);
    // Two of them are one now.
    blocks.add(8192, 8192);
    blocks.add(9000 * 8192, 8192);
    expect(() => blocks.add(2 ** 40, 8192)).toThrow(ProtocolError);
    const torn = new RemoteBlocks();
    torn.add(0, 2 ** 50);
    for (let hole = 1; hole < 1024; hole++) torn.remove(2 * hole * 8192, 8192);
    expect(() => torn.remove(2 ** 30, 8192)).toThrow(expect.objectContaining({ code: 'have-flood' }));
  });

  test('a bitfield of a whole region is within the limits', () => {
    const blocks = new RemoteBlocks();
    blocks.replace(2 ** 20, 2 ** 20, new Uint8Array(131072).fill(0xaa));
    expect(blocks.next(0)).toBe(2 ** 20);
    expect(blocks.length).toBe(2 ** 21 - 1);
  });

  test('keeps no view of the bits', () => {
    const blocks = new RemoteBlocks();
    const bits = Uint8Array.of(0x80);
    blocks.replace(8, 8, bits);
    bits.fill(0);
    expect(blocks.has(8)).toBe(true);
  });

  test('refuses numbers that are no blocks', () => {
    const blocks = new RemoteBlocks();
    expect(() => blocks.add(-1, 1)).toThrow(RangeError);
    expect(() => blocks.add(2 ** 53, 1)).toThrow(RangeError);
    expect(() => blocks.remove(0.5, 1)).toThrow(RangeError);
    expect(() => blocks.replace(4, 8, new Uint8Array(1))).toThrow('"start" expected a multiple of 8, got 4');
  });
});
