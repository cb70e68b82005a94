/** `kill -9` and cut connections at any moment: what was reported stored stays, and is not downloaded again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Feed, toHex } from '../../src/index.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { cutAfter } from '../feed/damaged-transport.ts';
import { blocksOf } from '../interop/blocks.ts';
import { openHypercore, promise } from '../interop/hypercore.ts';
import { type Direction, syncHere } from './in-process.ts';
import { feedOf, serve } from './peer.ts';
import { jsonLines, lastLine, run, start, workFolder } from './run.ts';

const ROUNDS = 30;
/** Positions to cut each direction at. */
const CUTS = 150;
/** What the throttled server sends in one go, and the milliseconds before the next. */
const PIECE = 16_384;
const PIECE_MS = 12;

const work = workFolder();

/** The blocks that a folder has, each of which must be the right one. */
async function held(dir: string, key: Uint8Array, blocks: readonly Uint8Array[]): Promise<Set<number>> {
  const found = new Set<number>();
  if (!existsSync(dir)) return found;
  const feed = await Feed.open(nodeStorage(dir), { key });
  for (const [i, block] of blocks.entries()) {
    if (!feed.has(i)) continue;
    found.add(i);
    if (Buffer.compare(await feed.get(i, { wait: false }), block) !== 0)
      throw new Error(`block ${i} is not the writer's`);
  }
  expect(feed.count()).toBe(found.size);
  await feed.close();
  return found;
}

/** What hypercore 7 says of a folder that should be whole. */
async function expectAudited(folder: string, length: number): Promise<void> {
  const feed = await openHypercore({ folder });
  expect(feed.length).toBe(length);
  const audit = await promise((done) => feed.audit(done));
  expect(audit).toEqual({ valid: length, invalid: 0 });
  await promise<void>((done) => feed.close(done));
}

/** The blocks that the feed has sent since the last call. */
function sentOf(feed: Feed): () => number[] {
  let sent: number[] = [];
  feed.subscribe((event) => event.type === 'upload' && sent.push(event.index));
  return () => {
    const before = sent;
    sent = [];
    return before;
  };
}

describe('sync', () => {
  it(`goes on after each of ${ROUNDS} kills at random moments`, { timeout: 600_000 }, async () => {
    const blocks = blocksOf(4000, 8000);
    const content = Buffer.concat(blocks);
    const feed = await feedOf(blocks);
    const sent = sentOf(feed);
    /** Called once the server has sent so many bytes more. */
    let trap = { bytes: Number.POSITIVE_INFINITY, spring: () => {} };
    let isThrottled = true;
    const url = await serve(feed, (transport) => {
      const { sink } = transport;
      transport.sink = (chunks) =>
        sink(
          (async function* () {
            for await (const chunk of chunks) {
              for (let at = 0; at < chunk.length; at += PIECE) {
                const piece = chunk.subarray(at, at + PIECE);
                yield piece;
                if ((trap.bytes -= piece.length) <= 0) trap.spring();
                if (isThrottled) await new Promise((resolve) => setTimeout(resolve, PIECE_MS));
              }
            }
          })(),
        );
      return false;
    });
    const dir = join(work, 'killed');
    const words = ['sync', toHex(feed.key), url, '--dir', dir, '--json'];
    let before = new Set<number>();
    let mostReported = 0;

    for (let round = 0; round < ROUNDS; round++) {
      const syncing = start(work, words);
      const kill = (): boolean => syncing.child.kill('SIGKILL');
      const killAfter = (bytes: number): void => {
        trap = { bytes, spring: kill };
      };
      // By turns anywhere, from the first byte on, and after some blocks have been reported.
      if (round % 2 === 0) killAfter(Math.floor(Math.random() ** 2 * 500_000));
      else {
        trap = { bytes: Number.POSITIVE_INFINITY, spring: kill };
        await syncing.line('progress');
        killAfter(Math.floor(Math.random() * 200_000));
      }
      const { code, stdout } = await syncing.ended;
      expect(code, `round ${round}: ${stdout}`).toBeNull();
      const reports = jsonLines(stdout.subarray(0, stdout.lastIndexOf('\n') + 1));
      const reported = Math.max(0, ...reports.map((line) => Number(line.held ?? 0)));
      mostReported = Math.max(mostReported, reported);
      expect(sent().filter((index) => before.has(index))).toEqual([]);
      const after = await held(dir, feed.key, blocks);
      expect(after.size).toBeGreaterThanOrEqual(reported);
      expect([...before].filter((index) => !after.has(index))).toEqual([]);
      before = after;
    }
    expect(mostReported).toBeGreaterThan(0);
    expect(before.size).toBeLessThan(blocks.length);

    trap = { bytes: Number.POSITIVE_INFINITY, spring: () => {} };
    isThrottled = false;
    const out = join(work, 'killed-out');
    const last = await run(work, ...words, '--out', out);
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expect(lastLine(last)).toMatchObject({ event: 'done', downloaded: blocks.length - before.size });
    expect(sent().filter((index) => before.has(index))).toEqual([]);
    expect(readFileSync(out).equals(content)).toBe(true);
    await expectAudited(dir, blocks.length);
  });

  it.each<[string, Direction]>([
    ['to the peer', 'in'],
    ['from the peer', 'out'],
  ])('goes on after a cut at any byte on its way %s', { timeout: 600_000 }, async (_, way) => {
    const blocks = blocksOf(12, 200);
    const content = Buffer.concat(blocks);
    const feed = await feedOf(blocks);
    const sent = sentOf(feed);
    const { passed } = await syncHere(feed, { dir: join(work, way), out: join(work, `${way}-out`) });
    const total = passed[way];
    let partial = 0;
    for (let i = 0; i < CUTS; i++) {
      const bytes = Math.floor((i * total) / CUTS);
      const dir = join(work, `${way}-${bytes}`);
      const out = `${dir}-out`;
      const where = `cut after ${bytes} bytes`;
      const cut = await syncHere(feed, { dir, out }, { [way]: cutAfter(bytes) });
      expect([0, 4], `${where}: ${cut.message}`).toContain(cut.code);
      const before = await held(dir, feed.key, blocks);
      expect(cut.last.downloaded, where).toBe(before.size);
      expect(existsSync(out), where).toBe(cut.code === 0);
      if (cut.code === 0) expect(before.size, where).toBe(blocks.length);
      if (before.size > 0 && before.size < blocks.length) partial++;
      sent();
      const { code, last } = await syncHere(feed, { dir, out });
      expect(code, where).toBe(0);
      expect(last.downloaded, where).toBe(blocks.length - before.size);
      expect(sent().filter((index) => before.has(index))).toEqual([]);
      expect(readFileSync(out).equals(content), where).toBe(true);
      await expectAudited(dir, blocks.length);
    }
    if (way === 'out') expect(partial).toBeGreaterThan(0);
  });
});
