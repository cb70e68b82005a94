/** Feeds that are replicated whole, from memory to memory, every block verified: ours, hypercore 7's and 10's. */
import { Feed, memoryPair, memoryStorage, replicate } from 'hypercore-wire';
import { filled } from './bytes.mjs';
import { growMemory } from './reference.mjs';

/** Blocks that differ from each other. The peers take nothing but Buffers. */
const blocksOf = (count, byteLength) => Array.from({ length: count }, (_, i) => filled(byteLength, i));

export const ours = (blocks, byteLength, options = {}) =>
  async function start({ isQuick }) {
    const count = isQuick ? Math.min(blocks, 16) : blocks;
    const source = await Feed.create(memoryStorage(), options);
    await source.append(blocksOf(count, byteLength));
    return repeated(async () => {
      const copy = await Feed.open(memoryStorage(), { key: source.key, ...options });
      const [here, there] = memoryPair();
      const [from, to] = await Promise.all([
        replicate(here, { feeds: source }),
        replicate(there, { feeds: copy }),
      ]);
      await Promise.all([from.closed, to.closed]);
      assertAll(copy.count(), count);
      await copy.close();
    });
  };

export const hypercore7 = (count, byteLength) =>
  async function start({ load }) {
    const hypercore = load('hypercore');
    const memory = load('random-access-memory');
    growMemory(load);
    const open = async (key) => {
      const feed = hypercore(() => memory(), key);
      await called((done) => feed.ready(done));
      return feed;
    };
    const source = await open();
    await called((done) => source.append(blocksOf(count, byteLength), done));
    return repeated(async () => {
      const copy = await open(source.key);
      const [from, to] = [source.replicate(), copy.replicate()];
      from.pipe(to).pipe(from);
      await called((done) => copy.download({ start: 0, end: count }, done));
      assertAll(copy.downloaded(), count);
      from.destroy();
      to.destroy();
    });
  };

export const hypercore10 = (count, byteLength) =>
  async function start({ load }) {
    const Hypercore = load('hypercore');
    const Memory = load('random-access-memory');
    const open = async (key) => {
      const core = new Hypercore(Memory, key);
      await core.ready();
      return core;
    };
    const source = await open();
    await source.append(blocksOf(count, byteLength));
    return repeated(async () => {
      const copy = await open(source.key);
      const [from, to] = [source.replicate(true), copy.replicate(false)];
      from.pipe(to).pipe(from);
      await copy.download({ start: 0, end: count }).done();
      assertAll(copy.contiguousLength, count);
      const closed = new Promise((resolve) => to.once('close', resolve));
      from.destroy();
      to.destroy();
      await closed;
      await copy.close();
    });
  };

const repeated = (once) => ({
  async run(times) {
    for (let i = 0; i < times; i++) await once();
  },
});

const called = (start) =>
  new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));

function assertAll(got, expected) {
  if (got !== expected) throw new Error(`expected ${expected} blocks to be replicated, got ${got}`);
}
