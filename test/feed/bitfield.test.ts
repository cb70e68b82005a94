import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countBits, fillBits, nextBit, previousBit } from '../../src/feed/bits.ts';
import { Bitfield } from '../../src/feed/files/bitfield.ts';
import type { BitfieldPageSize } from '../../src/feed/files/header.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';

/** The part of hypercore 7's bitfield that these tests use. */
interface Reference {
  set(block: number, value: boolean): boolean;
  iterator(start?: number, end?: number): { next(): number };
  readonly tree: { set(node: number, value: boolean): boolean };
  readonly pages: { readonly length: number; get(page: number, noAllocate: boolean): { buffer: Uint8Array } };
}
const reference: (pageSize?: number, pages?: Uint8Array[]) => Reference = createRequire(import.meta.url)(
  'hypercore/lib/bitfield',
);

const INDEX = 3072;
const zeros = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);

/** The summaries that hypercore's index tree has, from the definition: recursively over held blocks. */
function naiveIndexByte(has: (block: number) => boolean, flat: number): number {
  let depth = 0;
  for (let n = flat; n % 2 === 1; n = (n - 1) / 2) depth++;
  const each = 8 * 2 ** depth;
  let byte = 0;
  for (let i = 0; i < 4; i++) {
    const start = ((flat - 2 ** depth + 1) / 2) * 32 + i * each;
    let held = 0;
    for (let block = start; block < start + each; block++) if (has(block)) held++;
    byte = (byte << 2) | (held === 0 ? 0 : held === each ? 3 : 1);
  }
  return byte;
}

/** Ranges that touch byte, quarter and page borders often. */
const position = fc.oneof(
  fc.integer({ min: 0, max: 5 * 8192 }),
  fc
    .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -2, max: 2 }))
    .map(([q, d]) => Math.max(0, q * 2048 + d)),
);
const range = fc.tuple(
  position,
  fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 * 8192 })),
);
const edits = fc.array(fc.tuple(range, fc.boolean()), { maxLength: 12 });

function build(
  steps: readonly (readonly [readonly [number, number], boolean])[],
  pageSize?: BitfieldPageSize,
) {
  const bitfield = new Bitfield(pageSize);
  const naive = new Set<number>();
  for (const [[start, length], value] of steps) {
    if (value) bitfield.add(start, length);
    else bitfield.remove(start, length);
    for (let block = start; block < start + length; block++) {
      if (value) naive.add(block);
      else naive.delete(block);
    }
  }
  return { bitfield, naive };
}

describe('bits', () => {
  test('agree with a bit at a time', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (bytes, a, b, v) => {
          const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
          const [from, to] = [a % (bits.length + 1), b % (bits.length + 1)].sort((x, y) => x - y) as [
            number,
            number,
          ];
          const part = bits.slice(from, to);
          expect(countBits(bytes, from, to)).toBe(part.replaceAll('0', '').length);
          const next = part.indexOf(v ? '1' : '0');
          expect(nextBit(bytes, from, to, v)).toBe(next === -1 ? -1 : from + next);
          if (from < bits.length) expect(previousBit(bytes, from)).toBe(bits.lastIndexOf('1', from));
          fillBits(bytes, from, to, v);
          const after = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
          expect(after).toBe(bits.slice(0, from) + (v ? '1' : '0').repeat(to - from) + bits.slice(to));
        },
      ),
    );
  });
});

describe('Bitfield', () => {
  test('agrees with a set of numbers', () => {
    fc.assert(
      fc.property(edits, range, (steps, [start, length]) => {
        const { bitfield, naive } = build(steps);
        const end = start + length;
        let missing = -1;
        let count = 0;
        for (let block = start; block < end; block++) {
          if (naive.has(block)) count++;
          if (!naive.has(block) && missing === -1) missing = block;
        }
        expect(bitfield.count(start, end)).toBe(count);
        expect(bitfield.nextMissing(start, end)).toBe(missing);
        for (const block of [start, end, start + 1, 8191, 8192])
          expect(bitfield.has(block)).toBe(naive.has(block));
        const first = start - (start % 8);
        const slice = bitfield.slice(first, length);
        const expected = new Uint8Array(Math.ceil(length / 8));
        for (let i = 0; i < length; i++) if (naive.has(first + i)) expected[i >> 3]! |= 0x80 >> (i & 7);
        expect(hex(slice)).toBe(hex(expected));
      }),
      { numRuns: 60 },
    );
  });

  test('keeps far blocks and nodes without the pages between', () => {
    const bitfield = new Bitfield();
    const far = 2 ** 51 + 12345;
    bitfield.add(far);
    bitfield.addNode(2 * far);
    bitfield.addNode(2 ** 51 - 1);
    expect(bitfield.has(far)).toBe(true);
    // Where 32 bits would wrap.
    expect(bitfield.has(12345)).toBe(false);
    expect(bitfield.nextMissing(far, 2 ** 53 - 1)).toBe(far + 1);
    expect(bitfield.count(0, 2 ** 53 - 1)).toBe(1);
    expect(bitfield.hasNode(2 * far)).toBe(true);
    expect(bitfield.lastNode(2 ** 53 - 2)).toBe(2 * far);
    expect(bitfield.lastNode(2 * far - 1)).toBe(2 ** 51 - 1);
    expect(bitfield.lastNode(5)).toBe(-1);
    // The page itself, the node's, and the ancestors across pages between them.
    expect(bitfield.dirty().length).toBeLessThan(50);
    bitfield.remove(0, 2 ** 53 - 1);
    expect(bitfield.count(0, 2 ** 53 - 1)).toBe(0);
  });

  test('removes a node', () => {
    const bitfield = new Bitfield();
    bitfield.addNode(16384);
    bitfield.removeNode(16384);
    bitfield.removeNode(99);
    expect(bitfield.hasNode(16384)).toBe(false);
    expect(bitfield.pageCount).toBe(2);
  });

  test.each(['oneByOne', 'batch', 'nine'])('writes the known page of %s', (name) => {
    const known = v6.files[name].bitfield;
    const blocks = unhex(known.data);
    const nodes = unhex(known.tree);
    const bitfield = new Bitfield();
    for (let i = 0; i < blocks.length * 8; i++) if (blocks[i >> 3]! & (0x80 >> (i & 7))) bitfield.add(i);
    for (let i = 0; i < nodes.length * 8; i++) if (nodes[i >> 3]! & (0x80 >> (i & 7))) bitfield.addNode(i);
    const page = bitfield.page(0);
    expect(page.length + 32).toBe(known.length);
    expect(hex(page.subarray(0, blocks.length))).toBe(known.data);
    expect(hex(page.subarray(1024, 1024 + nodes.length))).toBe(known.tree);
    expect(hex(page.subarray(INDEX))).toBe(known.index);
    expect(zeros(page.subarray(blocks.length, 1024))).toBe(true);
    expect(zeros(page.subarray(1024 + nodes.length, INDEX))).toBe(true);
    expect(bitfield.dirty()).toEqual([0]);
  });

  test('writes the index by its definition, on dirty pages alone', () => {
    fc.assert(
      fc.property(edits, edits, (before, after) => {
        const { bitfield, naive } = build(before);
        const file = new Map<number, Uint8Array>();
        const write = () => {
          for (const page of bitfield.dirty()) file.set(page, bitfield.page(page));
          bitfield.clean();
        };
        write();
        for (const [[start, length], value] of after) {
          if (value) bitfield.add(start, length);
          else bitfield.remove(start, length);
          for (let block = start; block < start + length; block++) {
            if (value) naive.add(block);
            else naive.delete(block);
          }
        }
        write();
        for (let page = 0; page < bitfield.pageCount; page++) {
          const index = (file.get(page) ?? new Uint8Array(3584)).subarray(INDEX);
          for (const i of [0, 2, 3, 7, 63, 127, 255, 383, 510, 511]) {
            expect(index[i], `page ${page} byte ${i}`).toBe(
              naiveIndexByte((b) => naive.has(b), page * 512 + i),
            );
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('writes what hypercore writes for a feed that grows', () => {
    const bitfield = new Bitfield();
    const theirs = reference();
    for (let block = 0; block < 8192 * 9 + 100; block++) {
      bitfield.add(block);
      theirs.set(block, true);
    }
    expect(bitfield.pageCount).toBe(theirs.pages.length);
    for (let page = 0; page < bitfield.pageCount; page++) {
      const ours = bitfield.page(page);
      const reference = theirs.pages.get(page, true).buffer;
      expect(hex(ours.subarray(0, -1)), `page ${page}`).toBe(hex(reference.subarray(0, -1)));
      // The byte across pages lags behind in hypercore, which stops climbing at the end of the file.
      expect(ours.at(-1)! & reference.at(-1)!, `page ${page}`).toBe(reference.at(-1));
    }
  });

  test.each([3584, 3328] as const)(
    'hypercore finds the missing blocks of a sparse feed by pages of %d',
    (pageSize) => {
      fc.assert(
        fc.property(edits, (steps) => {
          const { bitfield } = build(steps, pageSize);
          const end = bitfield.pageCount * 8192;
          const pages = Array.from({ length: bitfield.pageCount }, (_, page) => bitfield.page(page));
          const theirs = reference(
            pageSize,
            pages.map((page) => Buffer.from(page)),
          );
          const iterator = theirs.iterator(0, end);
          for (let missing = 0, from = 0; missing !== -1; from = missing + 1) {
            missing = bitfield.nextMissing(from, end);
            const found = iterator.next();
            if (found !== missing) expect(found).toBe(missing);
          }
        }),
        { numRuns: 8 },
      );
    },
  );

  test.each([3584, 3328] as const)('loads its own pages of %d bytes', (pageSize) => {
    fc.assert(
      fc.property(edits, fc.array(position), (steps, nodes) => {
        const { bitfield, naive } = build(steps, pageSize);
        for (const block of naive) bitfield.addNode(2 * block);
        for (const node of nodes) bitfield.addNode(node);
        const loaded = new Bitfield(pageSize);
        for (let page = 0; page < bitfield.pageCount; page++) loaded.load(page, bitfield.page(page));
        loaded.clean();
        expect(loaded.pageCount).toBe(bitfield.pageCount);
        expect(loaded.dirty()).toEqual([]);
        expect(loaded.count(0, 2 ** 53 - 1)).toBe(bitfield.count(0, 2 ** 53 - 1));
        for (const node of nodes) expect(loaded.hasNode(node)).toBe(true);
        for (let page = 0; page < bitfield.pageCount; page++) {
          expect(hex(loaded.page(page))).toBe(hex(bitfield.page(page)));
        }
      }),
      { numRuns: 10 },
    );
  });

  test('keeps no view of a loaded page', () => {
    const bytes = new Uint8Array(3584).fill(0xff, 0, 1).fill(0xff, 1024, 1026);
    const bitfield = new Bitfield();
    bitfield.load(0, bytes);
    bytes.fill(0);
    expect(bitfield.count(0, 8192)).toBe(8);
  });

  test('does not believe a loaded block without its node', () => {
    const bytes = new Uint8Array(3584).fill(0xff, 0, 2);
    bytes.set([0b10101010, 0b00101001], 1024);
    const bitfield = new Bitfield();
    bitfield.load(0, bytes);
    expect(hex(bitfield.slice(0, 16))).toBe('f600');
  });

  test('refuses what is no page, block or range', () => {
    expect(() => new Bitfield(4096 as 3584)).toThrow(RangeError);
    const bitfield = new Bitfield();
    expect(() => bitfield.load(0, new Uint8Array(3328))).toThrow(RangeError);
    expect(() => bitfield.add(-1)).toThrow(RangeError);
    expect(() => bitfield.add(2 ** 53 - 1, 2)).toThrow(RangeError);
    expect(() => bitfield.slice(4, 8)).toThrow('"start" expected a multiple of 8, got 4');
  });
});
