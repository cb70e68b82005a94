/** Single blocks to and from hypercore 7, each with its own proof, and from sparse copies on. */
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, type ReplicateOptions, type Replication, replicate } from '../../src/index.ts';
import { blocksOf, offsetsOf } from './blocks.ts';
import {
  append,
  get,
  type Hypercore,
  openHypercore,
  type ProtocolStream,
  promise,
  run,
  seek,
  tcp,
} from './hypercore.ts';

const blocks = blocksOf(333, 60);
const offsets = offsetsOf(blocks);
/** Every block once, in no order. */
const order = blocks.map((_, i) => (i * 127 + 31) % blocks.length);

/** A live connection between a feed of ours and one of theirs; the function ends it. */
async function live(
  ours: ReplicateOptions['feeds'],
  theirs: Hypercore,
): Promise<{ replication: Replication; stream: ProtocolStream; end(): Promise<void> }> {
  const [transport, socket] = await tcp();
  const stream = theirs.replicate({ live: true });
  const ended = run(socket, stream);
  const replication = await replicate(transport, { feeds: ours, live: true });
  return {
    replication,
    stream,
    async end() {
      const reason = await replication.close();
      expect(reason).toEqual({ code: expect.stringMatching(/closed/) });
      expect(await ended).toBeUndefined();
    },
  };
}

async function hypercoreWriter(): Promise<Hypercore> {
  const feed = await openHypercore();
  await append(feed, blocks);
  return feed;
}

async function ourWriter(): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(blocks);
  return feed;
}

describe('sparse', () => {
  it('takes single blocks from hypercore, and nothing else', async () => {
    const writer = await hypercoreWriter();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const { end } = await live(reader, writer);
    for (const [i, block] of order.slice(0, 60).entries()) {
      expect(await reader.get(block)).toEqual(blocks[block]);
      expect(reader.count()).toBe(i + 1);
    }
    expect(reader.length).toBe(blocks.length);
    await end();
  });

  it('takes many blocks that are asked for at once', async () => {
    const writer = await hypercoreWriter();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const { end } = await live(reader, writer);
    const wanted = order.slice(0, 150);
    expect(await Promise.all(wanted.map((block) => reader.get(block)))).toEqual(
      wanted.map((block) => blocks[block]),
    );
    await end();
  });

  it('gives single blocks to hypercore', async () => {
    const writer = await ourWriter();
    const reader = await openHypercore({ key: writer.key, sparse: true });
    const { end } = await live(writer, reader);
    for (const block of order.slice(0, 60)) {
      expect(new Uint8Array(await get(reader, block))).toEqual(blocks[block]);
    }
    expect(reader.downloaded(0, blocks.length)).toBe(60);
    await end();
  });

  it('serves from a sparse copy what it has, to hypercore and to us', async () => {
    const writer = await hypercoreWriter();
    const middle = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const first = await live(middle, writer);
    const held = order.slice(0, 80);
    for (const block of held) await middle.get(block);
    await first.end();

    const reader = await openHypercore({ key: writer.key, sparse: true });
    const second = await live(middle, reader);
    for (const block of [...held].reverse()) {
      expect(new Uint8Array(await get(reader, block))).toEqual(blocks[block]);
    }
    await second.end();

    const ours = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const third = await live(ours, reader);
    for (const block of held) expect(await ours.get(block)).toEqual(blocks[block]);
    await third.end();
  });
});

describe('seek', () => {
  it('finds bytes in a sparse copy, with hypercore to ask', async () => {
    const writer = await hypercoreWriter();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const { end } = await live(reader, writer);
    for (const index of order.slice(0, 40)) {
      const size = blocks[index]!.byteLength;
      if (size === 0) continue;
      expect(await reader.seek(offsets[index]!)).toEqual({ index, offset: 0 });
      expect(await reader.seek(offsets[index + 1]! - 1)).toEqual({ index, offset: size - 1 });
    }
    await end();
  });

  it('says so past the end, also on a copy with nothing in it', async () => {
    const writer = await hypercoreWriter();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const { end } = await live(reader, writer);
    await expect(reader.seek(offsets.at(-1)!)).rejects.toThrow(
      new RangeError(
        `"byteOffset" expected less than the feed's ${offsets.at(-1)} bytes, got ${offsets.at(-1)}`,
      ),
    );
    // One block was needed to learn how many bytes there are.
    expect(reader.count()).toBe(1);
    // The block with the last byte: some without any follow it.
    const index = blocks.findLastIndex((block) => block.byteLength > 0);
    const offset = blocks[index]!.byteLength - 1;
    expect(await reader.seek(offsets.at(-1)! - 1)).toEqual({ index, offset });
    await end();
  });

  it('answers hypercore, which asks for hashes by the byte', async () => {
    const writer = await ourWriter();
    const reader = await openHypercore({ key: writer.key, sparse: true });
    const { end } = await live(writer, reader);
    await get(reader, 0);
    for (const index of order.slice(0, 40)) {
      if (blocks[index]!.byteLength === 0) continue;
      expect(await seek(reader, offsets[index]!)).toEqual({ index, offset: 0 });
    }
    expect(reader.downloaded(0, blocks.length)).toBe(1);
    await end();
  });
});

describe('update', () => {
  it('tells hypercore of a longer feed', async () => {
    const writer = await ourWriter();
    const reader = await openHypercore({ key: writer.key, sparse: true });
    const { end } = await live(writer, reader);
    await promise<void>((done) => reader.update({}, done));
    expect(reader.length).toBe(blocks.length);
    expect(reader.byteLength).toBe(offsets.at(-1));
    const updated = promise<void>((done) => reader.update({}, done));
    await writer.append(blocks.slice(0, 3));
    await updated;
    expect(reader.length).toBe(blocks.length + 3);
    await end();
  });
});
