/** Blocks that hypercore 7 and we append while connected. */
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { text } from './blocks.ts';
import { append, get, openHypercore, run, tcp } from './hypercore.ts';

describe('live', () => {
  it.each([true, false])('follows hypercore, sparse: %s', async (sparse) => {
    const writer = await openHypercore();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({ live: true }));
    const replication = await replicate(transport, { feeds: reader, live: true });
    const seen: string[] = [];
    await append(writer, [text('0')]);
    for await (const block of reader.read({ live: true })) {
      seen.push(new TextDecoder().decode(block));
      const next = seen.length;
      if (next === 40) break;
      // One at a time, then seven at once.
      if (writer.length > next) continue;
      const count = next < 12 ? 1 : 7;
      await append(
        writer,
        Array.from({ length: count }, (_, i) => text(`${next + i}`)),
      );
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
    await replication.close();
    expect(await ended).toBeUndefined();
  });

  it('is followed by hypercore', async () => {
    const writer = await Feed.create(memoryStorage());
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, reader.replicate({ live: true }));
    const replication = await replicate(transport, { feeds: writer, live: true });
    let length = 0;
    for (const count of [1, 1, 1, 5, 1, 9, 2]) {
      await writer.append(Array.from({ length: count }, (_, i) => text(`${length + i}`)));
      for (let i = 0; i < count; i++)
        expect((await get(reader, length + i)).toString()).toBe(`${length + i}`);
      length += count;
    }
    expect(reader.length).toBe(20);
    await replication.close();
    expect(await ended).toBeUndefined();
  });

  it('passes on to a live hypercore what it gets from another', async () => {
    const writer = await openHypercore();
    const middle = await Feed.open(memoryStorage(), { key: writer.key });
    const reader = await openHypercore({ key: writer.key });
    const [up, upSocket] = await tcp();
    const [down, downSocket] = await tcp();
    const ended = [
      run(upSocket, writer.replicate({ live: true })),
      run(downSocket, reader.replicate({ live: true })),
    ];
    const replications = await Promise.all([
      replicate(up, { feeds: middle, live: true }),
      replicate(down, { feeds: middle, live: true }),
    ]);
    for (let i = 0; i < 10; i++) {
      await append(writer, [text(`${i}`)]);
      expect((await get(reader, i)).toString()).toBe(`${i}`);
    }
    await Promise.all(replications.map((replication) => replication.close()));
    expect(await Promise.all(ended)).toEqual([undefined, undefined]);
  });
});
