/** What somebody types by mistake is told at once, in words that name it. */
import { expect, describe as group, it } from 'vitest';
import { describe } from '../../src/errors.ts';
import {
  Connections,
  connect,
  Feed,
  limited,
  memoryPair,
  memoryStorage,
  replicate,
  type Transport,
} from '../../src/index.ts';
import { outcome } from '../session/peers.ts';

// As from JavaScript, where nothing is checked before it runs.
const loose = { replicate, connect, Connections, Feed, limited } as unknown as {
  replicate(...args: unknown[]): Promise<unknown>;
  connect(...args: unknown[]): Promise<unknown>;
  limited(...args: unknown[]): unknown;
  Connections: new (...args: unknown[]) => Connections;
  Feed: { open(...args: unknown[]): Promise<Feed>; create(...args: unknown[]): Promise<Feed> };
};
const feed = await Feed.create(memoryStorage());
const [here] = memoryPair();
const feedsExpected = (got: string): string =>
  `TypeError: "feeds" expected a feed, feeds, or a function that finds one, got ${got}`;

group('misuse of', () => {
  it.each<[string, () => unknown, string]>([
    ['replicate: another name', () => loose.replicate(here, { feed }), feedsExpected('undefined')],
    ['replicate: nothing', () => loose.replicate(here, {}), feedsExpected('undefined')],
    ['replicate: text', () => loose.replicate(here, { feeds: 'abc' }), feedsExpected('string "abc"')],
    [
      'replicate: a promise',
      () => loose.replicate(here, { feeds: Promise.resolve() }),
      feedsExpected('Promise'),
    ],
    [
      'replicate: no options',
      () => loose.replicate(here),
      'TypeError: "options" expected an object, as in { feeds: feed }, got undefined',
    ],
    [
      'replicate: none',
      () => loose.replicate(here, { feeds: [] }),
      'RangeError: "feeds" expected a feed, got none',
    ],
    [
      'replicate: keys',
      () => loose.replicate(here, { feeds: [new Uint8Array(32)] }),
      'TypeError: "feeds" expected feeds, got Uint8Array among them',
    ],
    ['Connections: other names', () => new loose.Connections({ feed }), feedsExpected('undefined')],
    [
      'Connections: none',
      () => new loose.Connections({ feeds: [] }),
      'RangeError: "feeds" expected a feed, got none',
    ],
    [
      'Connections: no options',
      () => new loose.Connections(),
      'TypeError: "options" expected an object, as in { feeds: feed }, got undefined',
    ],
    [
      'connect: no options',
      () => loose.connect(here),
      'TypeError: "options" expected an object, as in { key }, got undefined',
    ],
    [
      'Feed.open: a path',
      () => loose.Feed.open('./x'),
      'TypeError: "storage" expected the place that keeps the feed, as in memoryStorage() or nodeStorage(path), got string "./x"',
    ],
    [
      'Feed.create: nothing',
      () => loose.Feed.create(),
      'TypeError: "storage" expected the place that keeps the feed, as in memoryStorage() or nodeStorage(path), got undefined',
    ],
  ])('%s', async (_, run, message) => {
    expect(String(await outcome((async () => run())()))).toBe(message);
  });
});

group('what is no transport', () => {
  const promised = Promise.resolve(here);
  it.each([
    ['string "ws://127.0.0.1:1"', 'ws://127.0.0.1:1'],
    ['Promise', promised],
    ['undefined', undefined],
    ['Object', { source: [], sink: () => {}, abort: () => {} }],
  ])('is told everywhere: %s', async (got, transport) => {
    const message = `TypeError: "transport" expected what an adapter gives, as in await dialWebSocket(url), got ${got}: did you forget await?`;
    const connections = new Connections({ feeds: feed });
    const told = new Promise((resolve) => connections.subscribe(resolve));
    for (const run of [
      () => loose.replicate(transport, { feeds: feed }),
      () => loose.connect(transport, { key: feed.key }),
      () => loose.limited(transport),
      () => connections.add(transport as unknown as Transport),
    ])
      expect(String(await outcome((async () => run())()))).toBe(message);
    // A promise is what `keep` waits for.
    if (transport === promised) return;
    const link = connections.keep(async () => transport as unknown as Transport);
    await link.closed;
    expect(String(((await told) as { error: unknown }).error)).toBe(message);
    expect(await told).toMatchObject({ type: 'gave-up' });
  });
});

it('describe names what came', () => {
  function hello(): void {}
  const values = [undefined, null, 5, true, 'a', {}, [], Object.create(null), hello, () => {}];
  expect(values.map(describe)).toEqual([
    'undefined',
    'null',
    'number 5',
    'boolean true',
    'string "a"',
    'Object',
    'Array',
    'object',
    'function hello',
    'function',
  ]);
});
