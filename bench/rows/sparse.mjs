/** What grows with a feed's length: getting one block of it, and opening it. */
import { Feed, memoryPair, memoryStorage, replicate } from 'hypercore-wire';
import { median } from '../median.mjs';
import { builtStorage, fileNames } from '../sides/built-feed.mjs';
import { held } from '../sides/held.mjs';

const lengths = [1e3, 1e4, 1e5, 1e6];
const longest = lengths.at(-1);

/** A transport that counts the bytes of both directions. */
function counted({ source, sink, abort }) {
  let bytes = 0;
  async function* counting(chunks) {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      yield chunk;
    }
  }
  return {
    transport: { source: counting(source), sink: (chunks) => sink(counting(chunks)), abort },
    bytes: () => bytes,
  };
}

/** A copy with nothing in it gets one block of a feed: the median of many copies, in microseconds or in bytes. */
const oneGet = (length, unit) =>
  async function start({ isQuick, folder }) {
    const size = isQuick ? 1000 : length;
    const feed = await Feed.open(await builtStorage(size, folder));
    async function get(index) {
      const [here, there] = memoryPair();
      const { transport, bytes } = counted(there);
      const copy = await Feed.open(memoryStorage(), { key: feed.key, sparse: true });
      await Promise.all([
        replicate(here, { feeds: feed, live: true }),
        replicate(transport, { feeds: copy, live: true }),
      ]);
      // It is known then what the source has, so that nothing but the block and its proof is left to send.
      while (copy.remoteLength < size) await new Promise((resolve) => setTimeout(resolve));
      const [bytesFrom, from] = [bytes(), performance.now()];
      await copy.get(index);
      const cost = { us: (performance.now() - from) * 1000, bytes: bytes() - bytesFrom };
      await copy.close();
      return cost;
    }
    const many = async (times) => {
      const costs = [];
      // Spread over the feed: how long a proof is depends on the place.
      for (let i = 0; i < times; i++) costs.push((await get(Math.floor(((i + 0.5) * size) / times)))[unit]);
      return median(costs);
    };
    await many(isQuick ? 1 : 100);
    return { measure: () => many(isQuick ? 1 : 200) };
  };

/** Kilobytes that are read from the storage to open a feed. */
const opening = (length) =>
  async function start({ isQuick, folder }) {
    const storage = await builtStorage(isQuick ? 1000 : length, folder);
    return {
      async measure() {
        let bytes = 0;
        const counting = (file) => ({
          size: () => file.size(),
          read(offset, count) {
            bytes += Math.max(0, Math.min(count, file.size() - offset));
            return file.read(offset, count);
          },
          write: (offset, content) => file.write(offset, content),
          flush: () => file.flush(),
        });
        const feed = await Feed.open({
          open: () => storage.open(),
          file: (name) => counting(storage.file(name)),
          close: () => storage.close(),
        });
        await feed.close();
        return bytes / 1000;
      },
    };
  };

/** Kilobytes of all that is stored of a feed. */
const stored = (length) =>
  async function start({ isQuick, folder }) {
    const storage = await builtStorage(isQuick ? 1000 : length, folder);
    return { measure: () => fileNames.reduce((bytes, name) => bytes + storage.file(name).size(), 0) / 1000 };
  };

/** Kilobytes of memory that an open feed holds, which is its bitfield and little else. */
const holding = (length) =>
  async function start({ isQuick, folder }) {
    const size = isQuick ? 1000 : length;
    // Of a short one many, since what one holds is lost in what the machine does meanwhile.
    const storages = [];
    for (let left = isQuick ? size : 1e5; left > 0; left -= size)
      storages.push(await builtStorage(size, folder));
    // What is loaded with the first one is not its own.
    await (await Feed.open(storages[0])).close();
    return {
      async measure() {
        const { made, bytes } = await held(() => Promise.all(storages.map((storage) => Feed.open(storage))));
        for (const feed of made) await feed.close();
        return bytes / 1000 / storages.length;
      },
    };
  };

const thousands = (value) => value.toLocaleString('en-US');

/** A row for each length. The longest has peers: the same with the shortest feed, where that is asked for, and others. */
const growing = ({ work, unit, chart, start, ceiling, peers = {} }) =>
  lengths.map((length) => ({
    work: `${work}, ${thousands(length)} blocks`,
    unit,
    chart,
    x: length,
    runs: 3,
    ours: start(length),
    ...(length === longest && {
      peers: {
        ...(ceiling && { [`${thousands(lengths[0])} blocks`]: { start: start(lengths[0]) } }),
        ...peers,
      },
      ceilings: { [`${thousands(lengths[0])} blocks`]: ceiling, 'all that is stored': 0.05 },
    }),
  }));

export const charts = {
  'sparse-get-time': { title: 'One block of a feed, by its length: time', x: 'blocks of the feed' },
  'sparse-get-bytes': {
    title: 'One block of a feed, by its length: bytes received and sent',
    x: 'blocks of the feed',
  },
  'open-reads': { title: 'Opening a feed: what is read of its storage', x: 'blocks of the feed' },
  'feed-memory': { title: 'Memory that an open feed holds: its bitfield', x: 'blocks of the feed' },
};

export const rows = [
  ...growing({
    work: 'one sparse get',
    unit: 'µs',
    chart: 'sparse-get-time',
    start: (length) => oneGet(length, 'us'),
    ceiling: 2.2,
  }),
  ...growing({
    work: 'bytes of one sparse get',
    unit: 'bytes',
    chart: 'sparse-get-bytes',
    start: (length) => oneGet(length, 'bytes'),
    ceiling: 2.2,
  }),
  ...growing({
    work: 'opening reads',
    unit: 'KB',
    chart: 'open-reads',
    start: opening,
    peers: { 'all that is stored': { start: stored(longest) } },
  }),
  ...growing({ work: 'an open feed holds', unit: 'KB', chart: 'feed-memory', start: holding }),
];
