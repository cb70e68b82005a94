/**
 * What every storage does, run over each kind, on Node and in a page: no imports but what runs in both.
 * A case throws where the storage does not keep the contract.
 */
import fc from 'fast-check';
import { equals } from 'uint8arrays/equals';
import type { Storage } from '../../src/feed/storage.ts';
import { check } from './check.ts';
import { runBeside, step, Twin } from './twin.ts';

/** A place, and the means to come back to it. */
export interface Place {
  readonly storage: Storage;
  /** Whether what was discarded is zeros then, and not just any bytes. */
  readonly discardsToZeros?: boolean;
  /** Another storage on the same place. */
  again(): Storage;
  cleanup(): Promise<void>;
}

/** One thing that a storage does. */
export interface Case {
  readonly name: string;
  run(make: () => Promise<Place>): Promise<void>;
}

function same(actual: unknown, expected: unknown): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(got === wanted, `${wanted}, got ${got}`);
}

/** The error that `act` throws, or its promise rejects with. */
async function errorOf(act: () => unknown): Promise<{ name?: string; code?: string }> {
  try {
    await act();
  } catch (error) {
    return error as { name?: string; code?: string };
  }
  throw new Error('expected an error, got none');
}

function scenario(name: string, act: (place: Place) => Promise<void>): Case {
  return {
    name,
    async run(make) {
      const place = await make();
      try {
        await place.storage.open();
        await act(place);
      } finally {
        await place.storage.close();
        await place.cleanup();
      }
    },
  };
}

export const contract: readonly Case[] = [
  scenario('a file that was never written is empty, and reads as zeros', async ({ storage }) => {
    const file = storage.file('tree');
    same(await file.size(), 0);
    same([...(await file.read(10, 4))], [0, 0, 0, 0]);
    await file.flush();
    same(await file.size(), 0);
  }),

  scenario('reads what was written, zeros in holes and past the end', async ({ storage }) => {
    const file = storage.file('data');
    await file.write(6, Uint8Array.of(1, 2, 3));
    same(await file.size(), 9);
    same([...(await file.read(4, 8))], [0, 0, 1, 2, 3, 0, 0, 0]);
    await file.write(0, Uint8Array.of(9));
    same([...(await file.read(0, 9))], [9, 0, 0, 0, 0, 0, 1, 2, 3]);
    same((await file.read(0, 0)).length, 0);
  }),

  scenario('keeps its files apart', async ({ storage }) => {
    for (const name of ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'] as const) {
      await storage.file(name).write(0, new TextEncoder().encode(name));
    }
    same(new TextDecoder().decode(await storage.file('secret_key').read(0, 10)), 'secret_key');
    same(await storage.file('key').size(), 3);
  }),

  scenario('keeps no view of what is written, and gives none of what is read', async ({ storage }) => {
    const file = storage.file('data');
    const bytes = Uint8Array.of(1, 2, 3, 4);
    await file.write(0, bytes.subarray(1, 3));
    bytes.fill(9);
    const read = await file.read(0, 2);
    same([...read], [2, 3]);
    read.fill(7);
    same([...(await file.read(0, 2))], [2, 3]);
  }),

  scenario('takes bytes that are handed over, and gives none of them to be changed', async ({ storage }) => {
    const file = storage.file('data');
    const bytes = new Uint8Array(100_000).fill(3);
    await (file.adopt ?? file.write).call(file, 10, bytes);
    (await file.read(10, 100_000)).fill(7);
    await file.write(50, Uint8Array.of(1));
    await file.discard?.(60_000, 1000);
    same(await file.size(), 100_010);
    same([...(await file.read(48, 4)), ...(await file.read(100_008, 4))], [3, 3, 1, 3, 3, 3, 0, 0]);
    check(
      bytes.every((byte) => byte === 3),
      'what was handed over to be as it was',
    );
  }),

  scenario('leaves what is around a view as it is, and usable', async ({ storage }) => {
    const whole = new Uint8Array(20_000).fill(5);
    await storage.file('data').write(0, whole.subarray(4000, 16_000));
    await storage.file('data').write(12_000, whole);
    same([whole.byteLength, whole[0], whole[19_999]], [20_000, 5, 5]);
    check(
      equals(await storage.file('data').read(0, 32_000), new Uint8Array(32_000).fill(5)),
      'what was written',
    );
  }),

  {
    name: 'agrees with one array',
    async run(make) {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const { storage, cleanup, discardsToZeros } = await make();
          await storage.open();
          try {
            await runBeside(new Twin(storage.file('data'), discardsToZeros), steps);
          } finally {
            await storage.close();
            await cleanup();
          }
        }),
        { numRuns: 20 },
      );
    },
  },

  scenario('takes first writes at the same time', async ({ storage }) => {
    const names = ['data', 'tree', 'key'] as const;
    await Promise.all(
      names.flatMap((name) =>
        Array.from({ length: 10 }, async (_, i) => storage.file(name).write(i, Uint8Array.of(i + 1))),
      ),
    );
    for (const name of names)
      same([...(await storage.file(name).read(0, 10))], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }),

  scenario('is held by one at a time, and has its content for the next', async ({ storage, again }) => {
    await storage.file('key').write(0, Uint8Array.of(1));
    const other = again();
    same((await errorOf(() => other.open())).code, 'locked');
    same([...(await storage.file('key').read(0, 1))], [1]);
    await storage.close();
    await storage.close();
    await other.open();
    same([...(await other.file('key').read(0, 1))], [1]);
    await other.close();
    const file = storage.file('key');
    await storage.open();
    same([...(await file.read(0, 2))], [1, 0]);
    await file.write(1, Uint8Array.of(2));
    same([...(await storage.file('key').read(0, 2))], [1, 2]);
  }),

  scenario('refuses offsets and bytes that are none', async ({ storage }) => {
    const file = storage.file('data');
    same((await errorOf(() => file.read(-1, 1))).name, 'RangeError');
    same((await errorOf(() => file.read(0, 0.5))).name, 'RangeError');
    same((await errorOf(() => file.write(2 ** 53, new Uint8Array(1)))).name, 'RangeError');
    same((await errorOf(() => file.write(0, 'x' as unknown as Uint8Array))).name, 'TypeError');
    const adopt = (file.adopt ?? file.write).bind(file);
    same((await errorOf(() => adopt(-1, new Uint8Array(100_000)))).name, 'RangeError');
    same((await errorOf(() => adopt(0, 'x' as unknown as Uint8Array))).name, 'TypeError');
    same(await file.size(), 0);
  }),

  scenario('gives back what is discarded, and keeps the rest', async ({ storage }) => {
    const file = storage.file('data');
    await file.write(0, new Uint8Array(10_000).fill(1));
    await file.discard?.(2000, 3000);
    same([...(await file.read(1999, 1)), ...(await file.read(5000, 1))], [1, 1]);
    await file.discard?.(8000, 5000);
    same([...(await file.read(7999, 1))], [1]);
    await file.write(9000, Uint8Array.of(2));
    same([...(await file.read(9000, 1))], [2]);
  }),
];
