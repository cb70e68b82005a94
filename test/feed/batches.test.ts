/** What is done for several blocks at once is what is done for one after the other. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { BlockStore } from '../../src/feed/block-store.ts';
import { nodeOffset, nodePieces, parseNode } from '../../src/feed/files/commit.ts';
import { NodeCache } from '../../src/feed/files/node-cache.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import type { Outcome } from '../../src/feed/intake.ts';
import { heldByRemote } from '../../src/feed/merkle/digest.ts';
import * as flat from '../../src/feed/merkle/flat-tree.ts';
import type { TreeNode } from '../../src/feed/merkle/hash.ts';
import { planProof } from '../../src/feed/merkle/proof.ts';
import { Feed, memoryStorage, type Storage } from '../../src/index.ts';
import type { MemoryStorage } from '../../src/storage/memory.ts';
import type { Data, Request } from '../../src/wire/messages.ts';
import { blocksOf } from '../interop/blocks.ts';
import { FailingStorage } from './failing-storage.ts';
import { truthOf } from './scripted-peer.ts';

const crypto = await libsodium();
const blocks = blocksOf(90, 40);
const truth = await truthOf(blocks);
const names = ['key', 'tree', 'signatures', 'bitfield', 'data'] as const;

async function over(storage: Storage): Promise<BlockStore> {
  const files = new SleepFiles(storage);
  await files.open();
  return BlockStore.load(files, truth.key, crypto);
}

function contentOf(storage: MemoryStorage): Uint8Array[] {
  return names.map((name) => storage.file(name).read(0, storage.file(name).size()));
}

/** A storage that takes its time for everything. */
function slow(storage: MemoryStorage): Storage {
  return {
    open: () => storage.open(),
    close: () => storage.close(),
    file(name) {
      const file = storage.file(name);
      return {
        size: async () => file.size(),
        read: async (offset, length) => file.read(offset, length),
        write: async (offset, bytes) => file.write(offset, bytes),
        flush: async () => file.flush(),
      };
    },
  };
}

const request = (index: number, nodes: number, hash = false): Request => ({
  type: 'request',
  index,
  bytes: 0,
  hash,
  nodes,
});

/** A message for a block: as it is, or with something wrong, or one that leans on nodes that may not be here. */
const messages = fc.array(
  fc.record({
    block: fc.nat({ max: blocks.length - 1 }),
    kind: fc.constantFrom('whole', 'whole', 'short', 'short', 'other value', 'hash', 'bad node'),
    digest: fc.nat({ max: 2 ** 9 }),
  }),
  { minLength: 1, maxLength: 40 },
);

async function made(recipe: { block: number; kind: string; digest: number }): Promise<Data> {
  const { block, kind } = recipe;
  const data = await truth.answer(request(block, kind === 'short' ? recipe.digest : 0, kind === 'hash'));
  if (kind === 'other value') return { ...data!, value: Uint8Array.of(1, 2, 3) };
  if (kind === 'bad node' && data!.nodes.length > 0)
    return { ...data!, nodes: [{ ...data!.nodes[0]!, size: 1 }, ...data!.nodes.slice(1)] };
  return data!;
}

/** What a test compares: whether it was new, or how it failed. */
const told = (outcome: Outcome): unknown =>
  'error' in outcome ? String(outcome.error) : { isNew: outcome.isNew };

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });

/** Cuts a list into parts of these sizes, over and over. */
function cut<T>(list: readonly T[], parts: readonly number[]): T[][] {
  const found: T[][] = [];
  for (let at = 0, i = 0; at < list.length; i++) {
    const size = parts[i % parts.length]!;
    found.push(list.slice(at, at + size));
    at += size;
  }
  return found;
}

describe('putAll', () => {
  it('stores and says what put does, one by one', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(messages, sizes, fc.boolean(), async (recipes, parts, isSlow) => {
        const data = await Promise.all(recipes.map(made));
        const [single, joint] = [memoryStorage(), memoryStorage()];
        const one = await over(single);
        const expected: unknown[] = [];
        for (const message of data)
          expected.push(await one.put(message).then(told, (error) => told({ error })));
        const all = await over(isSlow ? slow(joint) : joint);
        const outcomes = (await Promise.all(cut(data, parts).map((part) => all.putAll(part)))).flat();
        expect(outcomes.map(told)).toEqual(expected);
        expect([all.length, all.byteLength]).toEqual([one.length, one.byteLength]);
        expect(contentOf(joint)).toEqual(contentOf(single));
      }),
      { numRuns: 60 },
    );
  });

  it('reports nothing that a disk lost which gave up meanwhile', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat({ max: blocks.length - 1 }), { minLength: 1, maxLength: 30 }),
        sizes,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (order, parts, failAt, half) => {
          const disk = memoryStorage();
          const store = await over(new FailingStorage(disk, failAt, half));
          const data = await Promise.all(order.map((block) => truth.answer(request(block, 0))));
          const batches = cut(data as Data[], parts);
          const outcomes = await Promise.all(batches.map((part) => store.putAll(part)));
          let hasFailed = false;
          for (const batch of outcomes) {
            // All of a batch or none, and none behind one that failed.
            const failed = batch.filter((outcome) => 'error' in outcome).length;
            expect([0, batch.length]).toContain(failed);
            expect(hasFailed && failed === 0).toBe(false);
            hasFailed ||= failed > 0;
          }
          const stored = batches.flatMap((part, i) => ('error' in outcomes[i]![0]! ? [] : part));
          disk.close();
          const found = await over(disk);
          for (const { index } of stored) expect(await found.read(index)).toEqual(blocks[index]);
          for (let block = 0; block < blocks.length; block++)
            if (found.blocks.has(block)) expect(await found.read(block)).toEqual(blocks[block]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('answerAll', () => {
  const requests = fc.array(
    fc.record({
      index: fc.nat({ max: blocks.length + 3 }),
      nodes: fc.nat({ max: 2 ** 10 }),
      hash: fc.boolean(),
      bytes: fc.constantFrom(0, 0, 0, 1, 700),
    }),
    { maxLength: 30 },
  );

  it('gives the answers that answer does', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(requests, fc.nat({ max: 400 }), fc.boolean(), async (asked, maxBytes, isSlow) => {
        const storage = memoryStorage();
        const filled = await over(storage);
        const held = [0, 1, 2, 3, 7, 40, 41, 42, 64, 65, 66, 67, 89];
        await filled.putAll(
          (await Promise.all(held.map((block) => truth.answer(request(block, 0))))) as Data[],
        );
        await filled.close();
        const store = await over(isSlow ? slow(storage) : storage);
        const all: Request[] = asked.map((each) => ({ type: 'request', ...each }));
        const singles: (Data | undefined)[] = [];
        for (const each of all) singles.push(await store.answer(each));
        expect(await store.answerAll(all)).toEqual(singles);

        const some = await store.answerAll(all, maxBytes);
        expect(some).toEqual(singles.slice(0, some.length));
        const bytesOf = (list: typeof some) =>
          list.reduce((sum, data) => sum + (data?.value?.length ?? 0), 0);
        if (some.length > 1) expect(bytesOf(some)).toBeLessThanOrEqual(maxBytes);
        if (some.length < all.length)
          expect(bytesOf(singles.slice(0, some.length + 1))).toBeGreaterThan(maxBytes);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a proof', () => {
  /** As the rule has it: the set of what the remote holds is made first. */
  function naive(block: number, has: (node: number) => boolean, held: number): number[] | undefined {
    if (!has(2 * block)) return undefined;
    if (held === 1) return [];
    const spared = heldByRemote(block, held);
    const nodes: number[] = [];
    let node = 2 * block;
    for (let depth = 0; !spared.has(node); depth++) {
      const other = flat.sibling(node, depth);
      if (!has(other)) return nodes.concat([-1]);
      if (!spared.has(other)) nodes.push(other);
      node = flat.parent(node, depth);
    }
    return nodes;
  }

  it('leaves out what the digest says, whatever it says', () => {
    const digests = fc.oneof(fc.nat({ max: 2 ** 12 }), fc.maxSafeNat());
    fc.assert(
      fc.property(fc.nat({ max: 127 }), digests, fc.array(fc.nat({ max: 255 })), (block, held, missing) => {
        const gone = new Set(missing);
        const has = (node: number) => node < 255 && !gone.has(node);
        const expected = naive(block, has, held);
        const plan = planProof(block, 128, has, { digest: held, hash: false });
        // Past the last sibling come roots, which other tests look at.
        if (expected?.at(-1) === -1) expect(plan === undefined || plan.length !== undefined).toBe(true);
        else expect(plan).toEqual(expected && { nodes: expected, length: undefined });
      }),
      { numRuns: 500 },
    );
  });
});

describe('tree nodes', () => {
  const nodes = fc.array(
    fc.record({
      index: fc.nat({ max: 60 }),
      hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      size: fc.maxSafeNat(),
    }),
  );

  it('are written side by side as they would be each by itself', () => {
    const write = (into: Uint8Array, { offset, bytes }: { offset: number; bytes: Uint8Array }) =>
      into.set(bytes, offset);
    fc.assert(
      fc.property(nodes, (list) => {
        const [single, joint] = [new Uint8Array(nodeOffset(64)), new Uint8Array(nodeOffset(64))];
        for (const node of list) for (const piece of nodePieces([node])) write(single, piece);
        const pieces = nodePieces(list);
        for (const piece of pieces) write(joint, piece);
        expect(joint).toEqual(single);
        const ends = pieces.map(({ offset, bytes }) => offset + bytes.length);
        expect(pieces.slice(1).every(({ offset }, i) => offset > ends[i]!)).toBe(true);
        for (const { index, hash, size } of new Map(list.map((node) => [node.index, node])).values()) {
          const isNone = size === 0 && hash.every((byte) => byte === 0);
          const read = parseNode(index, joint.subarray(nodeOffset(index), nodeOffset(index + 1)));
          expect(read).toEqual(isNone ? undefined : { index, hash, size });
        }
      }),
    );
  });

  it('are kept in memory as they were last, and the latest half for certain', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 30 })), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), steps, (capacity, list) => {
        const cache = new NodeCache(capacity);
        const latest = new Map<number, TreeNode>();
        list.forEach(([isSet, index], at) => {
          if (!isSet) {
            const found = cache.get(index);
            if (found !== undefined) expect(found).toBe(latest.get(index));
            return;
          }
          const node = { index, hash: new Uint8Array(32), size: at };
          cache.set(node);
          latest.set(index, node);
          expect(cache.get(index)).toBe(node);
        });
        let kept = 0;
        for (let index = 0; index <= 30; index++)
          if (new Set([cache.get(index)]).has(latest.get(index)!)) kept++;
        expect(kept).toBeGreaterThanOrEqual(Math.min(latest.size, Math.ceil(capacity / 2)) > 0 ? 1 : 0);
      }),
    );
  });
});

describe('large blocks', () => {
  const large = Array.from({ length: 7 }, (_, i) => new Uint8Array(5000 + i).fill(i));
  /** How many large blocks were hashed by the provider: one by one, then. */
  let alone = 0;
  const counting: CryptoProvider = {
    ...crypto,
    blake2b(parts, key) {
      if (parts.some(({ byteLength }) => byteLength >= 5000)) alone++;
      return crypto.blake2b(parts, key);
    },
  };

  it('that are appended together are hashed two at a time', async () => {
    alone = 0;
    const feed = await Feed.create(memoryStorage(), { crypto: counting });
    await feed.append(large);
    expect(alone).toBe(1);
  });

  it('that come together are, and each is held against its own proof', async () => {
    const truth = await truthOf(large);
    const files = new SleepFiles(memoryStorage());
    await files.open();
    const store = await BlockStore.load(files, truth.key, counting);
    const data = await Promise.all(large.map((_, block) => truth.answer(request(block, 0))));
    const forged = { ...data[4]!, value: new Uint8Array(5004).fill(9) };
    alone = 0;
    const outcomes = await store.putAll(data.map((one, i) => (i === 4 ? forged : one!)));
    expect(alone).toBe(1);
    expect(outcomes.map((outcome) => 'error' in outcome)).toEqual(large.map((_, i) => i === 4));
    expect(large.map((_, i) => store.blocks.has(i))).toEqual(large.map((_, i) => i !== 4));
  });
});
