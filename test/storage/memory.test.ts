import * as fc from 'fast-check';
import { equals } from 'uint8arrays/equals';
import { describe, expect, test } from 'vitest';
import { memoryStorage } from '../../src/storage/memory.ts';
import { hex } from '../vectors/index.ts';
import { storageContract } from './suite.ts';
import { runBeside, step, Twin } from './twin.ts';

storageContract('memoryStorage', async () => {
  const storage = memoryStorage();
  return { storage, again: () => storage, cleanup: async () => {}, discardsToZeros: true };
});

describe('memoryStorage', () => {
  test('answers at once, and lets its content be seen', () => {
    const storage = memoryStorage();
    storage.open();
    storage.file('key').write(0, Uint8Array.of(1, 2));
    storage.close();
    const file = storage.file('key');
    expect(hex(file.read(0, file.size()))).toBe('0102');
  });

  test('a byte far out costs a page', () => {
    const file = memoryStorage().file('data');
    file.write(2 ** 52, Uint8Array.of(1));
    expect(file.size()).toBe(2 ** 52 + 1);
    expect(hex(file.read(2 ** 52 - 1, 3))).toBe('000100');
  });

  test('a view is what is read, and stays so when its range is discarded or its page grows', () => {
    const file = memoryStorage().file('data');
    file.write(0, Uint8Array.of(1, 2, 3));
    const small = file.view(1, 2);
    file.write(3, new Uint8Array(200_000).fill(4));
    const bytes = file.read(0, file.size());
    const ranges = [0, 1, 65_530, 65_536, 131_070].flatMap((at) =>
      [0, 1, 6, 65_536].map((n) => [at, n] as const),
    );
    const views = ranges.map(([offset, length]) => file.view(offset, length));
    expect(hex(file.view(199_999, 10))).toBe(hex(file.read(199_999, 10)));
    file.discard(0, 150_000);
    expect(hex(small)).toBe('0203');
    expect(hex(file.view(0, 3))).toBe('000000');
    for (const [i, [offset, length]] of ranges.entries())
      expect(hex(views[i]!)).toBe(hex(bytes.subarray(offset, offset + length)));
  });

  test('discards a range', () => {
    const file = memoryStorage().file('data');
    file.write(0, new Uint8Array(200_000).fill(1));
    file.discard(2, 150_000);
    expect(file.size()).toBe(200_000);
    expect(hex(file.read(0, 4))).toBe('01010000');
    expect(hex(file.read(150_000, 4))).toBe('00000101');
  });
});

describe('what memoryStorage is handed over', () => {
  const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

  test('is kept as it is, and viewed without a copy', () => {
    const file = memoryStorage().file('data');
    const [first, second] = [filled(65_536, 1), filled(100_000, 2)];
    // The block of a frame, say.
    file.adopt(0, first.subarray(10));
    file.adopt(65_526, second);
    const view = file.view(100, 60_000);
    expect([view.buffer === first.buffer, view.byteOffset, view.length]).toEqual([true, 110, 60_000]);
    expect(file.view(65_526, 100_000).buffer).toBe(second.buffer);
    const across = file.view(65_525, 2);
    expect([...across]).toEqual([1, 2]);
    expect([first.buffer, second.buffer]).not.toContain(across.buffer);
    expect(file.read(0, 65_526).buffer).not.toBe(first.buffer);
  });

  test('is copied where it is small, or a small part of its buffer', () => {
    const file = memoryStorage().file('data');
    const [small, part] = [filled(1000, 1), filled(200_000, 2)];
    file.adopt(0, small);
    file.adopt(1000, part.subarray(0, 20_000));
    file.adopt(21_000, filled(0, 0));
    expect(file.size()).toBe(21_000);
    small.fill(9);
    part.fill(9);
    expect([...file.read(999, 2), ...file.view(20_999, 1)]).toEqual([1, 2, 2]);
  });

  test('is kept for as long as half of it is needed', () => {
    const file = memoryStorage().file('data');
    const bytes = filled(100_000, 1);
    file.adopt(0, bytes);
    file.write(10_000, Uint8Array.of(2));
    expect(file.view(20_000, 80_000).buffer).toBe(bytes.buffer);
    expect(file.view(0, 10_000).buffer).not.toBe(bytes.buffer);
    file.discard(45_000, 55_000);
    expect(file.view(20_000, 25_000).buffer).not.toBe(bytes.buffer);
    expect([...file.read(9999, 3), ...file.read(44_999, 2)]).toEqual([1, 2, 1, 1, 0]);
    expect(equals(bytes, filled(100_000, 1))).toBe(true);
  });

  test('leaves little room to a small piece behind it', () => {
    const file = memoryStorage().file('data');
    file.adopt(0, filled(65_535, 1));
    file.write(65_535, Uint8Array.of(2));
    expect(file.view(65_535, 1).buffer.byteLength).toBeLessThanOrEqual(4096);
  });

  test('does not uncover what was there before', () => {
    const file = memoryStorage().file('data');
    file.write(0, filled(200_000, 1));
    file.adopt(50_000, filled(100_000, 2));
    file.discard(60_000, 80_000);
    expect([...file.read(59_999, 2), ...file.read(139_999, 2)]).toEqual([2, 0, 0, 2]);
    file.discard(50_000, 100_000);
    expect(equals(file.read(50_000, 100_000), filled(100_000, 0))).toBe(true);
    expect([...file.read(49_999, 2), ...file.read(149_999, 2)]).toEqual([1, 0, 0, 1]);
  });

  test('may be a Buffer, and a view of it is none', () => {
    const file = memoryStorage().file('data');
    file.adopt(0, Buffer.alloc(20_000, 1));
    file.view(0, 10).slice().fill(9);
    expect([...file.read(0, 2)]).toEqual([1, 1]);
  });

  test('agrees with one array', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), (steps) =>
        runBeside(new Twin(memoryStorage().file('data'), true), steps),
      ),
      { numRuns: 150 },
    );
  });
});
