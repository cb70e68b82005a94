/**
 * One flipped bit anywhere in the stream: `sync` says that all is well only if it is, and stores nothing false.
 *
 * A run tries 1,600 bits, spread over both directions. With ALL_BITS=1 in the environment it tries every
 * bit of every byte, which takes many minutes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage } from '../../src/index.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { flipBit } from '../feed/damaged-transport.ts';
import { blocksOf } from '../interop/blocks.ts';
import { type Direction, type Run, syncHere } from './in-process.ts';
import { workFolder } from './run.ts';

const isThorough = process.env.ALL_BITS === '1';
/** Runs at the same time: most of a run is waiting for the disk. */
const WORKERS = 16;

const work = workFolder();
const blocks = blocksOf(12, 60);

const single = await Feed.create(memoryStorage());
await single.append(blocks.slice(1, 2));

const whole = await Feed.create(memoryStorage());
await whole.append(blocks.slice(0, 8));
/** A folder with all that the feed had by then. */
const earlier = join(work, 'earlier');
await syncHere(whole, { dir: earlier, out: join(work, 'earlier-out') });
await whole.append(blocks.slice(8));

interface Case {
  readonly name: string;
  readonly feed: Feed;
  readonly blocks: readonly Uint8Array[];
  /** What the folder holds before. */
  readonly before?: { readonly folder: string; readonly length: number };
  /** Bits to try in each direction. */
  readonly sample: number;
}

const cases: readonly Case[] = [
  { name: 'twelve blocks', feed: whole, blocks, sample: 500 },
  { name: 'a single block', feed: single, blocks: blocks.slice(1, 2), sample: 150 },
  {
    name: 'what was appended since an earlier sync',
    feed: whole,
    blocks,
    before: { folder: earlier, length: 8 },
    sample: 150,
  },
];

const files = (folder: string): Buffer[] =>
  ['key', 'data', 'tree', 'signatures', 'bitfield'].map((name) => readFileSync(join(folder, name)));

/** How many blocks a folder has, each of which must be the writer's. */
async function held(dir: string, { feed, blocks }: Case): Promise<number> {
  if (!existsSync(dir)) return 0;
  const copy = await Feed.open(nodeStorage(dir), { key: feed.key });
  let count = 0;
  for (const [i, block] of blocks.entries()) {
    if (!copy.has(i)) continue;
    count++;
    if (Buffer.compare(await copy.get(i, { wait: false }), block) !== 0)
      throw new Error(`block ${i} is not the writer's`);
  }
  if (![0, 8, blocks.length].includes(copy.length)) throw new Error(`${copy.length} was never a length`);
  if (copy.count() !== count) throw new Error('there are blocks past the end');
  await copy.close();
  return count;
}

/** Flips one bit; the exit code, or what is wrong. */
async function flip(
  one: Case,
  reference: Buffer[],
  direction: Direction,
  position: number,
  bit: number,
): Promise<number | string> {
  const dir = join(work, `${direction}-${position}-${bit}`);
  const out = `${dir}.out`;
  const { feed, blocks, before } = one;
  try {
    if (before !== undefined) await cp(before.folder, dir, { recursive: true });
    const { code, message, last } = await syncHere(
      feed,
      { dir, out },
      { [direction]: flipBit(position, bit) },
    );
    const count = (await held(dir, one)) - (before?.length ?? 0);
    if (last.downloaded !== count) return `${last.downloaded} blocks were reported and ${count} are stored`;
    if (code === 0) {
      if (!readFileSync(out).equals(Buffer.concat(blocks))) return '--out is wrong';
      return files(dir).every((file, i) => file.equals(reference[i]!)) ? 0 : 'a file of --dir is wrong';
    }
    if (existsSync(out)) return `--out is there after an exit with ${code}`;
    if (message.includes('\n') || last.error !== message) return `said badly: ${message}`;
    if (code === 3 && !/^tcp:\/\/peer: peer [0-9a-f]{16}: .*\bblock \d+/i.test(message)) return message;
    if (code === 4 && !/^(tcp:\/\/peer: \S|no peer has \d)/.test(message)) return message;
    return code === 3 || code === 4 ? code : `exit ${code}: ${message}`;
  } catch (error) {
    return String(error);
  } finally {
    await rm(dir, { recursive: true, force: true });
    await rm(out, { force: true });
  }
}

describe.each(cases)('sync of $name over a connection that changes one bit', (one) => {
  const { feed, blocks, before, sample } = one;
  const dir = join(work, `reference-${cases.indexOf(one)}`);
  const out = `${dir}.out`;
  let passed: Run['passed'];
  let reference: Buffer[];

  it('is exact where nothing changes', async () => {
    if (before !== undefined) await cp(before.folder, dir, { recursive: true });
    const { code, last, ...rest } = await syncHere(feed, { dir, out });
    ({ passed } = rest);
    reference = files(dir);
    const length = blocks.length;
    expect(code).toBe(0);
    expect(last).toMatchObject({ event: 'done', downloaded: length - (before?.length ?? 0), length });
    expect(readFileSync(out).equals(Buffer.concat(blocks))).toBe(true);
    expect(reference[1]!.equals(Buffer.concat(blocks))).toBe(true);
  });

  it.each<[string, Direction]>([
    ['on its way to the peer', 'in'],
    ['on its way here', 'out'],
  ])('%s: exact, or an exit with 3 or 4 and nothing false stored', { timeout: 3_600_000 }, async (_, way) => {
    const total = passed[way] * 8;
    const count = isThorough ? total : Math.min(total, sample);
    const bits = Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));
    const ends: Record<string, number> = {};
    const wrong: string[] = [];
    const next = bits.values();
    const worker = async (): Promise<void> => {
      for (const bit of next) {
        const [position, inByte] = [Math.floor(bit / 8), bit % 8];
        const end = await flip(one, reference, way, position, inByte);
        if (typeof end === 'string') wrong.push(`bit ${inByte} of byte ${position}: ${end}`);
        else ends[end] = (ends[end] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    if (isThorough) console.log(`${one.name}, ${count} bits ${way}; exit codes:`, ends);
    expect(wrong).toEqual([]);
    expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBe(count);
  });
});
