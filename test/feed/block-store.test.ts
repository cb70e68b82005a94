/** A feed at rest: what a Data message changes, and when. */
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { BlockStore } from '../../src/feed/block-store.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import { memoryStorage, type Storage } from '../../src/index.ts';
import { deferred } from '../../src/stream/deferred.ts';
import type { Data } from '../../src/wire/messages.ts';
import { blocksOf, offsetsOf } from '../interop/blocks.ts';
import { fileOf } from './file-of.ts';
import { truthOf } from './scripted-peer.ts';

const blocks = blocksOf(21, 30);
const offsets = offsetsOf(blocks);
const truth = await truthOf(blocks);

async function empty(storage: Storage = memoryStorage()): Promise<BlockStore> {
  const files = new SleepFiles(storage);
  await files.open();
  return BlockStore.load(files, truth.key, await libsodium());
}

async function ask(store: BlockStore, index: number): Promise<Data> {
  const data = await truth.answer({
    type: 'request',
    index,
    bytes: 0,
    hash: false,
    nodes: store.digest(index),
  });
  return data!;
}

describe('put', () => {
  it('stores a block with its proof, and what it then has proves the next ones', async () => {
    const store = await empty();
    for (const index of [13, 2, 20, 3, 0]) {
      expect(await store.put(await ask(store, index))).toEqual({ isNew: true });
      expect(await store.read(index)).toEqual(blocks[index]);
    }
    expect([store.length, store.byteLength]).toEqual([21, offsets.at(-1)]);
    const second = await ask(store, 1);
    expect([second.nodes, second.signature]).toEqual([[], undefined]);
    expect(await store.put(second)).toEqual({ isNew: true });
  });

  it('says of one of two at once that it is new, and of none that was here', async () => {
    const store = await empty();
    const data = await ask(store, 4);
    expect(await Promise.all([store.put(data), store.put(data)])).toEqual([
      { isNew: true },
      { isNew: false },
    ]);
    expect(await store.put(data)).toEqual({ isNew: false });
  });

  it('keeps nothing of what is not proven, and goes on', async () => {
    const store = await empty();
    const data = await ask(store, 4);
    const lies = [
      { ...data, value: blocks[5]! },
      { ...data, nodes: data.nodes.slice(1) },
      { ...data, index: 5 },
    ];
    const good = await ask(store, 8);
    const outcomes = await Promise.allSettled([...lies.map((lie) => store.put(lie)), store.put(good)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    expect([store.blocks.count(0, 21), store.blocks.has(8)]).toEqual([1, true]);
    expect(store.length).toBe(21);
  });

  it('takes nothing more once the storage has failed', async () => {
    const storage = memoryStorage();
    let isFull = false;
    const store = await empty({
      ...storage,
      file: (name) => ({
        ...fileOf(storage, name),
        write: (offset, bytes) => {
          if (isFull) throw new Error('no space left');
          storage.file(name).write(offset, bytes);
        },
      }),
    });
    await store.put(await ask(store, 0));
    isFull = true;
    await expect(store.put(await ask(store, 1))).rejects.toThrow('no space left');
    isFull = false;
    await expect(store.put(await ask(store, 2))).rejects.toThrow('no space left');
    expect([store.blocks.has(0), store.blocks.has(1), store.blocks.has(2)]).toEqual([true, false, false]);
    expect(await store.read(0)).toEqual(blocks[0]);
  });
});

describe('seek', () => {
  it('finds every byte where the tree is whole', async () => {
    for (let byte = 0; byte < truth.byteLength; byte++) {
      const first = blocks.findIndex((_, i) => offsets[i]! <= byte && byte < offsets[i + 1]!);
      expect(await truth.seek(byte)).toEqual({ index: first, offset: byte - offsets[first]! });
    }
    expect(await truth.seek(truth.byteLength)).toBeUndefined();
  });

  it('says where to go on where it is not', async () => {
    const store = await empty();
    expect(await store.seek(0)).toBeUndefined();
    await store.put(await ask(store, 20));
    expect(await store.seek(offsets[9]!)).toEqual({ index: 0, offset: undefined });
    await store.put(await ask(store, 0));
    expect(await store.seek(offsets[9]!)).toMatchObject({ index: 8, offset: undefined });
    await store.put(await ask(store, 8));
    expect(await store.seek(offsets[9]! + (blocks[9]!.length > 0 ? 0 : -1))).toMatchObject({
      offset: expect.any(Number),
    });
  });
});

describe('answer', () => {
  it('asks the storage for all parts at once', async () => {
    // So long that what opening reads of the tree, its roots, is elsewhere in the file.
    const many = blocksOf(200, 30);
    const long = await truthOf(many);
    const memory = memoryStorage();
    const open = async (storage: Storage): Promise<BlockStore> => {
      const files = new SleepFiles(storage);
      await files.open();
      return BlockStore.load(files, long.key, long.crypto);
    };
    const filled = await open(memory);
    await filled.put((await long.answer({ type: 'request', index: 4, bytes: 0, hash: false, nodes: 0 }))!);
    await filled.close();

    const asked: string[] = [];
    const gate = deferred<void>();
    let isSlow = false;
    const slow: Storage = {
      ...memory,
      file: (name) => ({
        ...fileOf(memory, name),
        async read(offset, length) {
          if (isSlow) {
            asked.push(name);
            await gate.promise;
          }
          return memory.file(name).read(offset, length);
        },
      }),
    };
    const store = await open(slow);
    isSlow = true;
    const answering = store.answer({ type: 'request', index: 4, bytes: 0, hash: false, nodes: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(new Set(asked)).toEqual(new Set(['tree', 'signatures']));
    gate.resolve();
    const data = await answering;
    expect(data!.value).toEqual(many[4]);
    expect(data!.signature).toBeDefined();
  });
});
