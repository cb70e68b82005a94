/** Blocks that one side forgets while another has them, with hypercore 7. */
import { describe, expect, it } from 'vitest';
import { Feed, memoryPair, memoryStorage, replicate } from '../../src/index.ts';
import { blocksOf } from './blocks.ts';
import { append, get, openHypercore, promise, run, tcp } from './hypercore.ts';

const blocks = blocksOf(50, 50);

describe('cleared blocks', () => {
  it('of hypercore come from another peer, whether it clears before or while connected', async () => {
    const writer = await openHypercore();
    await append(writer, blocks);
    const middle = await openHypercore({ key: writer.key });
    const middleCopy = await Feed.open(memoryStorage(), { key: writer.key });
    for (const [feed, other] of [
      [middleCopy, writer],
      [middleCopy, middle],
    ] as const) {
      const [transport, socket] = await tcp();
      const ended = run(socket, other.replicate({}));
      await (await replicate(transport, { feeds: feed })).closed;
      await ended;
    }
    await promise<void>((done) => middle.clear(10, 20, done));
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [one, oneSocket] = await tcp();
    const [two, twoSocket] = await tcp();
    const ended = [
      run(oneSocket, middle.replicate({ live: true })),
      run(twoSocket, writer.replicate({ live: true })),
    ];
    const first = await replicate(one, { feeds: reader, live: true });
    expect(await reader.get(9)).toEqual(blocks[9]);
    expect(reader.peers[0]!.remoteHas(10)).toBe(false);
    const cleared = reader.get(10);
    const second = await replicate(two, { feeds: reader, live: true });
    expect(await cleared).toEqual(blocks[10]);
    await promise<void>((done) => middle.clear(30, 40, done));
    const all = reader.download({ start: 0, end: blocks.length });
    await all.done;
    for (const [i, block] of blocks.entries()) expect(await reader.get(i, { wait: false })).toEqual(block);
    await Promise.all([first.close(), second.close()]);
    expect(await Promise.all(ended)).toEqual([undefined, undefined]);
  });

  it('of ours are asked of another peer by hypercore', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks);
    const copy = await Feed.open(memoryStorage(), { key: writer.key });
    const [here, there] = memoryPair();
    const copying = await Promise.all([
      replicate(here, { feeds: writer }),
      replicate(there, { feeds: copy }),
    ]);
    await Promise.all(copying.map(({ closed }) => closed));

    const reader = await openHypercore({ key: writer.key, sparse: true });
    const [one, oneSocket] = await tcp();
    const [two, twoSocket] = await tcp();
    const ended = [
      run(oneSocket, reader.replicate({ live: true })),
      run(twoSocket, reader.replicate({ live: true })),
    ];
    const first = await replicate(one, { feeds: writer, live: true });
    await get(reader, 0);
    await writer.clear(5, 10);
    expect(writer.count()).toBe(45);
    await expect(writer.get(7)).rejects.toThrow('block 7 was cleared, and a writer downloads nothing');
    for (const i of [4, 10]) expect(new Uint8Array(await get(reader, i))).toEqual(blocks[i]);
    const missing = get(reader, 7);
    const second = await replicate(two, { feeds: copy, live: true });
    expect(new Uint8Array(await missing)).toEqual(blocks[7]);
    await Promise.all([first.close(), second.close()]);
    expect(await Promise.all(ended)).toEqual([undefined, undefined]);
  });

  it('can be had again', async () => {
    const writer = await openHypercore();
    await append(writer, blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({ live: true }));
    const replication = await replicate(transport, { feeds: reader, live: true });
    await reader.download({ start: 0, end: blocks.length }).done;
    await reader.clear(0, 25);
    expect([reader.count(), reader.has(0), reader.has(25)]).toEqual([25, false, true]);
    expect(await reader.get(3)).toEqual(blocks[3]);
    await reader.download({ start: 0, end: 10 }).done;
    expect(reader.count()).toBe(35);
    await replication.close();
    expect(await ended).toBeUndefined();
  });
});
