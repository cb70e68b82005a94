/** What a session tells of itself: all of it, in order, and nothing that is not to be shared. */
import { describe, expect, it } from 'vitest';
import { CaptureInspector, captureHeader, captureLine } from '../../src/inspect/index.ts';
import { connect } from '../../src/session/session.ts';
import type {
  TraceDirection,
  TracedBytes,
  TracedFrame,
  TracedMessage,
  TraceEvent,
  TraceOptions,
} from '../../src/trace.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { hex } from '../vectors/index.ts';
import { begin, collect, crypto, data, have, join, KEY, NAME, OTHER, pair, say, scripted } from './peers.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** Of one direction, those of one type. */
function of<T extends TraceEvent['type']>(
  events: readonly TraceEvent[],
  type: T,
  direction?: TraceDirection,
): Extract<TraceEvent, { type: T }>[] {
  return events.filter(
    (event): event is Extract<TraceEvent, { type: T }> =>
      event.type === type &&
      (direction === undefined || ('direction' in event && event.direction === direction)),
  );
}

/** Checks that each begins where the one before ended, from `start`; returns where the last one ends. */
function contiguous(events: readonly (TracedBytes | TracedFrame)[], start = 0): number {
  return events.reduce((end, { offset, byteLength }) => {
    expect(offset).toBe(end);
    return end + byteLength;
  }, start);
}

/** A conversation, and what both sides told of it. */
async function conversation(payloads = false) {
  const [left, right]: [TraceEvent[], TraceEvent[]] = [[], []];
  const clock = new FakeClock();
  const extensions = ['chat'];
  const sessions = await pair(
    { clock, extensions, trace: { listener: (event) => left.push(event), payloads } },
    {
      clock,
      extensions,
      userData: text('the secret'),
      trace: { listener: (event) => right.push(event), payloads },
    },
  );
  const [a, b] = sessions.map((session) => session.open(KEY));
  collect(a!);
  collect(b!);
  a!.send({ type: 'want', start: 0, length: 0 });
  a!.send({ type: 'extension', name: 'chat', payload: text('the secret') });
  await settle();
  for (let i = 0; i < 40; i++) b!.send(have(i));
  const node = { index: 3, hash: new Uint8Array(32).fill(5), size: 9000 };
  b!.send({ ...data(1, 9000), nodes: [node], signature: new Uint8Array(64) });
  b!.send({ type: 'have', start: 0, bitfield: Uint8Array.of(1, 2, 3) });
  await settle();
  await clock.advance(5);
  await Promise.all(sessions.map((session) => session.close()));
  return { left, right };
}

/** All bytes that are anywhere in it. */
function bytesIn(value: unknown): number {
  if (value instanceof Uint8Array) return 1;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, one) => sum + bytesIn(one), 0);
}

describe('the trace', () => {
  it('tells every chunk, frame and message of both directions, each from where the last one ended', async () => {
    const { left, right } = await conversation();
    const directions = [
      [left, 'out', right, 'in'],
      [right, 'out', left, 'in'],
    ] as const;
    for (const [from, out, to, inward] of directions) {
      const bytes = contiguous(of(from, 'bytes', out));
      expect(bytes).toBeGreaterThan(100);
      expect(contiguous(of(to, 'bytes', inward))).toBe(bytes);
      expect(contiguous(of(from, 'frame', out))).toBe(bytes);
      expect(contiguous(of(to, 'frame', inward))).toBe(bytes);
      const types = (events: readonly TracedMessage[]) => events.map(({ message: { type } }) => type);
      expect(types(of(from, 'message', out))).toEqual(types(of(to, 'message', inward)));
    }
    for (const events of [left, right]) {
      // Each frame is followed by what is in it.
      events.forEach((event, i) => {
        if (event.type !== 'frame') return;
        const next = events[i + 1];
        expect(next).toMatchObject({ type: 'message', direction: event.direction, channel: event.channel });
      });
      expect(of(events, 'message')).toHaveLength(of(events, 'frame').length);
      expect(of(events, 'state').map(({ state }) => state)).toEqual([
        'connecting',
        'open',
        'closing',
        'closed',
      ]);
    }
    expect(left[0]).toEqual({ type: 'state', time: 0, state: 'connecting' });
    expect(left.at(-1)).toEqual({ type: 'state', time: 5, state: 'closed' });
  });

  it('tells each listener of the types that it asked for, and of nothing else', async () => {
    const clock = new FakeClock();
    const all: TraceEvent[] = [];
    const some: TraceEvent[] = [];
    const [left, right] = await pair({ clock }, { clock });
    left!.trace((event) => all.push(event));
    const types = ['bytes', 'message'] as const;
    const end = left!.trace({ listener: (event) => some.push(event), types });
    left!.trace({ listener: () => expect.fail('it asked for nothing'), types: [] });
    left!.open(KEY).send(have(1));
    await settle();
    expect(some.length).toBeGreaterThan(1);
    expect(some).toEqual(all.filter(({ type }) => type === 'bytes' || type === 'message'));
    end();
    const before = some.length;
    left!.open(KEY).send(have(2));
    await settle();
    expect(some).toHaveLength(before);
    expect(all.length).toBeGreaterThan(before);
    const wrong = { listener: () => {}, types: ['dropped'] } as unknown as TraceOptions;
    expect(() => left!.trace(wrong)).toThrow(
      /"trace\.types" expected some of bytes, .*, got string "dropped"/,
    );
    await Promise.all([left!.close(), right!.close()]);
  });

  it('tells sizes, types, indices and numbers, and none of the bytes', async () => {
    const { left } = await conversation();
    expect(bytesIn(left)).toBe(0);
    const messages = of(left, 'message', 'in').map(({ message }) => message);
    expect(messages.slice(0, 2)).toEqual([
      { type: 'feed', discoveryKey: 32, nonce: 24 },
      { type: 'handshake', id: 32, live: false, userData: 10, extensions: ['chat'], ack: false },
    ]);
    expect(messages).toContainEqual({ type: 'have', start: 7, length: 1, bitfield: undefined, ack: false });
    expect(messages).toContainEqual({ type: 'have', start: 0, length: 1, bitfield: 3, ack: false });
    expect(messages).toContainEqual({
      type: 'data',
      index: 1,
      value: 9000,
      nodes: [{ index: 3, hash: 32, size: 9000 }],
      signature: 64,
    });
    expect(of(left, 'message', 'out').map(({ message }) => message)).toContainEqual({
      type: 'extension',
      id: 0,
      payload: 10,
    });
    const told = JSON.stringify(left);
    for (const secret of [KEY, NAME, text('the secret')]) {
      expect(told).not.toContain(hex(secret));
      expect(told).not.toContain([...secret].join());
    }
  });

  it('carries the bytes and the messages on request: enough for a capture', async () => {
    const { left, right } = await conversation(true);
    const all = (events: readonly TraceEvent[], direction: TraceDirection) =>
      hex(join(...of(events, 'bytes', direction).map(({ bytes }) => bytes!)));
    // On the one side before the transport has it, on the other before it is deciphered in place.
    expect(all(left, 'in')).toBe(all(right, 'out'));
    expect(all(left, 'out')).toBe(all(right, 'in'));
    expect(all(left, 'in')).not.toContain(hex(text('the secret')));
    expect(JSON.stringify(of(left, 'message', 'in').map(({ content }) => content))).toContain(
      JSON.stringify(text('the secret')),
    );

    const capture = of(left, 'bytes').map((event) =>
      captureLine({ connection: 1, ...event, bytes: event.bytes! }),
    );
    const read: object[] = [];
    const inspector = new CaptureInspector({
      keys: [KEY],
      listener: (event) => {
        if (event.event === 'message') read.push([event.direction, event.type, event.offset]);
      },
    });
    for (const line of [captureHeader('2026-11-25T00:00:00.000Z'), ...capture]) inspector.push(text(line));
    inspector.end();
    const told = left.flatMap((event, i) => {
      if (event.type !== 'frame') return [];
      const message = left[i + 1] as TracedMessage;
      return [[event.direction, message.message.type, event.offset]];
    });
    for (const direction of ['in', 'out']) {
      const one = (list: readonly unknown[]) => list.filter((entry) => (entry as string[])[0] === direction);
      expect(one(read)).toEqual(one(told));
    }
  });

  it('gives each listener what it asked for', async () => {
    const [plain, full]: [TraceEvent[], TraceEvent[]] = [[], []];
    const [session, other] = await pair({ trace: (event) => plain.push(event) });
    session.trace({ listener: (event) => full.push(event), payloads: true });
    session.open(KEY).send(data(0, 10));
    await settle();
    expect(bytesIn(plain)).toBe(0);
    expect(of(full, 'message').map(({ message, content }) => [message.type, content?.type])).toEqual([
      ['data', 'data'],
    ]);
    // Two with payloads do not share a copy.
    expect(of(full, 'bytes')[0]!.bytes!.byteLength).toBe(of(plain, 'bytes').at(-1)!.byteLength);
    await Promise.all([session.close(), other.close()]);
  });

  it('can be subscribed to at any time, and goes on from where the session is', async () => {
    const first: TraceEvent[] = [];
    const { session, transport } = await scripted({ trace: (event) => first.push(event) });
    const later: TraceEvent[] = [];
    const unsubscribe = session.trace((event) => later.push(event));
    transport.arrive(say(0, have(1)), say(0, have(2)));
    session.open(KEY).send(have(3));
    await settle();
    expect(later.length).toBeGreaterThan(0);
    expect(later).toEqual(first.slice(-later.length));
    unsubscribe();
    const before = later.length;
    transport.arrive(say(0, have(4)));
    await settle();
    expect(later).toHaveLength(before);
    session.abort();
  });

  it('is exact after a time in which nobody listened', async () => {
    const { session, transport } = await scripted({ trace: undefined });
    transport.arrive(say(0, have(1)));
    await settle();
    const events: TraceEvent[] = [];
    session.trace((event) => events.push(event));
    transport.arrive(say(0, have(2)), join(say(0, have(3)), say(0, have(4))));
    session.open(KEY).send(have(5));
    await settle();
    const start = of(events, 'bytes', 'in')[0]!.offset;
    expect(start).toBeGreaterThan(40);
    expect(contiguous(of(events, 'frame', 'in'), start)).toBe(contiguous(of(events, 'bytes', 'in'), start));
    expect(of(events, 'frame', 'in')).toHaveLength(3);
    expect(of(events, 'frame', 'out')[0]!.offset).toBe(of(events, 'bytes', 'out')[0]!.offset);
    session.abort();
  });

  it('is exact where listeners come and go among the frames of one chunk', async () => {
    const { session, transport } = await scripted({ trace: undefined });
    const end = session.trace({ listener: () => end(), types: ['message'] });
    transport.arrive(join(say(0, have(1)), say(0, have(2)), say(0, have(3))));
    await settle();
    const events: TraceEvent[] = [];
    const begin = session.trace({
      listener: () => {
        begin();
        session.trace((event) => events.push(event));
      },
      types: ['warning'],
    });
    const again = say(0, { type: 'handshake', id: Uint8Array.of(9) });
    transport.arrive(join(say(0, have(4)), again, say(0, have(5))));
    await settle();
    expect(of(events, 'frame')).toEqual([]);
    // More than can be the arguments of a call.
    const keepalives = new Uint8Array(200_000);
    transport.arrive(join(say(0, have(6)), keepalives));
    await settle();
    const start = of(events, 'bytes', 'in')[0]!.offset;
    const frames = of(events, 'frame', 'in');
    expect(frames).toHaveLength(keepalives.byteLength + 1);
    expect(frames[0]!.offset).toBe(start);
    const last = frames.at(-1)!;
    expect(last.offset + last.byteLength).toBe(contiguous(of(events, 'bytes', 'in'), start));
    session.abort();
  });

  it('is exact where keepalives come first, lengths are longer than they need be, and frames span chunks', async () => {
    const events: TraceEvent[] = [];
    const { transport, connecting } = begin({ encrypted: false, trace: (event) => events.push(event) });
    const handshake = say(0, { type: 'handshake', id: Uint8Array.of(9) });
    // A length of one byte, said with two.
    const padded = join(Uint8Array.of(handshake[0]! | 0x80, 0), handshake.subarray(1));
    const bytes = join(
      Uint8Array.of(0, 0, 0),
      say(0, { type: 'feed', discoveryKey: NAME }),
      padded,
      say(0, have(1)),
    );
    for (const byte of bytes) {
      transport.arrive(Uint8Array.of(byte));
      await settle();
    }
    expect(contiguous(of(events, 'bytes', 'in'))).toBe(bytes.byteLength);
    expect(contiguous(of(events, 'frame', 'in'), 3)).toBe(bytes.byteLength);
    expect(of(events, 'frame', 'in').map(({ byteLength }) => byteLength)).toEqual([
      say(0, { type: 'feed', discoveryKey: NAME }).byteLength,
      padded.byteLength,
      say(0, have(1)).byteLength,
    ]);
    (await connecting).abort();
  });

  it('tells what was ignored, and the fault that ends the session', async () => {
    const events: TraceEvent[] = [];
    const { session, transport } = await scripted({ trace: (event) => events.push(event) });
    transport.arrive(say(0, { type: 'handshake', id: Uint8Array.of(9) }));
    await settle();
    expect(of(events, 'warning')).toEqual([
      { type: 'warning', time: 0, channel: 0, reason: 'a second Handshake' },
    ]);
    transport.arrive(say(7, have(1)));
    const reason = await session.closed;
    if (reason.code !== 'failed') throw new Error(`ended with ${reason.code}`);
    expect(events.slice(-2)).toEqual([
      { type: 'fault', time: 0, code: 'unopened-channel', message: reason.error.message },
      { type: 'state', time: 0, state: 'closed' },
    ]);
  });

  it('shows the Feed that was the wrong one', async () => {
    const events: TraceEvent[] = [];
    const [left, right] = memoryPair();
    const clock = new FakeClock();
    const other = connect(right, { key: OTHER, crypto, clock }).catch(() => {});
    await expect(
      connect(left, { key: KEY, crypto, clock, trace: (event) => events.push(event) }),
    ).rejects.toMatchObject({ code: 'wrong-feed' });
    expect(of(events, 'message', 'in').map(({ message }) => message.type)).toEqual(['feed']);
    expect(of(events, 'fault').map(({ code }) => code)).toEqual(['wrong-feed']);
    await other;
  });

  it('is told by name what is no listener', async () => {
    const wrong = { listener: 'console.log' } as never;
    const [left] = memoryPair();
    const named = '"trace" expected a function, or { listener, types, payloads }, got ';
    await expect(connect(left, { key: KEY, crypto, trace: wrong })).rejects.toThrow(named);
    const [session, other] = await pair();
    expect(() => session.trace(undefined as never)).toThrow(new TypeError(`${named}undefined`));
    await Promise.all([session.close(), other.close()]);
  });
});
