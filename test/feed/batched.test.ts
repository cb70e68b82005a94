/** Requests that may be answered as a batch: each answer's proof counts on the answers before it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { BlockStore } from '../../src/feed/block-store.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import { Feed, type FeedEvent, memoryStorage } from '../../src/index.ts';
import type { MemoryStorage } from '../../src/storage/memory.ts';
import type { Data, Request } from '../../src/wire/messages.ts';
import { blocksOf } from '../interop/blocks.ts';
import { answering, type ScriptedPeer, scriptedPeer, truthOf } from './scripted-peer.ts';

const crypto = await libsodium();
const blocks = blocksOf(200, 40);
const truth = await truthOf(blocks);

async function emptyStore(storage: MemoryStorage = memoryStorage()): Promise<BlockStore> {
  const files = new SleepFiles(storage);
  await files.open();
  return BlockStore.load(files, truth.key, crypto);
}

const request = (store: BlockStore, index: number, batched: boolean, hash = false): Request => ({
  type: 'request',
  index,
  bytes: 0,
  hash,
  nodes: store.digest(index),
  ...(batched && { batched }),
});

/** A store with a few blocks, which it had from a writer of various lengths. */
async function sparse(picks: readonly { block: number; length: number }[]): Promise<BlockStore> {
  const store = await emptyStore();
  for (const { block, length } of picks) {
    const writer = await writerOf(length);
    await store.put((await writer.answer(request(store, block % length, false)))!);
  }
  return store;
}

const writers = new Map<number, Promise<BlockStore>>();
function writerOf(length: number): Promise<BlockStore> {
  if (!writers.has(length)) writers.set(length, truthOf(blocks.slice(0, length)));
  return writers.get(length)!;
}

const nodesOf = (answers: readonly Data[]): number =>
  answers.reduce((count, { nodes }) => count + nodes.length, 0);
const reading = (): Promise<Feed> => Feed.open(memoryStorage(), { key: truth.key });
const requests = (peer: ScriptedPeer): Request[] =>
  peer.received.filter((message): message is Request => message.type === 'request');

describe('a batch of answers', () => {
  const picks = fc.array(
    fc.record({ block: fc.nat({ max: 199 }), length: fc.constantFrom(1, 5, 12, 33, 64, 65) }),
    { maxLength: 8 },
  );
  const asked = fc.array(
    fc.record({
      block: fc.nat({ max: 64 }),
      isBatched: fc.boolean(),
      isHash: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  );

  it('brings what whole proofs bring, from any holder to any other, in any order', { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(picks, picks, asked, async (theirs, ours, wanted) => {
        const source = await sparse(theirs.concat({ block: 3, length: 65 }));
        const [batched, whole] = [await sparse(ours), await sparse(ours)];
        const all = wanted.map(({ block, isBatched, isHash }) => request(batched, block, isBatched, isHash));
        const answers = await source.answerAll(all);
        const alone = await source.answerAll(all.map((one) => ({ ...one, batched: false })));
        expect(answers.map((answer) => answer?.value)).toEqual(alone.map((answer) => answer?.value));
        const sent = answers.filter((answer) => answer !== undefined);
        const twins = alone.filter((answer) => answer !== undefined);
        expect(nodesOf(sent)).toBeLessThanOrEqual(nodesOf(twins));
        const outcomes = await batched.putAll(sent);
        expect(outcomes).toEqual(await whole.putAll(twins));
        expect(outcomes.filter((outcome) => 'error' in outcome)).toEqual([]);
        expect([batched.length, batched.byteLength]).toEqual([whole.length, whole.byteLength]);
        for (let block = 0; block < 65; block++) {
          expect(batched.digest(block)).toBe(whole.digest(block));
          expect(await batched.read(block)).toEqual(await whole.read(block));
        }
      }),
      { numRuns: 150 },
    ),
  );

  it('has each node once', async () => {
    const store = await emptyStore();
    const all = blocks.slice(0, 64).map((_, i) => request(store, i, true));
    const answers = (await truth.answerAll(all)) as Data[];
    const indices = answers.flatMap(({ nodes }) => nodes.map(({ index }) => index));
    expect(new Set(indices).size).toBe(indices.length);
    // As many as the subtree of 64 blocks has inner nodes, and the roots above and beside it.
    expect(indices.length).toBe(63 + 1 + 2);
    expect(answers.filter(({ signature }) => signature !== undefined)).toHaveLength(1);
  });
});

describe('a copy', () => {
  it('asks for the first blocks as hypercore does, and for the others in batches', async () => {
    const copy = await reading();
    const peer = await scriptedPeer(copy, answering(truth));
    await copy.download({ start: 0, end: 200 }).done;
    const flags = requests(peer).map(({ batched }) => batched);
    expect(flags.slice(0, 8)).toEqual(Array(8).fill(undefined));
    expect(flags.slice(8, 64)).toEqual(Array(56).fill(true));
    await copy.close();
  });

  it('asks again, for the whole proof, where an answer before did not come, and holds that against nobody', async () => {
    const copy = await reading();
    const faults: string[] = [];
    copy.subscribe((event: FeedEvent) => {
      if (event.type === 'fault') faults.push(event.fault);
    });
    const batch: Request[] = [];
    let isFirst = true;
    const peer = await scriptedPeer(copy, async (message, channel) => {
      if (message.type !== 'request' || !isFirst) return answering(truth)(message, channel);
      if (batch.push(message) < 64) return;
      isFirst = false;
      const answers = await truth.answerAll(batch);
      // The first answer that brings the nodes of the next eight blocks.
      channel.send({ type: 'unhave', start: 16 });
      for (const answer of answers) if (answer!.index !== 16) channel.send(answer!);
      channel.send({ type: 'have', start: 16 });
    });
    await copy.download({ start: 0, end: 200 }).done;
    expect(copy.count()).toBe(200);
    expect(faults).toEqual(['refused']);
    const sent = requests(peer);
    const again = sent.filter(({ index }, i) => sent.findIndex((one) => one.index === index) < i);
    expect(again.map(({ index }) => index)).toEqual(expect.arrayContaining([16, 18, 20, 24]));
    expect(again.filter(({ batched }) => batched)).toEqual([]);
    await copy.close();
  });

  it('takes no more than two answers without a proof for a block', async () => {
    const copy = await reading();
    const liar = await scriptedPeer(
      copy,
      answering(truth, (data) => ({ ...data, nodes: [], signature: undefined })),
    );
    expect(await liar.replication.closed).toMatchObject({ error: { code: 'verification' } });
    const times = new Map<number, number>();
    for (const { index } of requests(liar)) times.set(index, (times.get(index) ?? 0) + 1);
    expect(Math.max(...times.values())).toBeLessThanOrEqual(2);
    await copy.close();
  });
});
