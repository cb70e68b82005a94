/** hypercore 7 behind a limit: it waits 7.5 s for each block in turn, and no longer. */
import { expect, it } from 'vitest';
import { Feed, limited, memoryStorage, replicate } from '../../src/index.ts';
import { blocksOf } from './blocks.ts';
import { event, openHypercore, run, tcp } from './hypercore.ts';

/** hypercore counts in quarters of this: 500 to 600 ms for a block in place of 7.5 s. */
const timeout = 400;

it('takes a feed at a rate that brings each block in time', async () => {
  const writer = await Feed.create(memoryStorage());
  await writer.append(blocksOf(60, 3000));
  const reader = await openHypercore({ key: writer.key });
  const [transport, socket] = await tcp();
  const line = limited(transport);
  line.limit({ send: 40_000 });
  const ended = run(socket, reader.replicate({ live: true, timeout }));
  const start = performance.now();
  const replication = await replicate(line, {
    feeds: writer,
    live: true,
    limits: { keepaliveMs: 200, idleMs: 700 },
  });
  while (reader.downloaded() < 60) await event(reader, 'download');
  const bytes = writer.byteLength;
  expect(performance.now() - start).toBeGreaterThan((bytes / 40_000) * 1000 - 300);
  await replication.close();
  expect(await ended).toBeUndefined();
});
