import { describe, expect, it } from 'vitest';
import { settle } from '../fake-clock.ts';
import {
  collect,
  data,
  feed,
  have,
  join,
  KEY,
  OTHER_NAME,
  outcome,
  range,
  say,
  scripted,
  starts,
  take,
} from './peers.ts';

describe('a consumer', () => {
  it('is one at a time', async () => {
    const { session } = await scripted();
    const channel = session.open(KEY);
    collect(channel);
    expect(() => channel.receive(() => {})).toThrow(TypeError);
    await expect(channel[Symbol.asyncIterator]().next()).rejects.toThrow(TypeError);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no room');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no room'))],
  ])('that %s ends the session as this program’s own doing', async (_, consumer) => {
    const { session, transport } = await scripted();
    session.open(KEY).receive(consumer);
    transport.arrive(say(0, have(1)));
    expect(await session.closed).toEqual({ code: 'aborted', error: new Error('no room') });
  });

  it('gets everything in order, one batch after the other', async () => {
    const { session, transport } = await scripted();
    const seen: number[] = [];
    let running = 0;
    session.open(KEY).receive(async (batch) => {
      expect(++running).toBe(1);
      await undefined;
      seen.push(...(starts(batch) as number[]));
      running--;
    });
    for (let i = 0; i < 100; i++) {
      transport.arrive(say(0, have(i)));
      if (i % 7 === 0) await settle();
    }
    await settle();
    expect(seen).toEqual(range(0, 100));
  });
});

describe('iterating a channel', () => {
  it('may break off and resume, and loses nothing', async () => {
    const { session, transport } = await scripted();
    const channel = session.open(KEY);
    const seen: unknown[] = [];
    for (let i = 0; i < 60; i++) transport.arrive(say(0, have(i)));
    transport.arrive(join(...range(60, 90).map((i) => say(0, have(i)))));
    for (let round = 0; round < 9; round++) {
      for await (const message of channel) {
        seen.push(...starts([message]));
        if (seen.length % 10 === 0) break;
      }
    }
    expect(seen).toEqual(range(0, 90));
  });

  it('resumes after breaking off in a batch of any size', async () => {
    const { session, transport } = await scripted();
    const channel = session.open(KEY);
    const frame = say(0, have(1));
    const count = 200_000;
    const chunk = new Uint8Array(frame.byteLength * count);
    for (let i = 0; i < count; i++) chunk.set(frame, i * frame.byteLength);
    transport.arrive(chunk);
    await settle();
    let seen = 0;
    for await (const _ of channel) if (++seen === 1) break;
    for await (const _ of channel) if (++seen === count) break;
    expect(seen).toBe(count);
  });

  it('holds the remote back between two loops as a slow reader does, and loses nothing', async () => {
    const { session, transport } = await scripted({ limits: { channelBytes: 10_000 } });
    const channel = session.open(KEY);
    for (let i = 0; i < 100; i++) transport.arrive(say(0, data(i, 1000)));
    await settle();
    const before = transport.reads;
    const seen: number[] = [];
    while (seen.length < 100) {
      for await (const message of channel) {
        if (message.type === 'data') seen.push(message.index);
        break;
      }
      await settle();
      // One batch was taken, of which some is left, and a budget's worth waits.
      expect(transport.reads - before).toBeLessThanOrEqual(seen.length + 2 * 11);
    }
    expect(seen).toEqual(range(0, 100));
  });

  it('leaves the rest to the next reader, whoever that is', async () => {
    const { session, transport } = await scripted();
    const channel = session.open(KEY);
    transport.arrive(join(...range(0, 5).map((i) => say(0, have(i)))));
    await settle();
    for await (const _ of channel) break;
    transport.arrive(say(0, have(5)));
    await settle();
    const rest = collect(channel);
    await settle();
    expect(starts(rest)).toEqual([1, 2, 3, 4, 5]);
  });

  it('gives what was held and then the session’s error, also if it begins after the end', async () => {
    const { session, transport } = await scripted();
    const channel = session.open(KEY);
    transport.arrive(join(say(0, have(1)), say(0, have(2)), say(7, have(3))));
    await session.closed;
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const message of channel) seen.push(...starts([message]));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'unopened-channel' });
    expect(seen).toEqual([1, 2]);
  });

  it('ends with the session, also on a channel that was never opened here', async () => {
    const { session, transport } = await scripted();
    transport.arrive(feed(1, OTHER_NAME), say(1, have(1)));
    await settle();
    const [, unopened] = await take(session.incoming, 2);
    const ends = [session.open(KEY), unopened!].map(async (channel) => {
      for await (const message of channel) return message;
      return 'ended';
    });
    await settle();
    transport.end();
    expect(await outcome(Promise.all(ends))).toEqual(['ended', 'ended']);
    expect(await take(session.incoming, 1)).toEqual([]);
  });
});
