import { describe, expect, test } from 'vitest';
import { memoryStorage } from '../../src/storage/memory.ts';
import { hex } from '../vectors/index.ts';
import { storageContract } from './suite.ts';

storageContract('memoryStorage', async () => {
  const storage = memoryStorage();
  return { storage, again: () => storage, cleanup: async () => {} };
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
