/** A writer that signs two histories: nobody can take both, and whoever has one is shown the other. */
import { describe, expect, it } from 'vitest';
import type { BlockStore } from '../../src/feed/block-store.ts';
import { treeHash } from '../../src/feed/merkle/hash.ts';
import { Feed, type FeedEvent, ForkError, memoryStorage, type SignedTree } from '../../src/index.ts';
import { fileOf } from '../feed/file-of.ts';
import { answering, scriptedPeer, truthOf, until } from '../feed/scripted-peer.ts';
import { blocksOf } from '../interop/blocks.ts';
import { crypto } from '../session/peers.ts';

const blocks = blocksOf(20, 50);
const shared = blocks.slice(0, 6);

/** The same feed up to block 5, and then something else. */
const histories: [string, BlockStore, BlockStore][] = [
  ['of one length', await truthOf(blocks.slice(0, 8)), await truthOf([...shared, blocks[18]!, blocks[19]!])],
  [
    'that goes on longer',
    await truthOf(blocks.slice(0, 8)),
    await truthOf([...shared, ...blocks.slice(8, 20)]),
  ],
  ['that ends sooner', await truthOf(blocks.slice(0, 12)), await truthOf([...shared, blocks[18]!])],
];

async function isSigned({ roots, signature, length }: SignedTree, key: Uint8Array): Promise<boolean> {
  const covers = roots.reduce((blocks, { index }) => {
    let size = 1;
    for (let rest = index; rest % 2 === 1; rest = (rest - 1) / 2) size *= 2;
    return blocks + size;
  }, 0);
  return covers === length && (await crypto.verify(signature, treeHash(crypto, [...roots]), key));
}

describe('a fork', () => {
  it.each(histories)('%s stops the feed and shows both signed trees', async (_, one, other) => {
    const reader = await Feed.open(memoryStorage(), { key: one.key });
    const forks: (FeedEvent & { type: 'fork' })[] = [];
    reader.subscribe((event) => event.type === 'fork' && forks.push(event));
    const good = await scriptedPeer(reader, answering(one));
    await until(() => reader.count() === one.length);
    await good.replication.close();
    // So that it is asked for something that differs.
    await reader.clear(6);
    const missing = reader.get(6);
    missing.catch(() => {});
    const second = await scriptedPeer(reader, answering(other));
    const reason = await second.replication.closed;
    expect(reason).toMatchObject({ code: 'failed', error: { code: 'fork' } });
    const { error } = reason as unknown as { error: ForkError };
    expect(error).toBeInstanceOf(ForkError);
    expect(error.theirs.length).toBe(other.length);
    expect(error.ours!.length).toBe(one.length);
    expect(await isSigned(error.theirs, one.key)).toBe(true);
    expect(await isSigned(error.ours!, one.key)).toBe(true);
    expect(error.theirs.signature).not.toEqual(error.ours!.signature);
    expect(forks).toMatchObject([{ error }]);

    await expect(missing).rejects.toBe(error);
    await expect(scriptedPeer(reader, answering(one))).rejects.toBe(error);
    expect(reader.peers).toEqual([]);
    // What is here stays, and is the first history.
    for (const at of [0, 5, 7]) expect(await reader.get(at, { wait: false })).toEqual(blocks[at]);
    await reader.close();
  });

  it('that cannot be shown, since the own files cannot be read, ends with what they fail with', async () => {
    const [, one, other] = histories[0]!;
    const storage = memoryStorage();
    let isBroken = false;
    const reader = await Feed.open(
      {
        ...storage,
        file: (name) => ({
          ...fileOf(storage, name),
          read: async (offset, length) => {
            if (isBroken && name === 'signatures') throw new Error('read error');
            return storage.file(name).read(offset, length);
          },
        }),
      },
      { key: one.key },
    );
    const good = await scriptedPeer(reader, answering(one));
    await until(() => reader.count() === one.length);
    await good.replication.close();
    await reader.clear(6);
    isBroken = true;
    const missing = reader.get(6);
    missing.catch(() => {});
    const second = await scriptedPeer(reader, answering(other));
    expect(await second.replication.closed).toMatchObject({ error: { message: 'read error' } });
    await expect(missing).rejects.toThrow('read error');
    await reader.close();
  });

  it('is not what a liar makes it: an unsigned one only costs it the session', async () => {
    const [, one, other] = histories[0]!;
    const reader = await Feed.open(memoryStorage(), { key: one.key });
    const good = await scriptedPeer(reader, answering(one));
    await until(() => reader.count() === one.length);
    await good.replication.close();
    await reader.clear(6);
    const missing = reader.get(6);
    const requests: number[] = [];
    const liar = await scriptedPeer(
      reader,
      answering(other, (data, { nodes }) => {
        requests.push(nodes);
        return { ...data, signature: data.signature && new Uint8Array(64) };
      }),
    );
    expect(await liar.replication.closed).toMatchObject({ error: { code: 'verification', block: 6 } });
    // Once it is asked for the whole proof, and then no more.
    expect(requests.filter((nodes) => nodes === 0)).toHaveLength(1);
    const honest = await scriptedPeer(reader, answering(one));
    expect(await missing).toEqual(blocks[6]);
    await honest.replication.close();
  });
});
