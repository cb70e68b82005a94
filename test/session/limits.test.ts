import { equals } from 'uint8arrays/equals';
import { describe, expect, it } from 'vitest';
import { defaultLimits, type Limits, withDefaults } from '../../src/limits.ts';
import { connect } from '../../src/session/session.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { type ReplicationLimit, replicationLimits } from '../hostile/replication-limits.ts';
import { unhex } from '../vectors/index.ts';
import {
  crypto,
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
  range,
  say,
  scripted,
} from './peers.ts';
import { ScriptedTransport } from './scripted.ts';

/** What a peer does that the limit is there for, and how it ends: the code of the error, or 'held'. */
type Attack = (limits: Partial<Limits>) => Promise<unknown>;

async function against(limits: Partial<Limits>, ...chunks: Uint8Array[]): Promise<unknown> {
  const { session, transport } = await scripted({ limits });
  transport.arrive(...chunks);
  const reason = (await outcome(session.closed)) as { error?: { code: string } } | 'pending';
  return reason === 'pending' ? 'held' : reason.error?.code;
}

/** Each limit with what stays within it, what does not, and what comes of that. */
const attacks: Record<Exclude<keyof Limits, ReplicationLimit>, [Partial<Limits>, Attack, Attack, unknown]> = {
  frameBytes: [
    { frameBytes: 100 },
    (limits) => against(limits, say(0, data(1, 95 - 1))),
    // No more than the length is needed.
    (limits) => against(limits, Uint8Array.of(101)),
    'frame-too-large',
  ],
  firstFrameBytes: [
    { firstFrameBytes: 40 },
    (limits) => first(limits, feed(0, NAME)),
    (limits) => first(limits, Uint8Array.of(41)),
    'dialect',
  ],
  channels: [
    { channels: 3 },
    (limits) => against(limits, feed(1, OTHER_NAME), feed(2, names[2])),
    (limits) => against(limits, feed(3, OTHER_NAME)),
    'too-many-channels',
  ],
  unreadableMessages: [
    { unreadableMessages: 5 },
    (limits) => against(limits, ...Array<Uint8Array>(5).fill(unhex('03031005')), say(0, have(1))),
    (limits) => against(limits, ...Array<Uint8Array>(6).fill(unhex('03031005'))),
    'bad-message',
  ],
  unopenedMessages: [
    { unopenedMessages: 5 },
    (limits) => against(limits, feed(1, OTHER_NAME), ...Array<Uint8Array>(5).fill(say(1, have(1)))),
    (limits) => against(limits, feed(1, OTHER_NAME), ...Array<Uint8Array>(6).fill(say(1, have(1)))),
    'unopened-flood',
  ],
  unopenedBytes: [
    { unopenedBytes: 3000 },
    // Over all such feeds together.
    (limits) =>
      against(limits, feed(1, OTHER_NAME), feed(2, names[2]), say(1, data(0, 1400)), say(2, data(0, 1400))),
    (limits) =>
      against(limits, feed(1, OTHER_NAME), feed(2, names[2]), say(1, data(0, 1600)), say(2, data(0, 1600))),
    'unopened-flood',
  ],
  unopenedMs: [
    { unopenedMs: 1000 },
    (limits) => unopened(limits, 999),
    (limits) => unopened(limits, 1000),
    'let go',
  ],
  channelBytes: [
    { channelBytes: 1000 },
    (limits) => readOf(limits, 10, 50),
    // Nobody reads the channel, and the session stops reading the transport.
    (limits) => readOf(limits, 10, 500),
    'stopped',
  ],
  sendBytes: [
    { sendBytes: 1000 },
    (limits) => waitsAfter(limits, 500),
    // The remote takes nothing.
    (limits) => waitsAfter(limits, 2000),
    'waits',
  ],
  extensionNames: [
    { extensionNames: 3 },
    (limits) => declares(limits, ['x', 'y', 'a'], 2),
    (limits) => declares(limits, ['x', 'y', 'z', 'a'], 3),
    'ignored',
  ],
  extensionNameLength: [
    { extensionNameLength: 3 },
    (limits) => declares(limits, ['xyz', 'a'], 1),
    // 'abcd' is a name here, but one of more than three characters is none of the remote's.
    (limits) => declares(limits, ['abcde'], 0),
    'ignored',
  ],
  idleMs: [{ idleMs: 1000 }, (limits) => silence(limits, 999), (limits) => silence(limits, 1000), 'timeout'],
  keepaliveMs: [
    { keepaliveMs: 1000 },
    (limits) => quiet(limits, 999),
    // The remote hangs up on who is silent.
    (limits) => quiet(limits, 1000),
    'spoke',
  ],
};

async function first(limits: Partial<Limits>, ...chunks: Uint8Array[]): Promise<unknown> {
  const transport = new ScriptedTransport();
  const options = { key: KEY, encrypted: false, crypto, clock: new FakeClock(), limits };
  const result = outcome(connect(transport, options).catch((error) => error.code));
  transport.arrive(...chunks);
  return (await result) === 'pending' ? 'held' : result;
}

async function readOf(limits: Partial<Limits>, chunks: number, bytes: number): Promise<string> {
  const { transport } = await scripted({ limits });
  const before = transport.reads;
  for (let i = 0; i < chunks; i++) {
    transport.arrive(say(0, data(i, bytes)));
    await settle();
  }
  return transport.reads - before === chunks ? 'held' : 'stopped';
}

async function waitsAfter(limits: Partial<Limits>, bytes: number): Promise<string> {
  const { session, transport } = await scripted({ limits });
  const channel = session.open(KEY);
  transport.allow(0);
  channel.send(have(0));
  await settle();
  channel.send(data(0, bytes));
  return channel.writable() === undefined ? 'held' : 'waits';
}

async function declares(limits: Partial<Limits>, list: string[], id: number): Promise<string> {
  const { session, says, dropped } = await scripted({ limits, extensions: ['a', 'abc', 'abcd'] }, list);
  const received: unknown[] = [];
  session.open(KEY).receive((batch) => void received.push(...batch));
  await says(0, { type: 'extension', id, payload: Uint8Array.of(1) });
  if (received.length > 0) return 'held';
  expect(dropped[0]).toMatch(/extension names/);
  return 'ignored';
}

async function silence(limits: Partial<Limits>, ms: number): Promise<unknown> {
  const { session, clock } = await scripted({ limits });
  await clock.advance(ms);
  const reason = (await outcome(session.closed)) as { error?: { code: string } } | 'pending';
  return reason === 'pending' ? 'held' : reason.error?.code;
}

async function unopened(limits: Partial<Limits>, ms: number): Promise<string> {
  const { transport, clock, dropped } = await scripted({ limits });
  transport.arrive(feed(1, OTHER_NAME));
  await clock.advance(ms);
  return dropped.length === 0 ? 'held' : 'let go';
}

async function quiet(limits: Partial<Limits>, ms: number): Promise<string> {
  const { clock, transport } = await scripted({ limits });
  const before = transport.written.length;
  await clock.advance(ms);
  return transport.written.length === before ? 'held' : 'spoke';
}

describe('every limit has its attacker', () => {
  it.each(Object.entries(attacks))('%s', async (_, [limits, within, beyond, result]) => {
    expect(await within(limits)).toBe('held');
    expect(await beyond(limits)).toBe(result);
  });

  it('and none is forgotten', () => {
    expect([...Object.keys(attacks), ...replicationLimits].sort()).toEqual(Object.keys(defaultLimits).sort());
  });

  it('feeds on a number used before count too: no more are looked up than there are channels', async () => {
    const asked: Uint8Array[] = [];
    const pending = new Promise<undefined>(() => {});
    const { session, transport, clock } = await scripted({
      keys: (discoveryKey) => {
        asked.push(discoveryKey);
        return pending;
      },
    });
    const flood = (count: number) => join(...range(0, count).map(() => feed(1, crypto.randomBytes(32))));
    // One was opened with the session.
    transport.arrive(flood(255));
    expect(await outcome(session.closed)).toBe('pending');
    // Of all but the last one the timer is gone.
    expect(clock.pending).toBe(2);
    transport.arrive(flood(1000));
    expect(await outcome(session.closed)).toMatchObject({
      code: 'failed',
      error: { code: 'too-many-channels' },
    });
    expect(asked).toHaveLength(255);
    expect(clock.pending).toBe(0);
  });

  it('more feeds than channels are the remote’s fault where it opened them all', async () => {
    const { session, transport } = await scripted({
      keys: (name) => keys[names.findIndex((other) => equals(other, name))],
      limits: { channels: 2 },
    });
    transport.arrive(feed(1, OTHER_NAME), feed(1, names[2]));
    expect(await outcome(session.closed)).toMatchObject({
      code: 'failed',
      error: { code: 'too-many-channels' },
    });
  });

  it('and are nobody’s where this side opened some: one that cannot be opened here is passed over', async () => {
    const lookups: ((key: Uint8Array) => void)[] = [];
    const { session, transport, dropped, says } = await scripted({
      keys: () => new Promise((resolve) => lookups.push(resolve)),
      limits: { channels: 3 },
    });
    session.open(OTHER);
    transport.arrive(feed(1, names[2]));
    await settle();
    session.open(new Uint8Array(32).fill(4));
    lookups[0]!(keys[2]);
    for (let i = 0; i < 20; i++) await says(1, have(i));
    transport.arrive(feed(2, new Uint8Array(32)));
    expect(await outcome(session.closed)).toBe('pending');
    expect(lookups).toHaveLength(1);
    expect(dropped.filter((reason) => /has opened 3 channels$/.test(reason))).toHaveLength(2);
    expect(dropped).toHaveLength(22);
  });

  it('zeros for ever are traffic and nothing else', async () => {
    const { session, transport, clock } = await scripted();
    for (let i = 0; i < 100; i++) {
      transport.arrive(new Uint8Array(65_536));
      await clock.advance(1000);
    }
    expect(await outcome(session.closed)).toBe('pending');
    expect(session.open(keys[0]).isFull).toBe(false);
  });
});

describe('limits', () => {
  it('fill in what is not given, and refuse what is no limit', () => {
    expect(withDefaults({ channels: 7 })).toEqual({ ...defaultLimits, channels: 7 });
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '7', null]) {
      expect(() => withDefaults({ channels: wrong as number }), `${wrong}`).toThrow(/limits\.channels/);
    }
  });
});
