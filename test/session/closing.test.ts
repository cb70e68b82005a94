import { describe, expect, it } from 'vitest';
import { connect } from '../../src/session/session.ts';
import { type Deferred, deferred } from '../../src/stream/deferred.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import {
  crypto,
  data,
  feed,
  have,
  KEY,
  NAME,
  names,
  OTHER,
  OTHER_NAME,
  outcome,
  pair,
  say,
  scripted,
} from './peers.ts';

describe('closing', () => {
  it('loses nothing of what was queued, on either side', async () => {
    const [a, b] = await pair();
    const sizes = Array.from({ length: 300 }, (_, i) => (i * 997) % 20_000);
    const reading = [a, b].map(async (session) => {
      const received: number[] = [];
      for await (const message of session.open(KEY))
        if (message.type === 'data') received.push(message.value!.byteLength);
      return received;
    });
    for (const session of [a, b]) {
      const channel = session.open(KEY);
      sizes.forEach((size, i) => {
        if (i % 3 === 0) channel.sendLater(async () => data(i, size));
        else channel.send(data(i, size));
      });
    }
    // A closes, and B only then: A still takes what B has to say.
    expect(await Promise.all([a.close(), b.closed.then(() => undefined)])).toEqual([
      { code: 'closed' },
      undefined,
    ]);
    expect(await b.closed).toEqual({ code: 'remote-closed' });
    expect(await Promise.all(reading)).toEqual([sizes, sizes]);
  });

  it('waits for a slow remote as long as it takes anything', async () => {
    const { session, transport, clock } = await scripted();
    const channel = session.open(KEY);
    await settle();
    transport.allow(0);
    for (let i = 0; i < 6; i++) channel.send(data(i, 70_000));
    const closed = session.close();
    for (let i = 0; i < 12 && !transport.hasEnded; i++) {
      await clock.advance(5000);
      transport.allow(1);
      await settle();
    }
    expect(transport.packets.filter(({ message }) => message.type === 'data')).toHaveLength(6);
    expect(transport.hasEnded).toBe(true);
    expect(await outcome(closed)).toBe('pending');
    transport.end();
    expect(await outcome(closed)).toEqual({ code: 'closed' });
    expect(clock.pending).toBe(0);
  });

  it('says so where the remote takes no more and something was left', async () => {
    const { session, transport, clock } = await scripted();
    transport.allow(0);
    await settle();
    session.open(KEY).send(have(1));
    session.open(KEY).send(have(2));
    void session.close();
    await clock.advance(7500);
    expect(await outcome(session.closed)).toMatchObject({
      code: 'failed',
      error: { code: 'timeout', message: expect.stringMatching(/not all was sent/) },
    });
    expect(clock.pending).toBe(0);
  });

  it('does not wait for a remote that never ends', async () => {
    const { session, transport, clock } = await scripted();
    await clock.advance(7000);
    const closed = session.close();
    await clock.advance(7499);
    transport.arrive(new Uint8Array(1));
    expect(await outcome(closed)).toBe('pending');
    await clock.advance(1);
    expect(await outcome(closed)).toEqual({ code: 'closed' });
    expect(transport.aborts).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('hears the remote’s end although nobody reads what it sent', async () => {
    const { session, transport } = await scripted({ limits: { channelBytes: 1000 } });
    session.open(KEY).receive(() => new Promise(() => {}));
    for (let i = 0; i < 50; i++) transport.arrive(say(0, data(i, 500)));
    transport.end();
    await settle();
    expect(await outcome(session.closed)).toBe('pending');
    expect(await outcome(session.close())).toEqual({ code: 'closed' });
  });

  it('loses nothing of that to a feed that the remote opens meanwhile', async () => {
    const { session, transport, dropped, says } = await scripted({ keys: () => OTHER });
    transport.allow(0);
    await settle();
    const channel = session.open(KEY);
    for (let i = 0; i < 3; i++) channel.send(data(i, 70_000));
    const closed = session.close();
    transport.arrive(feed(1, OTHER_NAME), feed(2, names[2]));
    for (let i = 0; i < 20; i++) await says(1, have(i));
    transport.allow(Number.POSITIVE_INFINITY);
    await settle();
    expect(transport.packets.filter(({ message }) => message.type === 'data')).toHaveLength(3);
    transport.end();
    expect(await outcome(closed)).toEqual({ code: 'closed' });
    expect(dropped.filter((reason) => /this side is closing/.test(reason))).toHaveLength(2);
    expect(dropped).toHaveLength(22);
  });

  it('nor to one that waits to be opened, and is not looked up any more', async () => {
    const lookups: ((key: Uint8Array) => void)[] = [];
    const { session, transport, clock, says } = await scripted({
      keys: () => new Promise((resolve) => lookups.push(resolve)),
    });
    transport.arrive(feed(1, OTHER_NAME));
    await settle();
    const closed = session.close();
    lookups[0]!(OTHER);
    for (let i = 0; i < 20; i++) await says(1, have(i));
    transport.end();
    expect(await outcome(closed)).toEqual({ code: 'closed' });
    expect(clock.pending).toBe(0);
  });

  it('twice is closing once, and opens nothing more', async () => {
    const [a, b] = await pair();
    const closing = [a.close(), a.close()];
    expect(() => a.open(OTHER)).toThrow(/connect again/);
    await b.close();
    expect(await Promise.all(closing)).toEqual([{ code: 'closed' }, { code: 'closed' }]);
    expect(await a.close()).toEqual({ code: 'closed' });
  });

  it('is what disposing does', async () => {
    const [a, b] = await pair();
    await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    expect(await a.closed).toEqual({ code: 'closed' });
  });
});

describe('the remote’s end', () => {
  it('flushes what this side still has to say', async () => {
    const { session, transport, clock } = await scripted();
    const channel = session.open(KEY);
    await settle();
    transport.allow(0);
    for (let i = 0; i < 3; i++) channel.send(data(i, 70_000));
    await clock.advance(6000);
    transport.end();
    // It has said its last word, so its silence means nothing.
    for (let i = 0; i < 6; i++) {
      await clock.advance(5000);
      expect(await outcome(session.closed)).toEqual(
        transport.hasEnded ? { code: 'remote-closed' } : 'pending',
      );
      if (transport.hasEnded) break;
      transport.allow(1);
      await settle();
      if (transport.hasEnded) break;
    }
    expect(transport.packets.filter(({ message }) => message.type === 'data')).toHaveLength(3);
    expect(await outcome(session.closed)).toEqual({ code: 'remote-closed' });
    expect(clock.pending).toBe(0);
  });

  it('inside a frame is said to be one', async () => {
    const { session, transport } = await scripted();
    const received: number[] = [];
    session.open(KEY).receive((batch) => void received.push(batch.length));
    transport.arrive(say(0, have(1)), say(0, have(2)).subarray(0, 2));
    transport.end();
    expect(await session.closed).toMatchObject({ code: 'failed', error: { code: 'truncated' } });
    expect(received).toEqual([1]);
  });

  it('rejects what waits to be opened, and closes all channels', async () => {
    const { session, transport } = await scripted();
    const channel = session.open(OTHER);
    transport.end();
    expect(await outcome(channel.opened)).toMatchObject({ code: 'refused' });
    expect(await outcome(channel.closed)).toBeUndefined();
    expect(channel.writable()).toBeUndefined();
  });
});

describe('a failure', () => {
  it('of the connection is told from the peer’s faults', async () => {
    const { session, transport } = await scripted();
    const error = new TypeError('network lost');
    transport.fail(error);
    expect(await session.closed).toMatchObject({
      code: 'failed',
      error: { code: 'transport', cause: error, message: expect.stringContaining('network lost') },
    });
    expect(transport.aborts).toHaveLength(1);
  });

  it('lets the source free what it holds', async () => {
    let isFree = false;
    async function* source() {
      try {
        yield say(0, { type: 'feed', discoveryKey: NAME });
        yield say(7, have(1));
        yield say(0, have(2));
      } finally {
        isFree = true;
      }
    }
    const transport: Transport = { source: source(), sink: async () => {}, abort: () => {} };
    const options = { key: KEY, encrypted: false, crypto, clock: new FakeClock() };
    await expect(connect(transport, options)).rejects.toMatchObject({ code: 'unopened-channel' });
    await settle();
    expect(isFree).toBe(true);
  });

  it('of writing alone ends the session too', async () => {
    const error = new Error('EPIPE');
    const transport = {
      source: (async function* () {
        yield await new Promise<Uint8Array>(() => {});
      })(),
      sink: () => Promise.reject(error),
      abort() {},
    };
    await expect(connect(transport, { key: KEY, crypto, clock: new FakeClock() })).rejects.toMatchObject({
      code: 'refused',
      cause: error,
    });
  });

  it('of a trace listener is this program’s own', async () => {
    const error = new Error('the panel is gone');
    const { session, transport } = await scripted({
      trace: (event) => {
        if (event.type === 'message' && event.message.type === 'have') throw error;
      },
    });
    transport.arrive(say(0, have(1)));
    expect(await session.closed).toEqual({ code: 'aborted', error });
    const other = await scripted({
      trace: (event) => {
        if (event.type === 'message' && event.direction === 'out' && event.message.type === 'have')
          throw error;
      },
    });
    other.session.open(KEY).send(have(1));
    expect(await other.session.closed).toEqual({ code: 'aborted', error });
  });

  it('to make a message is this program’s own', async () => {
    for (const produce of [
      () => Promise.reject(new Error('the disk is gone')),
      () => {
        throw new Error('the disk is gone');
      },
    ]) {
      const { session } = await scripted();
      session.open(KEY).sendLater(produce);
      expect(await session.closed).toEqual({ code: 'aborted', error: new Error('the disk is gone') });
    }
    const { session } = await scripted();
    expect(() => session.open(KEY).send(have(-1))).toThrow(RangeError);
    session.open(KEY).sendLater(() => have(-1));
    expect(await session.closed).toMatchObject({ code: 'aborted' });
  });
});

describe('aborting', () => {
  it('settles everything at once, on both sides', async () => {
    const clocks = [new FakeClock(), new FakeClock()] as const;
    const [a, b] = await pair({ clock: clocks[0] }, { clock: clocks[1], limits: { channelBytes: 1000 } });
    b.open(KEY).receive(() => new Promise(() => {}));
    const channel = a.open(KEY);
    for (let i = 0; i < 20; i++) channel.send(data(i, 100_000));
    await settle();
    const waiting = [
      a.closed,
      b.closed,
      channel.closed,
      b.open(KEY).closed,
      Promise.resolve(channel.writable()),
      a.open(OTHER).opened.catch((error) => error),
    ];
    expect(channel.writable()).toBeDefined();
    a.abort('enough');
    expect(await outcome(Promise.all(waiting))).toMatchObject([
      { code: 'aborted', error: 'enough' },
      // It learns that the connection was cut, and nothing of the other program's reasons.
      { code: 'failed', error: { code: 'transport' } },
      undefined,
      undefined,
      undefined,
      'enough',
    ]);
    expect(clocks.map(({ pending }) => pending)).toEqual([0, 0]);
    a.abort('again');
    expect(await a.closed).toEqual({ code: 'aborted', error: 'enough' });
  });

  it.each<[string, (writer: Deferred<IteratorResult<Uint8Array, undefined>>) => void]>([
    ['gives a chunk', (writer) => writer.resolve({ done: false, value: new Uint8Array(1) })],
    ['ends', (writer) => writer.resolve({ done: true, value: undefined })],
    ['fails', (writer) => writer.reject(new Error('no more'))],
  ])('a memory pair lets nothing through where the writer %s right then', async (_name, settled) => {
    const [left, right] = memoryPair();
    const writer = deferred<IteratorResult<Uint8Array, undefined>>();
    const writing = left.sink({ [Symbol.asyncIterator]: () => ({ next: () => writer.promise }) });
    const reader = right.source[Symbol.asyncIterator]();
    const reading = reader.next();
    settled(writer);
    left.abort('enough');
    const cut = expect.objectContaining({ message: 'the other side aborted the transport', cause: 'enough' });
    expect(await Promise.all([reading, writing].map(outcome))).toEqual([cut, 'enough']);
    expect(await outcome(reader.next())).toEqual(cut);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it('a memory pair makes an error where it is aborted for no reason', async () => {
    for (const reason of [undefined, null]) {
      const [left, right] = memoryPair();
      const reading = [left, right].map(({ source }) => source[Symbol.asyncIterator]().next());
      left.abort(reason);
      const error = expect.objectContaining({ message: 'the transport was aborted' });
      expect(await Promise.all(reading.map(outcome))).toEqual([error, error]);
    }
  });

  it('a memory pair settles a pending read and write, on both sides, whenever it happens', async () => {
    const [left, right] = memoryPair();
    const endless = async function* () {
      for (;;) yield new Uint8Array(1);
    };
    const never = async function* () {
      yield await new Promise<Uint8Array>(() => {});
    };
    const writing = left.sink(endless());
    const silent = right.sink(never());
    const reader = right.source[Symbol.asyncIterator]();
    await reader.next();
    const reading = left.source[Symbol.asyncIterator]().next();
    left.abort('enough');
    const cut = expect.objectContaining({ message: 'the other side aborted the transport' });
    expect(await Promise.all([writing, reading, silent, reader.next()].map(outcome))).toEqual([
      'enough',
      'enough',
      cut,
      cut,
    ]);
    expect(await outcome(right.sink(endless()))).toEqual(cut);
    right.abort();
    left.abort();
  });
});
