/** hypercore 7 at the other end of a connection that is paused and resumed. */
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { blocksOf } from './blocks.ts';
import { append, event, openHypercore, run, tcp } from './hypercore.ts';

const blocks = blocksOf(400, 3000);
/** hypercore counts in quarters of this: it hangs up 500 to 600 ms after the last byte, or for an answer. */
const timeout = 400;
const limits = { keepaliveMs: 200, idleMs: 700 };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a pause', () => {
  it.each([true, false])('of what hypercore downloads, live: %s', async (live) => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp();
    const uploads = new Map<number, number>();
    writer.subscribe((told) => {
      if (told.type === 'upload') uploads.set(told.index, (uploads.get(told.index) ?? 0) + 1);
    });
    const ended = run(socket, reader.replicate({ live, timeout }));
    const replication = await replicate(transport, { feeds: writer, live, limits });
    for (let i = 1; i <= 3; i++) {
      await event(reader, 'download', () => reader.downloaded() >= 90 * i);
      replication.pause();
      await pause(250);
      const before = reader.downloaded();
      expect(before).toBeLessThan(400);
      await pause(1000);
      expect(reader.downloaded()).toBe(before);
      replication.resume();
    }
    while (reader.downloaded() < 400) await event(reader, 'download');
    // hypercore asks for nothing twice.
    expect([...uploads.values()].filter((count) => count > 1)).toEqual([]);
    if (live) {
      await writer.append(blocks[0]!);
      await event(reader, 'download');
      await replication.close();
    }
    expect(await ended).toBeUndefined();
    expect(reader.downloaded()).toBe(live ? 401 : 400);
  });

  it('of what is downloaded from hypercore', async () => {
    const writer = await openHypercore();
    await append(writer, blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({ live: true, timeout }));
    const replication = await replicate(transport, { feeds: reader, live: true, limits });
    const whole = reader.download();
    while (reader.count() < 50) await pause(1);
    replication.pause();
    await pause(250);
    const before = reader.count();
    expect(before).toBeLessThan(400);
    await pause(1000);
    expect(reader.count()).toBe(before);
    replication.resume();
    await whole.done;
    expect(reader.count()).toBe(400);
    await replication.close();
    expect(await ended).toBeUndefined();
  });
});
