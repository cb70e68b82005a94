/** Folders that one implementation writes and the other reads. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { blocksOf } from './blocks.ts';
import { append, get, type Hypercore, openHypercore, promise, run, tcp } from './hypercore.ts';

const blocks = blocksOf(2000, 700);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypercore-wire-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Replicates until both sides have ended. */
async function sync(ours: Feed, theirs: Hypercore): Promise<void> {
  const [transport, socket] = await tcp();
  const ended = run(socket, theirs.replicate({}));
  const { closed } = await replicate(transport, { feeds: ours });
  expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
  expect(await ended).toBeUndefined();
}

const audit = (feed: Hypercore): Promise<{ valid: number; invalid: number }> =>
  promise((done) => feed.audit(done));
const close = (feed: Hypercore): Promise<void> => promise((done) => feed.close(done));

async function expectAll(feed: Hypercore): Promise<void> {
  expect(feed.length).toBe(blocks.length);
  for (const [i, block] of blocks.entries()) expect(new Uint8Array(await get(feed, i))).toEqual(block);
  expect(await audit(feed)).toEqual({ valid: blocks.length, invalid: 0 });
}

describe('a folder', () => {
  it('that we synced is a hypercore, whole and true', { timeout: 120_000 }, async () => {
    const writer = await openHypercore();
    await append(writer, blocks);
    const reader = await Feed.open(nodeStorage(folder), { key: writer.key });
    await sync(reader, writer);
    expect(reader.count()).toBe(blocks.length);
    await reader.close();
    const opened = await openHypercore({ folder });
    await expectAll(opened);
    await close(opened);
  });

  it('that hypercore wrote is served by us, to hypercore and to us', { timeout: 120_000 }, async () => {
    const writer = await openHypercore({ folder });
    const { key } = writer;
    await append(writer, blocks);
    await close(writer);
    const server = await Feed.open(nodeStorage(folder), { key });
    expect(server.writable).toBe(true);
    expect(server.length).toBe(blocks.length);
    const there = await openHypercore({ key });
    await sync(server, there);
    await expectAll(there);
    const here = await Feed.open(memoryStorage(), { key });
    await sync(here, there);
    expect(here.has(0, blocks.length)).toBe(true);
    await server.close();
  });

  it('that hypercore wrote is appended to by us, and by hypercore again', async () => {
    const first = blocks.slice(0, 30);
    const writer = await openHypercore({ folder });
    await append(writer, first);
    await close(writer);
    const ours = await Feed.open(nodeStorage(folder));
    expect(await ours.append(first)).toBe(30);
    await ours.close();
    const again = await openHypercore({ folder });
    expect(again.length).toBe(60);
    await append(again, first);
    const reader = await Feed.open(memoryStorage(), { key: again.key });
    await sync(reader, again);
    expect(reader.length).toBe(90);
    for (let i = 0; i < 90; i++) expect(await reader.get(i)).toEqual(first[i % 30]);
    expect(await audit(again)).toEqual({ valid: 90, invalid: 0 });
    await close(again);
  });
});
