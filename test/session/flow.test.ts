import { describe, expect, it } from 'vitest';
import type { Channel } from '../../src/session/channel.ts';
import { settle } from '../fake-clock.ts';
import { data, have, KEY, keys, names, OTHER, outcome, type Scripted, say, scripted } from './peers.ts';

/** A script that takes nothing until it is allowed to. */
async function blocked(
  options: Parameters<typeof scripted>[0] = {},
): Promise<Scripted & { channel: Channel }> {
  const made = await scripted(options);
  await settle();
  made.transport.allow(0);
  // What is pulled already goes out; from then on nothing does.
  made.session.open(KEY).send(have(999_999));
  await settle();
  made.transport.written.length = 0;
  return { ...made, channel: made.session.open(KEY) };
}

async function release({ transport }: Scripted): Promise<void> {
  transport.allow(Number.POSITIVE_INFINITY);
  await settle();
}

describe('a slow consumer', () => {
  it('stops the session from reading at the byte budget, and nothing is lost', async () => {
    const { session, transport } = await scripted({ limits: { channelBytes: 10_000 } });
    const releases: (() => void)[] = [];
    const seen: number[] = [];
    session.open(KEY).receive((batch) => {
      seen.push(...batch.map((message) => (message.type === 'data' ? message.index : -1)));
      return new Promise((resolve) => releases.push(resolve));
    });
    for (let i = 0; i < 100; i++) transport.arrive(say(0, data(i, 1000)));
    await settle();
    // Two chunks opened the session; one batch is with the consumer, and a budget's worth waits.
    expect(transport.reads).toBeLessThanOrEqual(2 + 1 + 11);
    const { reads } = transport;
    await settle();
    expect(transport.reads).toBe(reads);
    while (seen.length < 100) {
      const before = seen.length;
      releases.shift()!();
      await settle();
      expect(seen.length).toBeGreaterThan(before);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('holds up another channel of the session no longer than itself', async () => {
    const { session, transport } = await scripted({ limits: { channelBytes: 1000 } });
    const other: unknown[] = [];
    session.open(OTHER).receive((batch) => void other.push(...batch));
    const slow = session.open(KEY);
    transport.arrive(
      say(1, { type: 'feed', discoveryKey: names[1] }),
      say(0, data(0, 2000)),
      say(1, have(1)),
    );
    await settle();
    expect(other).toEqual([]);
    slow.close();
    await settle();
    expect(other).toMatchObject([{ start: 1 }]);
  });
});

describe('writable', () => {
  it('is a promise of room past the budget', async () => {
    const made = await blocked({ limits: { sendBytes: 5000 } });
    const { channel } = made;
    expect(channel.writable()).toBeUndefined();
    for (let i = 0; i < 4; i++) channel.send(data(i, 1000));
    expect(channel.writable()).toBeUndefined();
    for (let i = 0; i < 4; i++) channel.send(data(i, 1000));
    const room = channel.writable()!;
    expect(await outcome(room)).toBe('pending');
    await release(made);
    expect(await outcome(room)).toBeUndefined();
    expect(channel.writable()).toBeUndefined();
  });

  it('counts each channel for itself', async () => {
    const { channel, session } = await blocked({ limits: { sendBytes: 1000 } });
    channel.send(data(0, 2000));
    expect(channel.writable()).toBeDefined();
    expect(session.open(OTHER).writable()).toBeUndefined();
  });
});

describe('what is sent', () => {
  it('is made only when the transport takes it', async () => {
    const made = await blocked();
    const produced: number[] = [];
    for (let i = 0; i < 40; i++) {
      made.channel.sendLater(() => {
        produced.push(i);
        return i % 2 === 0 ? have(i) : undefined;
      });
    }
    await settle();
    expect(produced).toEqual([]);
    made.transport.allow(1);
    await settle();
    expect(produced.length).toBeGreaterThan(0);
    expect(produced.length).toBeLessThan(40);
    await release(made);
    expect(produced).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(starts(made)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
  });

  it('keeps its order on a channel, however long each takes to make', async () => {
    const made = await blocked();
    for (let i = 0; i < 20; i++) {
      if (i % 3 === 0) made.channel.send(have(i));
      else
        made.channel.sendLater(async () => {
          for (let turn = 0; turn < 20 - i; turn++) await undefined;
          return have(i);
        });
    }
    await release(made);
    expect(starts(made)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('is overtaken by what the session itself has to say', async () => {
    const made = await blocked();
    for (let i = 0; i < 10; i++) made.channel.send(data(i, 30_000));
    made.session.open(OTHER);
    await release(made);
    const types = made.transport.packets.map(({ message }) => message.type);
    expect(types[0]).toBe('feed');
    expect(types).toHaveLength(11);
  });

  it('does not hold that up while it is still being made', async () => {
    const made = await blocked();
    let answer!: () => void;
    made.channel.sendLater(
      () =>
        new Promise((resolve) => {
          answer = () => resolve(have(1));
        }),
    );
    made.session.open(OTHER);
    await release(made);
    expect(made.transport.packets.map(({ message }) => message.type)).toEqual(['feed']);
    answer();
    await settle();
    expect(made.transport.packets.map(({ message }) => message.type)).toEqual(['feed', 'have']);
  });

  it('does not hold up keepalives either, whatever waits behind it', async () => {
    const made = await blocked();
    for (let i = 0; i < 20; i++) made.channel.sendLater(() => new Promise(() => {}));
    await release(made);
    for (let i = 0; i < 10; i++) {
      made.transport.arrive(new Uint8Array(1));
      await made.clock.advance(3750);
    }
    const types = made.transport.packets.map(({ message }) => message.type);
    expect(types.filter((type) => type === 'keepalive').length).toBeGreaterThanOrEqual(9);
  });

  it('takes turns between the channels', async () => {
    const made = await blocked();
    const channels = keys.map((key) => made.session.open(key));
    for (let i = 0; i < 5; i++) for (const channel of channels) channel.send(data(i, 100));
    for (let i = 5; i < 50; i++) channels[0]!.send(data(i, 100));
    await release(made);
    const order = made.transport.packets
      .filter(({ message }) => message.type === 'data')
      .map(({ channel }) => channel);
    expect(order.slice(0, 15)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(order).toHaveLength(60);
  });

  it('goes out in chunks of about a socket’s buffer', async () => {
    const made = await blocked();
    for (let i = 0; i < 1000; i++) made.channel.send(data(i, 1000));
    await release(made);
    const sizes = made.transport.written.map(({ byteLength }) => byteLength);
    expect(Math.max(...sizes)).toBeLessThan(2 * 65_536);
    expect(sizes.length).toBeGreaterThan(10);
    expect(sizes.length).toBeLessThan(40);
  });

  it('is dropped after the end', async () => {
    const made = await blocked();
    made.channel.send(have(1));
    made.session.abort();
    made.channel.send(have(2));
    await release(made);
    expect(made.transport.written).toEqual([]);
    expect(made.channel.writable()).toBeUndefined();
  });
});

function starts({ transport }: Scripted): unknown[] {
  return transport.packets.map(({ message }) => ('start' in message ? message.start : message.type));
}
