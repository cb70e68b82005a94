/**
 * Feeds that are replicated whole, from memory to memory, every block verified: ours, hypercore 7's and 10's. Beside what
 * is measured, each side has an empty feed in replication all the time, as most programs have one: V8 drops what it
 * compiled for classes of which nothing lives.
 */
import { Feed, memoryPair, memoryStorage, replicate } from 'hypercore-wire';
import { filled } from './bytes.mjs';
import { growMemory } from './reference.mjs';

/** Blocks that differ from each other. The peers take nothing but Buffers. */
const blocksOf = (count, byteLength) => Array.from({ length: count }, (_, i) => filled(byteLength, i));

export const ours = (blocks, byteLength, options = {}) =>
  async function start({ isQuick }) {
    const count = isQuick ? Math.min(blocks, 16) : blocks;
    const create = () => Feed.create(memoryStorage(), options);
    const join = async (source, live) => {
      const copy = await Feed.open(memoryStorage(), { key: source.key, ...options });
      const [here, there] = memoryPair();
      const sides = await Promise.all([
        replicate(here, { feeds: source, live }),
        replicate(there, { feeds: copy, live }),
      ]);
      return { copy, sides };
    };
    const source = await create();
    await source.append(blocksOf(count, byteLength));
    const beside = await join(await create(), true);
    return repeated(
      async () => {
        const { copy, sides } = await join(source, false);
        await Promise.all(sides.map(({ closed }) => closed));
        assertAll(copy.count(), count);
        await copy.close();
      },
      () => beside.sides[0].abort(),
    );
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
    const join = async (source, live) => {
      const copy = await open(source.key);
      const [from, to] = [source.replicate({ live }), copy.replicate({ live })];
      from.pipe(to).pipe(from);
      return { copy, from, to };
    };
    const source = await open();
    await called((done) => source.append(blocksOf(count, byteLength), done));
    const beside = await join(await open(), true);
    return repeated(
      async () => {
        const { copy, from, to } = await join(source, false);
        await called((done) => copy.download({ start: 0, end: count }, done));
        assertAll(copy.downloaded(), count);
        from.destroy();
        to.destroy();
      },
      () => beside.from.destroy(),
    );
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
    const join = async (source) => {
      const copy = await open(source.key);
      const [from, to] = [source.replicate(true), copy.replicate(false)];
      from.pipe(to).pipe(from);
      return { copy, from, to };
    };
    const source = await open();
    await source.append(blocksOf(count, byteLength));
    const beside = await join(await open());
    return repeated(
      async () => {
        const { copy, from, to } = await join(source);
        await copy.download({ start: 0, end: count }).done();
        assertAll(copy.contiguousLength, count);
        const closed = new Promise((resolve) => to.once('close', resolve));
        from.destroy();
        to.destroy();
        await closed;
        await copy.close();
      },
      () => beside.from.destroy(),
    );
  };

const repeated = (once, close) => ({
  async run(times) {
    for (let i = 0; i < times; i++) await once();
  },
  close,
});

const called = (start) =>
  new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));

function assertAll(got, expected) {
  if (got !== expected) throw new Error(`expected ${expected} blocks to be replicated, got ${got}`);
}
