/** What is at the edge of the wire and of hypercore 7's pages. */
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { blocksOf } from './blocks.ts';
import { append, get, openHypercore, run, tcp } from './hypercore.ts';

/** As block 0 of a feed of one block, with its signature, it fills a frame of 8 MiB. */
const LARGEST = 8_388_534;

describe('the largest block', () => {
  const block = new Uint8Array(LARGEST);
  for (let i = 0; i < LARGEST; i += 977) block[i] = i;

  it('comes from hypercore', async () => {
    const writer = await openHypercore();
    await append(writer, [block]);
    const reader = await Feed.open(memoryStorage(), { key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({}));
    const { closed } = await replicate(transport, { feeds: reader });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    expect(Buffer.compare(await reader.get(0), block)).toBe(0);
  });

  it('goes to hypercore', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(block);
    const reader = await openHypercore({ key: writer.key });
    const [transport, socket] = await tcp();
    const ended = run(socket, reader.replicate({}));
    const { closed } = await replicate(transport, { feeds: writer });
    expect(await closed).toEqual({ code: expect.stringMatching(/closed/) });
    expect(await ended).toBeUndefined();
    expect(Buffer.compare(await get(reader, 0), block)).toBe(0);
  });

  it('is the largest that can be appended', async () => {
    const writer = await Feed.create(memoryStorage());
    await expect(writer.append(new Uint8Array(LARGEST + 1))).rejects.toThrow(
      `"block" expected at most ${LARGEST} bytes, got ${LARGEST + 1}`,
    );
    expect(writer.length).toBe(0);
  });
});

describe('a feed of more than one page', () => {
  const count = 8192 + 300;
  // hypercore cannot read a block without bytes from its memory.
  const blocks = blocksOf(count, 4).map((block) => (block.length > 0 ? block : Uint8Array.of(7)));
  /** Around the edge of the page, and the last. */
  const wanted = [0, 8190, 8191, 8192, 8193, 8400, count - 1];

  it('comes from hypercore', async () => {
    const writer = await openHypercore();
    await append(writer, blocks);
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [transport, socket] = await tcp();
    const ended = run(socket, writer.replicate({ live: true }));
    const replication = await replicate(transport, { feeds: reader, live: true });
    for (const i of wanted) expect(await reader.get(i)).toEqual(blocks[i]);
    await reader.download({ start: 8000, end: 8300 }).done;
    for (let i = 8000; i < 8300; i++) expect(await reader.get(i)).toEqual(blocks[i]);
    await replication.close();
    expect(await ended).toBeUndefined();
  });

  it('goes to hypercore', async () => {
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks);
    const reader = await openHypercore({ key: writer.key, sparse: true });
    const [transport, socket] = await tcp();
    const ended = run(socket, reader.replicate({ live: true }));
    const replication = await replicate(transport, { feeds: writer, live: true });
    for (const i of wanted) expect(new Uint8Array(await get(reader, i))).toEqual(blocks[i]);
    await replication.close();
    expect(await ended).toBeUndefined();
  });
});
