import { describe, expect, it } from 'vitest';
import { settle } from '../fake-clock.ts';
import { foreign } from '../foreign.ts';
import {
  collect,
  data,
  feed,
  have,
  join,
  KEY,
  keys,
  NAME,
  names,
  OTHER,
  OTHER_NAME,
  outcome,
  pair,
  range,
  say,
  scripted,
  starts,
  take,
} from './peers.ts';

describe('a second feed', () => {
  it.each([0, 1])('is open once both sides have opened it, side %d first', async (first) => {
    const sides = await pair();
    const one = sides[first]!.open(OTHER);
    expect(sides[first]!.open(OTHER)).toBe(one);
    expect(await outcome(one.opened)).toBe('pending');
    const two = sides[1 - first]!.open(OTHER);
    await Promise.all([one.opened, two.opened]);
    const [atOne, atTwo] = [collect(one), collect(two)];
    one.send(have(1));
    two.send(have(2));
    await settle();
    expect([starts(atOne), starts(atTwo)]).toEqual([[2], [1]]);
  });

  it('is another one also where its key has taken the place of the first one', async () => {
    const key = new Uint8Array(KEY);
    const { session } = await scripted({ key });
    const first = session.open(key);
    key.set(OTHER);
    const second = session.open(key);
    expect(session.open(KEY)).toBe(first);
    expect(second.discoveryKey).toEqual(OTHER_NAME);
  });

  it('is looked up by keys, at once where they know at once', async () => {
    const { session, transport, says } = await scripted({ keys: () => OTHER });
    const burst = Array.from({ length: 40 }, (_, i) => say(1, have(i)));
    transport.arrive(join(feed(1, OTHER_NAME), ...burst));
    await settle();
    expect(starts(collect(session.open(OTHER)))).toEqual([]);
    await says(1, have(40));
    expect(transport.packets.at(-1)).toMatchObject({ channel: 1, message: { type: 'feed' } });
    const received: unknown[] = [];
    for await (const message of session.incoming) {
      received.push(message.key);
      if (received.length === 2) break;
    }
    expect(received).toEqual([KEY, OTHER]);
  });

  it('is looked up by keys that give a promise of another realm', async () => {
    const { session, transport } = await scripted({ keys: () => foreign(OTHER) });
    transport.arrive(feed(1, OTHER_NAME));
    await settle();
    expect(await outcome(session.open(OTHER).opened)).toBeUndefined();
  });

  it('that keys take for another one ends the session', async () => {
    const { session, transport } = await scripted({ keys: async () => KEY });
    transport.arrive(feed(1, OTHER_NAME));
    expect(await session.closed).toMatchObject({ code: 'aborted', error: expect.any(TypeError) });
    expect(transport.packets.filter(({ message }) => message.type === 'feed')).toHaveLength(1);
  });

  it('that keys do not know waits to be opened, and what comes for it waits in order', async () => {
    const { session, transport } = await scripted({ extensions: ['a'] }, ['a']);
    const extension = say(5, { type: 'extension', id: 0, payload: Uint8Array.of(1) });
    const messages = Array.from({ length: 16 }, (_, i) => say(5, have(i)));
    transport.arrive(feed(5, OTHER_NAME), ...messages.slice(0, 8), extension, ...messages.slice(8));
    await settle();
    const [, channel] = await take(session.incoming, 2);
    expect(channel!.key).toBeUndefined();
    expect(channel!.discoveryKey).toEqual(OTHER_NAME);
    expect(() => channel!.send(have(1))).toThrow(/call session.open/);
    const received = collect(channel!);
    await settle();
    expect(received).toEqual([]);
    expect(session.open(OTHER)).toBe(channel);
    await settle();
    expect(starts(received)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 'extension', ...range(8, 16)]);
  });

  it('passes over an extension for which there is no room, and lives', async () => {
    const { session, transport, dropped } = await scripted(
      { extensions: ['a'], limits: { unopenedMessages: 2 } },
      ['a'],
    );
    const extension = say(5, { type: 'extension', id: 0, payload: Uint8Array.of(1) });
    transport.arrive(join(feed(5, OTHER_NAME), say(5, have(0)), say(5, have(1)), extension));
    await settle();
    expect(dropped).toEqual([expect.stringMatching(/not open here/)]);
    expect(await outcome(session.closed)).toBe('pending');
  });

  it('frees what it held when it is opened or closed', async () => {
    const { session, transport } = await scripted({ limits: { unopenedBytes: 300 } });
    for (let round = 0; round < 5; round++) {
      transport.arrive(join(feed(5, OTHER_NAME), say(5, data(0, 250))));
      await settle();
    }
    expect(await outcome(session.closed)).toBe('pending');
    session.open(OTHER);
    transport.arrive(join(feed(6, names[2]), say(6, data(0, 250))));
    expect(await outcome(session.closed)).toBe('pending');
    transport.arrive(say(6, data(0, 250)));
    expect(await outcome(session.closed)).toMatchObject({ error: { code: 'unopened-flood' } });
  });
});

describe('channel numbers of the remote', () => {
  it('given to a new Feed close what was there and open it anew', async () => {
    const { session, transport, says } = await scripted();
    const first = session.open(KEY);
    transport.arrive(feed(0, NAME));
    expect(await outcome(first.closed)).toBeUndefined();
    const second = session.open(KEY);
    expect(second).not.toBe(first);
    await second.opened;
    const received = collect(second);
    await says(0, have(3));
    expect(starts(received)).toEqual([3]);
  });

  it('may not be two for one feed: the second is passed over', async () => {
    const { session, transport, dropped, says } = await scripted();
    const received = collect(session.open(KEY));
    transport.arrive(feed(1, NAME));
    await says(1, have(1));
    await says(0, have(2));
    expect(starts(received)).toEqual([2]);
    expect(dropped).toEqual([
      expect.stringMatching(/second channel/),
      expect.stringMatching(/"have" on a second channel/),
    ]);
  });

  it('may have gaps', async () => {
    const { session, transport, says } = await scripted();
    const received = collect(session.open(OTHER));
    transport.arrive(feed(200, OTHER_NAME));
    await says(200, have(1));
    expect(starts(received)).toEqual([1]);
  });
});

describe('a channel closed on this side', () => {
  it('drops what still comes, and says so', async () => {
    const { session, dropped, says } = await scripted();
    const channel = session.open(KEY);
    channel.close();
    channel.send(have(1));
    await says(0, have(2));
    expect(dropped).toEqual([expect.stringMatching(/closed here/)]);
    expect(await outcome(channel.closed)).toBeUndefined();
  });

  it('can be opened again, and both sides hear each other', async () => {
    const [a, b] = await pair();
    const other = b.open(KEY);
    const atB = collect(other);
    a.open(KEY).close();
    const again = a.open(KEY);
    await again.opened;
    const atA = collect(again);
    again.send(have(1));
    other.send(have(2));
    await settle();
    expect([starts(atA), starts(atB)]).toEqual([[2], [1]]);
  });

  it('sends what it had queued', async () => {
    const [a, b] = await pair();
    const received = collect(b.open(KEY));
    const channel = a.open(KEY);
    channel.send(have(1));
    channel.close();
    await settle();
    expect(starts(received)).toEqual([1]);
  });
});

describe('an extension', () => {
  it('travels by name, also with different lists on the two sides', async () => {
    const [a, b] = await pair({ extensions: ['x', 'b', 'c'] }, { extensions: ['c', 'a', 'x'] });
    const received = collect(b.open(KEY));
    const channel = a.open(KEY);
    for (const name of ['x', 'b', 'c']) channel.send({ type: 'extension', name, payload: Uint8Array.of(1) });
    await settle();
    expect(received.map((message) => 'name' in message && message.name)).toEqual(['x', 'c']);
    expect(() => channel.send({ type: 'extension', name: 'a', payload: Uint8Array.of(1) })).toThrow(
      /RangeError|"name" expected one of the extensions declared to connect \(b, c, x\), got string "a"/,
    );
  });
});

it('opens no more channels than allowed, closed ones included', async () => {
  const { session } = await scripted({ limits: { channels: 2 } });
  session.open(OTHER).close();
  expect(session.open(OTHER).key).toEqual(OTHER);
  expect(() => session.open(keys[2])).toThrow(RangeError);
});
