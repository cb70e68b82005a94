/** A feed in one program's hands: what it takes, gives, refuses and tells. */
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage } from '../../src/index.ts';
import { blocksOf, offsetsOf, text } from '../interop/blocks.ts';
import { fileOf } from './file-of.ts';
import { answering, pair, scriptedPeer, truthOf, until } from './scripted-peer.ts';

const blocks = blocksOf(60, 40);
const truth = await truthOf(blocks);

async function written(): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  await feed.append(blocks);
  return feed;
}

async function collect(reading: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const block of reading) all.push(block);
  return all;
}

describe('append', () => {
  it('takes one block or several, and says where they begin', async () => {
    const feed = await Feed.create(memoryStorage());
    expect([feed.length, feed.byteLength, feed.writable]).toEqual([0, 0, true]);
    expect(await feed.append(text('one'))).toBe(0);
    expect(await feed.append([text('two'), text(''), text('four')])).toBe(1);
    expect(await feed.append([])).toBe(4);
    expect([feed.length, feed.byteLength]).toEqual([4, 10]);
    expect(await feed.get(2)).toEqual(text(''));
  });

  it('keeps the order of calls that overlap', async () => {
    const feed = await Feed.create(memoryStorage());
    const starts = await Promise.all(
      [[1, 2], [3], [4, 5, 6]].map((batch) => feed.append(batch.map((n) => text(`${n}`)))),
    );
    expect(starts).toEqual([0, 2, 3]);
    expect(await collect(feed.read())).toEqual([1, 2, 3, 4, 5, 6].map((n) => text(`${n}`)));
  });

  it('takes the bytes as they are then, whatever becomes of the buffer', async () => {
    const feed = await Feed.create(memoryStorage());
    const buffer = text('one');
    const appended = [feed.append(buffer)];
    buffer.set(text('two'));
    appended.push(feed.append([buffer, buffer]));
    await Promise.resolve();
    buffer.fill(0);
    await Promise.all(appended);
    expect(await collect(feed.read())).toEqual([text('one'), text('two'), text('two')]);
    const reader = await Feed.open(memoryStorage(), { key: feed.key });
    await pair(feed, reader);
    expect(await reader.get(2)).toEqual(text('two'));
    await Promise.all([feed.close(), reader.close()]);
  });

  it('refuses what is no list of blocks, two keys that are of no pair, and a key for options', async () => {
    const feed = await written();
    for (const wrong of ['hello', {}, undefined, new ArrayBuffer(3)])
      await expect(feed.append(wrong as never)).rejects.toThrow(/^"blocks" expected Uint8Array, or an array/);
    const crypto = feed.crypto;
    const { publicKey } = crypto.keyPair();
    const { secretKey } = crypto.keyPair();
    await expect(Feed.create(memoryStorage(), { keyPair: { publicKey, secretKey } })).rejects.toThrow(
      /^"keyPair" expected two keys that belong together/,
    );
    await expect(Feed.open(memoryStorage(), feed.key as never)).rejects.toThrow(
      /^"options" expected an object/,
    );
    expect(() => feed.subscribe('download' as never)).toThrow(/^"listener" expected a function/);
  });

  it('refuses what is no block, and a feed of another writer, and then appends nothing', async () => {
    const feed = await written();
    const reader = await Feed.open(memoryStorage(), { key: feed.key });
    await expect(reader.append(text('x'))).rejects.toThrow(
      new TypeError('the secret key of this feed is not here, so it cannot be appended to'),
    );
    await expect(feed.append(['x'] as never)).rejects.toThrow(
      new TypeError('"block" expected Uint8Array, got string "x"'),
    );
    await expect(feed.append([text('fine'), new Uint8Array(8_388_535)])).rejects.toThrow(RangeError);
    expect(feed.length).toBe(blocks.length);
  });
});

describe('what is here', () => {
  it('is told by has, count, get and seek', async () => {
    const feed = await written();
    const offsets = offsetsOf(blocks);
    expect([feed.has(0), feed.has(59), feed.has(60), feed.has(0, 60), feed.has(0, 61)]).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
    expect([feed.count(), feed.count(10), feed.count(10, 20), feed.count(100)]).toEqual([60, 50, 10, 0]);
    for (const [index, block] of blocks.entries()) {
      expect(await feed.get(index, { wait: false })).toEqual(block);
      if (block.length > 0)
        expect(await feed.seek(offsets[index + 1]! - 1)).toEqual({ index, offset: block.length - 1 });
    }
    await expect(feed.seek(feed.byteLength)).rejects.toThrow(
      `"byteOffset" expected less than the feed's ${feed.byteLength} bytes, got ${feed.byteLength}`,
    );
  });

  it('is less after clear, and what is told stays true', async () => {
    const feed = await written();
    await feed.clear(3);
    await feed.clear(10, 20);
    expect([feed.length, feed.count(), feed.has(3), feed.has(4)]).toEqual([60, 49, false, true]);
    await expect(feed.get(3, { wait: false })).rejects.toThrow(new RangeError('block 3 is not here'));
    await expect(feed.get(12)).rejects.toThrow(
      new RangeError('block 12 was cleared, and a writer downloads nothing'),
    );
    await expect(feed.get(60)).rejects.toThrow(
      new RangeError(`"index" expected less than the feed's length of 60, got 60`),
    );
    expect(await feed.get(4)).toEqual(blocks[4]);
  });

  it('clears what is not here, also where nothing is', async () => {
    const storage = memoryStorage();
    const feed = await Feed.open(storage, { key: (await written()).key });
    await feed.clear(0, 100);
    await feed.clear(2 ** 50, Number.MAX_SAFE_INTEGER);
    expect([feed.length, feed.count()]).toEqual([0, 0]);
    expect(storage.file('bitfield').size()).toBe(0);
  });

  it.each([60, 61, 1000])('gives back the space of what was cleared, up to %s', async (end) => {
    const storage = memoryStorage();
    const discarded: number[][] = [];
    const feed = await Feed.create({
      ...storage,
      file: (name) => ({
        ...fileOf(storage, name),
        discard: (...range) => void discarded.push(range),
      }),
    });
    await feed.append(blocks);
    await feed.clear(50, end);
    const [from, to] = [offsetsOf(blocks)[50]!, offsetsOf(blocks)[60]!];
    expect(discarded).toEqual([[from, to - from]]);
    expect([feed.count(), feed.length]).toEqual([50, 60]);
  });

  it('refuses what is no number of a block', async () => {
    const feed = await written();
    const message = (name: string, value: unknown, from = 0) =>
      new RangeError(`"${name}" expected a whole number from ${from} to 9007199254740991, got ${value}`);
    await expect(feed.get(-1)).rejects.toThrow(message('index', -1));
    await expect(feed.get('1' as never)).rejects.toThrow(
      new TypeError('"index" expected a whole number, got string "1"'),
    );
    await expect(feed.seek(0.5)).rejects.toThrow(message('byteOffset', 0.5));
    await expect(feed.clear(5, 4)).rejects.toThrow(message('end', 4, 5));
    expect(() => feed.has(1, 0)).toThrow(message('end', 0, 1));
    expect(() => feed.count(-1)).toThrow(message('start', -1));
    expect(() => feed.download({ start: 3, end: 2 })).toThrow(message('end', 2, 3));
    await expect(collect(feed.read({ start: Number.NaN }))).rejects.toThrow(message('start', Number.NaN));
  });
});

describe('read', () => {
  it('gives a range in order, of a feed and of one on its way', async () => {
    const writer = await written();
    expect(await collect(writer.read({ start: 50 }))).toEqual(blocks.slice(50));
    expect(await collect(writer.read({ start: 5, end: 9 }))).toEqual(blocks.slice(5, 9));
    expect(await collect(writer.read({ start: 9, end: 9 }))).toEqual([]);
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const replications = await pair(writer, reader);
    expect(await collect(reader.read({ start: 20, end: 40 }))).toEqual(blocks.slice(20, 40));
    expect(reader.count()).toBe(20);
    expect(await collect(reader.read())).toEqual(blocks);
    await Promise.all(replications.map((replication) => replication.close()));
  });

  it('that stops early asks for no more than it was ahead', async () => {
    const writer = await written();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const replications = await pair(writer, reader);
    for await (const block of reader.read()) {
      expect(block).toEqual(blocks[0]);
      break;
    }
    // Something that comes after all that was asked for before.
    await reader.get(59);
    expect(reader.count()).toBeLessThanOrEqual(1 + 16 + 1);
    await Promise.all(replications.map((replication) => replication.close()));
  });

  it('at its own pace keeps a session that is not live until its end', async () => {
    const writer = await written();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const replications = await pair(writer, reader, false);
    const seen: Uint8Array[] = [];
    for await (const block of reader.read()) {
      seen.push(block);
      // All that was asked for ahead is here, and nothing on its way.
      await until(() => reader.has(0, Math.min(seen.length + 15, blocks.length)));
    }
    expect(seen).toEqual(blocks);
    for (const { closed } of replications) expect(await closed).toEqual({ code: 'closed' });
  });

  it('by the writer ends where the feed does, whatever peers say', async () => {
    const writer = await written();
    const boaster = await scriptedPeer(writer, () => {});
    boaster.channel.send({ type: 'have', start: 1000 });
    await until(() => writer.remoteLength === 1001);
    expect(await collect(writer.read())).toEqual(blocks);
    await writer.download().done;
    await boaster.replication.close();
  });

  it('ends with the signal', async () => {
    const feed = await written();
    const stop = new AbortController();
    const seen: Uint8Array[] = [];
    const reading = (async () => {
      for await (const block of feed.read({ live: true, signal: stop.signal })) {
        seen.push(block);
        if (seen.length === 60) await feed.append(text('more'));
        if (seen.length === 61) stop.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(seen.length).toBe(61);
  });
});

describe('download', () => {
  it('takes a range and no more; cancelled it takes no more at all', async () => {
    const writer = await written();
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const replications = await pair(writer, reader);
    await reader.download({ start: 10, end: 30 }).done;
    expect([reader.count(), reader.has(10, 30)]).toEqual([20, true]);
    const called = reader.download();
    called.cancel();
    await reader.get(5);
    expect(reader.count()).toBe(21);
    await Promise.all(replications.map((replication) => replication.close()));
  });

  it('of a writer says that it brings nothing back', async () => {
    const feed = await written();
    await feed.download().done;
    await feed.clear(7);
    await expect(feed.download({ start: 3 }).done).rejects.toThrow(
      new RangeError('block 7 was cleared, and a writer downloads nothing'),
    );
    await feed.download({ start: 8 }).done;
  });

  it('and get wait for a peer, and end with the feed or the signal', async () => {
    const reader = await Feed.open(memoryStorage(), { key: truth.key, sparse: true });
    const { done } = reader.download({ start: 0, end: 5 });
    const block = reader.get(50);
    await expect(reader.get(51, { signal: AbortSignal.abort(new Error('not now')) })).rejects.toThrow(
      'not now',
    );
    await expect(reader.seek(5, { signal: AbortSignal.abort(new Error('not now')) })).rejects.toThrow(
      'not now',
    );
    const peer = await scriptedPeer(reader, answering(truth));
    await done;
    expect(await block).toEqual(blocks[50]);
    const never = [
      reader.get(1000),
      reader.download({ start: 900, end: 901 }).done,
      reader.read({ start: 2000, live: true }).next(),
    ];
    const outcomes = Promise.allSettled(never);
    await reader.close();
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await peer.replication.closed).toEqual({ code: 'closed' });
  });
});

describe('close', () => {
  it('resolves once the storage is free, each time', async () => {
    const storage = memoryStorage();
    const feed = await Feed.create(storage);
    void feed.close();
    await feed.close();
    await (await Feed.open(storage)).close();
  });

  it('lets go of the storage, and what is opened anew goes on', async () => {
    const storage = memoryStorage();
    const first = await Feed.create(storage);
    await first.append(blocks);
    await expect(Feed.open(storage)).rejects.toMatchObject({ code: 'locked' });
    await Promise.all([first.close(), first.close()]);
    await expect(first.get(0)).rejects.toThrow(new TypeError('the feed was closed: open it anew'));
    await expect(first.append(text('x'))).rejects.toThrow(TypeError);
    expect(() => first.download()).toThrow(TypeError);
    const second = await Feed.open(storage);
    expect([second.length, second.writable, second.byteLength]).toEqual([60, true, offsetsOf(blocks).at(-1)]);
    expect(await second.append(text('x'))).toBe(60);
    expect(await second.get(60)).toEqual(text('x'));
    await second.close();
    await expect(Feed.create(storage)).rejects.toMatchObject({ code: 'occupied' });
    await expect(Feed.open(storage, { key: truth.key })).rejects.toMatchObject({ code: 'other-feed' });
    await expect(Feed.open(memoryStorage())).rejects.toMatchObject({ code: 'missing' });
  });
});
