/** Two connections to one peer are one too many: which of them goes, and who may not make it go. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Connections, Feed, memoryPair, memoryStorage } from '../../src/index.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { outcome } from '../session/peers.ts';
import { Host, Wire, world } from './network.ts';

const both = [
  ['the writer', 2, 1],
  ['the reader', 1, 2],
] as const;

describe('of several connections to one peer', () => {
  it('both sides keep the same one, whoever dials, however often and however late', async () => {
    const delays = fc.infiniteStream(fc.integer({ min: 0, max: 900 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 3 }),
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 3 }),
        fc.boolean(),
        delays,
        async (fromWriter, fromReader, isWriterLarger, delay) => {
          const latency = (): number => delay.next().value as number;
          const ids = isWriterLarger ? { writerId: 2, readerId: 1 } : { writerId: 1, readerId: 2 };
          const { clock, writer, reader, copy, wires, dial } = await world({ ...ids, latency });
          for (const at of fromWriter) clock.after(at, () => writer.connections.keep(dial(reader)));
          for (const at of fromReader) clock.after(at, () => reader.connections.keep(dial(writer)));
          const links = fromWriter.length + fromReader.length;
          await clock.advance(60_000);
          expect([writer.count, reader.count]).toEqual(links > 0 ? [1, 1] : [0, 0]);
          if (links === 0) return;
          expect(copy.count()).toBe(50);
          // It is the same one: what one side drops now, the other loses.
          const dials = wires.length;
          // Each link dialed once, and then rested; twice where it did not know yet of the one that was kept.
          expect(dials).toBeLessThanOrEqual(2 * links);
          await clock.advance(60_000);
          expect(wires.length).toBe(dials);
          const [kept] = writer.connections;
          const [keptThere] = reader.connections;
          kept!.replication.abort();
          await clock.advance(1000);
          // Among others, by then: a link dials again after a random time.
          const lost = reader.told('disconnected').map(({ connection }) => connection);
          expect(lost).toContain(keptThere);
          const closed = Promise.all([writer.connections.close(), reader.connections.close()]);
          await clock.advance(10_000);
          await closed;
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it.each(both)('one side tells of it, and the others rest until the last has ended: %s', async (_, w, r) => {
    const { clock, writer, reader, wires, dial } = await world({ writerId: w, readerId: r });
    const links = [1, 2, 3].map(() => reader.connections.keep(dial(writer)));
    await clock.advance(20_000);
    const decider = w > r ? writer : reader;
    expect(decider.told('duplicate')).toHaveLength(2);
    expect([...writer.told('duplicate'), ...reader.told('duplicate')]).toHaveLength(2);
    expect(links.map(({ state }) => state).sort()).toEqual(['connected', 'resting', 'resting']);
    await clock.advance(300_000);
    expect(wires).toHaveLength(3);
    wires[links.findIndex(({ state }) => state === 'connected')]!.cut();
    await clock.advance(20_000);
    expect(links.map(({ state }) => state).sort()).toEqual(['connected', 'resting', 'resting']);
    expect([writer.count, reader.count]).toEqual([1, 1]);
  });

  it.each(both)('the one that died in silence goes, and never the fresh one: %s decides', async (_, w, r) => {
    const { clock, writer, reader, copy, source, wires, dial } = await world({ writerId: w, readerId: r });
    const link = reader.connections.keep(dial(writer));
    await clock.advance(20_000);
    // The reader changes to another network: it knows, and the writer does not.
    wires[0]!.die();
    link.connection!.replication.abort(new Error('the network changed'));
    reader.connections.keep(dial(writer));
    await clock.advance(1000);
    expect(writer.count).toBe(2);
    await source.append(Uint8Array.of(1));
    await settle();
    expect(copy.count()).toBe(51);
    await clock.advance(20_000);
    expect([writer.count, reader.count]).toEqual([1, 1]);
    expect([...writer.told('duplicate'), ...reader.told('duplicate')]).toEqual([]);
    expect(writer.told('disconnected')).toMatchObject([{ reason: { error: { code: 'timeout' } } }]);
    await Promise.all([writer.connections.close(), reader.connections.close()]);
  });

  it('one without an id is never one too many', async () => {
    const { clock, writer, copy } = await world();
    for (let i = 0; i < 2; i++) {
      const wire = new Wire(clock, () => 0);
      const nameless = new Host({ feeds: copy, clock, id: new Uint8Array(0) });
      writer.connections.add(wire.ends[0]);
      nameless.connections.add(wire.ends[1]);
    }
    await clock.advance(60_000);
    expect(writer.count).toBe(2);
  });
});

describe('who has copied the id of another peer', () => {
  const impostorOf = async (source: Feed, clock: FakeClock, id: number): Promise<Host> =>
    new Host({
      feeds: await Feed.open(memoryStorage(), { key: source.key, sparse: true }),
      clock,
      id: new Uint8Array(32).fill(id),
    });

  it.each(both)(
    'does not get a healthy connection closed, dialed or not: %s has the larger id',
    async (_, w, r) => {
      for (const isDialed of [true, false]) {
        const { clock, writer, reader, source, copy, dial } = await world({ writerId: w, readerId: r });
        if (isDialed) writer.connections.keep(dial(reader));
        else reader.connections.keep(dial(writer));
        await clock.advance(20_000);
        const [real] = writer.connections;
        const impostor = await impostorOf(source, clock, r);
        for (let i = 0; i < 3; i++) impostor.connections.keep(dial(writer));
        await clock.advance(60_000);
        // It comes again and again, and each of its own stays for two deadlines at most.
        const ended = writer.told('disconnected').map(({ connection }) => connection);
        expect(ended.length).toBeGreaterThan(2);
        expect(ended).not.toContain(real);
        expect(writer.told('duplicate').map(({ connection }) => connection)).not.toContain(real);
        expect(await outcome(real!.closed)).toBe('pending');
        await source.append(Uint8Array.of(1));
        await settle();
        expect(copy.count()).toBe(51);
        await Promise.all([writer, reader, impostor].map(({ connections }) => connections.close()));
        expect(clock.pending).toBe(0);
      }
    },
  );

  it.each(both)(
    'gives way to a link of this side, if it came first: %s has the larger id',
    async (_, w, r) => {
      const { clock, writer, reader, source, copy, dial } = await world({ writerId: w, readerId: r });
      const impostor = await impostorOf(source, clock, r);
      impostor.connections.keep(dial(writer));
      await clock.advance(20_000);
      writer.connections.keep(dial(reader));
      await clock.advance(60_000);
      const { kept } = writer.told('duplicate')[0]!;
      expect(kept.link).toBeDefined();
      expect([...writer.connections]).toContain(kept);
      expect(copy.count()).toBe(50);
      await Promise.all([writer, reader, impostor].map(({ connections }) => connections.close()));
    },
  );
});

describe('a connection to oneself', () => {
  it('is refused, and not dialed again', async () => {
    const feed = await Feed.create(memoryStorage());
    const host = new Host({ feeds: feed, clock: new FakeClock() });
    host.connections.keep(async () => {
      const [near, far] = memoryPair();
      host.connections.add(far);
      return near;
    });
    await settle();
    expect(host.told('gave-up').length + host.told('refused').length).toBe(2);
    expect(host.told('gave-up')).toMatchObject([
      { error: { code: expect.stringMatching(/echo|transport|refused/) } },
    ]);
  });
});

describe('the options', () => {
  it('are looked at', () => {
    expect(() => new Connections({ feeds: 7 as never })).toThrow(TypeError);
  });

  it('make a new id each time', async () => {
    const feed = await Feed.create(memoryStorage());
    const copy = await Feed.open(memoryStorage(), { key: feed.key });
    const ids = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const clock = new FakeClock();
      const [a, b] = [new Host({ feeds: feed, clock }), new Host({ feeds: [copy], clock })];
      for (let j = 0; j < 2; j++) {
        const wire = new Wire(clock, () => 0);
        a.connections.add(wire.ends[0]);
        b.connections.add(wire.ends[1]);
      }
      await settle();
      const seen = new Set(b.told('connected').map(({ connection }) => connection.id));
      expect(seen.size).toBe(1);
      for (const id of seen) ids.add(id);
      await Promise.all([a.connections.close(), b.connections.close()]);
    }
    expect(ids.size).toBe(3);
  });
});
