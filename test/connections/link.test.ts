/** A connection that is kept: dialed, and dialed again. */
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/connections/backoff.ts';
import { memoryPair, ProtocolError, type Transport, worthAnotherTry } from '../../src/index.ts';
import { settle } from '../fake-clock.ts';
import { outcome } from '../session/peers.ts';
import { ScriptedTransport } from '../session/scripted.ts';
import { world } from './network.ts';

const refused = (): Promise<Transport> => Promise.reject(new ProtocolError('transport', 'nobody there'));

describe('the backoff', () => {
  it('doubles what it may wait at most, up to half a minute, and starts anew after what worked', () => {
    const most = new Backoff(() => 1);
    const waits = Array.from({ length: 9 }, () => most.next());
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    most.stood(9999, 0);
    expect(most.attempts).toBe(9);
    most.stood(0, 1);
    expect(most.next()).toBe(500);
    most.stood(10_000, 0);
    expect(most.attempts).toBe(0);
    const least = new Backoff(() => 0);
    expect([least.next(), least.next()]).toEqual([0, 0]);
  });

  it('knows what no other attempt can change', () => {
    expect(worthAnotherTry(new ProtocolError('timeout', ''))).toBe(true);
    expect(worthAnotherTry(new ProtocolError('refused', ''))).toBe(true);
    expect(worthAnotherTry(new ProtocolError('dialect', ''))).toBe(false);
    expect(worthAnotherTry(new Error('disk full'))).toBe(false);
  });
});

describe('a link', () => {
  it('dials until it is connected, and again when the connection is lost', async () => {
    const { clock, reader, writer, copy, source, wires, dial } = await world();
    let fails = 5;
    const link = reader.connections.keep(() => (fails-- > 0 ? refused() : dial(writer)()));
    await clock.advance(60_000);
    expect(reader.told('retry').map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    for (const [i, { waitMs, error }] of reader.told('retry').entries()) {
      expect(waitMs).toBeLessThanOrEqual(500 * 2 ** i);
      expect(error).toMatchObject({ code: 'transport' });
    }
    expect(link.state).toBe('connected');
    expect([reader.count, writer.count]).toEqual([1, 1]);
    expect(copy.count()).toBe(50);
    expect(link.connection).toBe([...reader.connections][0]);
    expect(link.connection!.replication.traffic).toEqual({ downloaded: 50, uploaded: 0 });
    wires[0]!.cut();
    await settle();
    expect(link.state).toBe('waiting');
    expect(link.connection).toBeUndefined();
    await clock.advance(500);
    await source.append(Uint8Array.of(7));
    await settle();
    expect(copy.count()).toBe(51);
    expect(reader.events.map(({ type }) => type)).toEqual([
      ...Array(5).fill('retry'),
      'connected',
      'disconnected',
      'retry',
      'connected',
    ]);
    expect(reader.told('retry')[5]).toMatchObject({ attempt: 1 });
    await Promise.all([reader.connections.close(), writer.connections.close()]);
    expect(clock.pending).toBe(0);
  });

  it('gives up after as many attempts in a row as it is given', async () => {
    const { clock, reader } = await world();
    let dials = 0;
    const link = reader.connections.keep(
      () => {
        dials++;
        return refused();
      },
      { retries: 3 },
    );
    await clock.advance(60_000);
    expect(dials).toBe(4);
    expect(link.state).toBe('closed');
    expect(await outcome(link.closed)).toBeUndefined();
    expect(reader.events.at(-1)).toMatchObject({ type: 'gave-up', link, error: { code: 'transport' } });
    reader.connections.retry();
    await clock.advance(60_000);
    expect(dials).toBe(4);
    expect(clock.pending).toBe(0);
  });

  it('gives up at once where the other side speaks another protocol', async () => {
    const { clock, reader } = await world();
    const transport = new ScriptedTransport();
    transport.arrive(new TextEncoder().encode('SSH-2.0-OpenSSH_9.6\r\n'));
    reader.connections.keep(async () => transport);
    await settle();
    expect(reader.events).toMatchObject([{ type: 'gave-up', error: { code: 'dialect' } }]);
    expect(transport.aborts.length).toBeGreaterThan(0);
    expect(clock.pending).toBe(0);
  });

  it('dials again whatever else its own function throws', async () => {
    const { clock, reader, writer, dial } = await world();
    const faults: unknown[] = [new TypeError('fetch failed'), 'no', undefined];
    reader.connections.keep(() => {
      if (faults.length > 0) throw faults.shift();
      return dial(writer)();
    });
    await clock.advance(10_000);
    expect(reader.told('retry')).toHaveLength(3);
    expect(reader.count).toBe(1);
  });

  it('stops waiting for what does not connect in time, and lets go of what comes later', async () => {
    const { clock, reader } = await world();
    const [late] = memoryPair();
    let give!: (transport: Transport) => void;
    let signals = 0;
    reader.connections.keep(
      (signal) =>
        new Promise((resolve) => {
          give = resolve;
          signal.addEventListener('abort', () => signals++);
        }),
      { dialMs: 3000, retries: 0 },
    );
    await clock.advance(3000);
    expect(signals).toBe(1);
    expect(reader.events).toMatchObject([{ type: 'gave-up', error: { code: 'timeout' } }]);
    give(late);
    await settle();
    await expect(late.source[Symbol.asyncIterator]().next()).rejects.toThrow('nothing answered');
    expect(clock.pending).toBe(0);
  });

  it('dials at once when the app says so', async () => {
    const { clock, reader } = await world();
    let dials = 0;
    reader.connections.keep(() => {
      dials++;
      return refused();
    });
    while (reader.told('retry').length < 8) await clock.advance(1000);
    const before = dials;
    reader.connections.retry();
    await settle();
    expect(dials).toBe(before + 1);
    expect(reader.told('retry').at(-1)).toMatchObject({ attempt: 1 });
  });

  it('that is closed ends its connection, and others stay', async () => {
    const { clock, reader, writer, dial } = await world();
    const link = reader.connections.keep(dial(writer));
    await settle();
    link.close();
    await settle();
    expect(link.state).toBe('closed');
    expect([reader.count, writer.count]).toEqual([0, 0]);
    expect(reader.told('disconnected')).toMatchObject([{ reason: { code: 'closed' } }]);
    const again = reader.connections.keep(dial(writer));
    await settle();
    await again.connection!.close();
    expect(again.state).toBe('closed');
    await clock.advance(60_000);
    expect(reader.count).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('refuses what is no function and no number', async () => {
    const { reader } = await world();
    expect(() => reader.connections.keep(undefined as never)).toThrow(TypeError);
    expect(() => reader.connections.keep(refused, { retries: -1 })).toThrow(RangeError);
    expect(() => reader.connections.keep(refused, { dialMs: 0 })).toThrow(RangeError);
  });
});

describe('a connection', () => {
  it('is paused and resumed by itself', async () => {
    const { clock, reader, writer, copy, source, dial } = await world();
    reader.connections.keep(dial(writer));
    await settle();
    const [connection] = writer.connections;
    connection!.pause();
    expect(connection!.isPaused).toBe(true);
    await source.append(Uint8Array.of(1));
    await clock.advance(60_000);
    expect(copy.count()).toBe(50);
    connection!.resume();
    await settle();
    expect(copy.count()).toBe(51);
    expect([reader.count, writer.count]).toEqual([1, 1]);
  });

  it('is limited by itself', async () => {
    const { clock, reader, writer, copy, source, dial } = await world();
    reader.connections.keep(dial(writer));
    await settle();
    const [connection] = reader.connections;
    connection!.limit({ receive: 1000 });
    await source.append(new Uint8Array(10_000));
    await clock.advance(9000);
    expect(copy.count()).toBe(50);
    await clock.advance(2000);
    expect(copy.count()).toBe(51);
    expect([reader.count, writer.count]).toEqual([1, 1]);
  });
});

describe('closing', () => {
  it('ends whatever is under way: a dial, a wait, a handshake, a connection', async () => {
    const { clock, reader, writer, dial } = await world();
    const stuck = new ScriptedTransport();
    const incoming = new ScriptedTransport();
    let aborted = 0;
    reader.connections.keep((signal) => {
      signal.addEventListener('abort', () => aborted++);
      return new Promise(() => {});
    });
    reader.connections.keep(refused);
    reader.connections.keep(async () => stuck);
    reader.connections.add(incoming);
    reader.connections.keep(dial(writer));
    await settle();
    expect(reader.count).toBe(1);
    await reader.connections.close();
    expect(aborted).toBe(1);
    expect(stuck.aborts).not.toEqual([]);
    expect(incoming.aborts).not.toEqual([]);
    await writer.connections.close();
    expect(clock.pending).toBe(0);
    const [late, far] = memoryPair();
    reader.connections.add(late);
    await expect(far.source[Symbol.asyncIterator]().next()).rejects.toThrow();
    expect(() => reader.connections.keep(refused)).toThrow(TypeError);
    expect(reader.events.at(-1)?.type).toBe('disconnected');
  });

  it('tells of a transport that was added and came to nothing', async () => {
    const { reader } = await world();
    const transport = new ScriptedTransport();
    reader.connections.add(transport);
    transport.end();
    await settle();
    expect(reader.events).toMatchObject([{ type: 'refused', error: { code: 'refused' } }]);
  });
});
