/** What a feed tells of itself, and to whom. */
import { describe, expect, it } from 'vitest';
import { Feed, type FeedEvent, memoryStorage } from '../../src/index.ts';
import { blocksOf } from '../interop/blocks.ts';
import { pair, until } from './scripted-peer.ts';

const blocks = blocksOf(60, 40);

async function written(): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(blocks);
  return feed;
}

describe('events', () => {
  it('come in order, to everyone who listens still', async () => {
    const writer = await Feed.create(memoryStorage());
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const seen: FeedEvent[] = [];
    const stop = reader.subscribe((event) => seen.push(event));
    const here: FeedEvent[] = [];
    writer.subscribe((event) => here.push(event));
    await writer.append(blocks.slice(0, 2));
    const [, there] = await pair(writer, reader);
    await reader.download({ start: 0, end: 2 }).done;
    await there.close();
    await until(() => seen.at(-1)?.type === 'peer-left');
    expect(seen.map(({ type }) => type)).toEqual([
      'peer',
      'remote-length',
      'download',
      'download',
      'peer-left',
    ]);
    expect(seen[2]).toMatchObject({ bytes: blocks[(seen[2] as { index: number }).index]!.length });
    expect(here.map(({ type }) => type).slice(0, 4)).toEqual(['append', 'peer', 'upload', 'upload']);
    stop();
    await pair(writer, reader);
    expect(seen.length).toBe(5);
  });

  it('that a listener throws at reach the others, and the sync goes on', async () => {
    const writer = await written();
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const unhandled: unknown[] = [];
    const others = process.listeners('unhandledRejection');
    process
      .removeAllListeners('unhandledRejection')
      .on('unhandledRejection', (error) => unhandled.push(error));
    try {
      let heard = 0;
      const failure = new Error("the listener's own");
      reader.subscribe((event) => {
        if (event.type === 'download') throw failure;
      });
      reader.subscribe((event) => event.type === 'download' && heard++);
      await pair(writer, reader);
      await reader.download({ start: 0, end: blocks.length }).done;
      await until(() => unhandled.length === blocks.length);
      expect(heard).toBe(blocks.length);
      expect(new Set(unhandled)).toEqual(new Set([failure]));
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });
});
