/** Connections that break anywhere, and bits that change anywhere: what is reported stored is stored, and true. */
import { describe, expect, it } from 'vitest';
import {
  type CloseReason,
  Feed,
  memoryPair,
  memoryStorage,
  ProtocolError,
  replicate,
  type Storage,
} from '../../src/index.ts';
import { FakeClock } from '../fake-clock.ts';
import { blocksOf } from '../interop/blocks.ts';
import { cutAfter, DamagedTransport, flipBit } from './damaged-transport.ts';

const blocks = blocksOf(12, 60);
const writer = await Feed.create(memoryStorage());
await writer.append(blocks.slice(0, 5));
await writer.append(blocks.slice(5));

interface Run {
  readonly reader: Feed;
  readonly downloaded: number[];
  /** How the sessions ended, the writer's first; `undefined` where one was still up after a minute. */
  readonly ends: (CloseReason | undefined)[];
  /** Whether the feed was reported complete. */
  readonly isDone: boolean;
  readonly passed: { in: number; out: number };
}

/** One connection, damaged on the reader's side, for a minute at most. */
async function run(
  storage: Storage,
  damages: ConstructorParameters<typeof DamagedTransport>[1] = {},
): Promise<Run> {
  const clock = new FakeClock();
  const reader = await Feed.open(storage, { key: writer.key });
  const downloaded: number[] = [];
  reader.subscribe((event) => event.type === 'download' && downloaded.push(event.index));
  let isDone = false;
  reader.download().done.then(
    () => {
      isDone = true;
    },
    () => {},
  );
  const [here, there] = memoryPair();
  const damaged = new DamagedTransport(there, damages);
  const ends: (CloseReason | undefined)[] = [undefined, undefined];
  const sides = [replicate(here, { feeds: writer, clock }), replicate(damaged, { feeds: reader, clock })];
  sides.forEach(async (side, i) => {
    try {
      ends[i] = await (await side).closed;
    } catch (error) {
      ends[i] = { code: 'failed', error: error as ProtocolError };
    }
  });
  for (let second = 0; second < 60 && ends.includes(undefined); second += 5) await clock.advance(5000);
  const ended = [...ends];
  await reader.close();
  for (const side of sides) await side.then((replication) => replication.abort()).catch(() => {});
  return { reader, downloaded, ends: ended, isDone, passed: damaged.passed };
}

/** The blocks that a storage has, each of which must be the writer's. */
async function stored(storage: Storage): Promise<number[]> {
  const feed = await Feed.open(storage, { key: writer.key });
  const held: number[] = [];
  for (const [i, block] of blocks.entries()) {
    if (!feed.has(i)) continue;
    held.push(i);
    expect(await feed.get(i, { wait: false })).toEqual(block);
  }
  expect([0, 5, 12]).toContain(feed.length);
  expect(feed.count()).toBe(held.length);
  await feed.close();
  return held;
}

const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
const whole = await run(memoryStorage());

describe('an undamaged connection', () => {
  it('brings everything and ends', () => {
    expect(ascending(whole.downloaded)).toEqual(blocks.map((_, i) => i));
    expect(whole.ends).toEqual([{ code: 'closed' }, { code: 'closed' }]);
    expect(whole.isDone).toBe(true);
  });
});

describe('a connection that is cut', () => {
  it.each(['in', 'out'] as const)(
    'at any byte that comes %s loses nothing',
    { timeout: 120_000 },
    async (direction) => {
      const total = whole.passed[direction];
      const step = Math.max(1, Math.floor(total / 250));
      for (let bytes = 0; bytes < total; bytes += step) {
        const storage = memoryStorage();
        const first = await run(storage, { [direction]: cutAfter(bytes) });
        expect(first.ends[1]?.code, `cut after ${bytes} bytes`).toMatch(/failed|closed/);
        expect(await stored(storage)).toEqual(ascending(first.downloaded));
        const second = await run(storage);
        expect(ascending([...first.downloaded, ...second.downloaded])).toEqual(blocks.map((_, i) => i));
        expect(await stored(storage)).toEqual(blocks.map((_, i) => i));
      }
    },
  );
});

describe('a bit that changes', () => {
  it.each(['in', 'out'] as const)(
    'at any byte that comes %s stores nothing false',
    { timeout: 240_000 },
    async (direction) => {
      const incomplete: string[] = [];
      for (let position = 0; position < whole.passed[direction]; position++) {
        for (const bit of direction === 'in' ? [position % 8] : [0, 1, 2, 3, 4, 5, 6, 7]) {
          const where = `bit ${bit} of byte ${position}`;
          const storage = memoryStorage();
          const { ends, downloaded, isDone } = await run(storage, { [direction]: flipBit(position, bit) });
          const held = await stored(storage);
          expect(held, where).toEqual(ascending(downloaded));
          if (isDone) expect(held, where).toEqual(blocks.map((_, i) => i));
          else if (!ends.some((end) => end?.code === 'failed')) incomplete.push(where);
          for (const end of ends) {
            if (end?.code === 'failed') expect(end.error, where).toBeInstanceOf(ProtocolError);
            else expect(end?.code ?? 'up', where).toMatch(/closed|up/);
          }
        }
      }
      // One bit of the two bytes that say which blocks there are: those that are said to be came, and no end was told.
      expect(incomplete.length, incomplete.join(', ')).toBeLessThanOrEqual(direction === 'in' ? 2 : 0);
    },
  );
});
