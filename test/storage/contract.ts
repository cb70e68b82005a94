/** What every storage does, run over each. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../src/feed/storage.ts';
import { hex } from '../vectors/index.ts';

/** A place, and the means to come back to it. */
export interface Place {
  readonly storage: Storage;
  /** Another storage on the same place. */
  again(): Storage;
  cleanup(): Promise<void>;
}

export function storageContract(name: string, make: () => Promise<Place>): void {
  describe(`${name} keeps the contract of Storage`, () => {
    const places: Place[] = [];
    const opened = async (): Promise<Place> => {
      const place = await make();
      places.push(place);
      await place.storage.open();
      return place;
    };
    afterEach(async () => {
      for (const place of places.splice(0)) {
        await place.storage.close();
        await place.cleanup();
      }
    });

    test('a file that was never written is empty, and reads as zeros', async () => {
      const { storage } = await opened();
      const file = storage.file('tree');
      expect(await file.size()).toBe(0);
      expect(hex(await file.read(10, 4))).toBe('00000000');
      await file.flush();
      expect(await file.size()).toBe(0);
    });

    test('reads what was written, zeros in holes and past the end', async () => {
      const { storage } = await opened();
      const file = storage.file('data');
      await file.write(6, Uint8Array.of(1, 2, 3));
      expect(await file.size()).toBe(9);
      expect(hex(await file.read(4, 8))).toBe('0000010203000000');
      await file.write(0, Uint8Array.of(9));
      expect(hex(await file.read(0, 9))).toBe('090000000000010203');
      expect(await file.read(0, 0)).toHaveLength(0);
    });

    test('keeps its files apart', async () => {
      const { storage } = await opened();
      for (const name of ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'] as const) {
        await storage.file(name).write(0, new TextEncoder().encode(name));
      }
      expect(new TextDecoder().decode(await storage.file('secret_key').read(0, 10))).toBe('secret_key');
      expect(await storage.file('key').size()).toBe(3);
    });

    test('keeps no view of what is written, and gives none of what is read', async () => {
      const { storage } = await opened();
      const file = storage.file('data');
      const bytes = Uint8Array.of(1, 2, 3, 4);
      await file.write(0, bytes.subarray(1, 3));
      bytes.fill(9);
      const read = await file.read(0, 2);
      expect(hex(read)).toBe('0203');
      read.fill(7);
      expect(hex(await file.read(0, 2))).toBe('0203');
    });

    test('agrees with one array', async () => {
      const write = fc.tuple(
        fc.integer({ min: 0, max: 140_000 }),
        fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 140_000 })),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(write, { maxLength: 8 }), write, async (writes, [offset, length]) => {
          const { storage, cleanup } = await make();
          await storage.open();
          try {
            const naive = new Uint8Array(300_000);
            let size = 0;
            for (const [i, [at, count]] of writes.entries()) {
              const bytes = new Uint8Array(count).fill(i + 1);
              await storage.file('data').write(at, bytes);
              naive.set(bytes, at);
              if (count > 0) size = Math.max(size, at + count);
            }
            expect(await storage.file('data').size()).toBe(size);
            const read = await storage.file('data').read(offset, length);
            expect(Buffer.compare(read, naive.subarray(offset, offset + length))).toBe(0);
          } finally {
            await storage.close();
            await cleanup();
          }
        }),
        { numRuns: 20 },
      );
    });

    test('takes first writes at the same time', async () => {
      const { storage } = await opened();
      const names = ['data', 'tree', 'key'] as const;
      await Promise.all(
        names.flatMap((name) =>
          Array.from({ length: 10 }, async (_, i) => storage.file(name).write(i, Uint8Array.of(i + 1))),
        ),
      );
      for (const name of names)
        expect(hex(await storage.file(name).read(0, 10))).toBe('0102030405060708090a');
    });

    test('is held by one at a time, and has its content for the next', async () => {
      const place = await opened();
      await place.storage.file('key').write(0, Uint8Array.of(1));
      const other = place.again();
      await expect((async () => other.open())()).rejects.toMatchObject({ code: 'locked' });
      expect(hex(await place.storage.file('key').read(0, 1))).toBe('01');
      await place.storage.close();
      await place.storage.close();
      await other.open();
      expect(hex(await other.file('key').read(0, 1))).toBe('01');
      await other.close();
      await place.storage.open();
      expect(hex(await place.storage.file('key').read(0, 2))).toBe('0100');
    });

    test('refuses offsets and bytes that are none', async () => {
      const file = (await opened()).storage.file('data');
      await expect((async () => file.read(-1, 1))()).rejects.toThrow(RangeError);
      await expect((async () => file.read(0, 0.5))()).rejects.toThrow(RangeError);
      await expect((async () => file.write(2 ** 53, new Uint8Array(1)))()).rejects.toThrow(RangeError);
      await expect((async () => file.write(0, 'x' as unknown as Uint8Array))()).rejects.toThrow(TypeError);
    });
  });
}
