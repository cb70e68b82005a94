import { describe, expect, it } from 'vitest';
import { connect } from '../../src/session/session.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { crypto, data, have, KEY, NAME, outcome, say, scripted } from './peers.ts';
import { ScriptedTransport } from './scripted.ts';

const zero = new Uint8Array(1);

describe('keepalives', () => {
  it('go out before five seconds of silence are over, and hardly more often than something comes', async () => {
    const { session, transport, clock } = await scripted();
    const channel = session.open(KEY);
    const sentAt: number[] = [];
    let seen = transport.written.length;
    for (let step = 0; step < 2000; step++) {
      await clock.advance(50);
      if (transport.written.length > seen) sentAt.push(clock.now());
      seen = transport.written.length;
      transport.arrive(zero);
      // With ever longer pauses, up to 15 s.
      if (Number.isInteger(Math.sqrt(step / 5))) channel.send(have(step));
    }
    const gaps = sentAt.map((at, i) => at - (sentAt[i - 1] ?? 0));
    expect(gaps.length).toBeGreaterThan(20);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5000);
    const kept = transport.packets.filter(({ message }) => message.type === 'keepalive').length;
    expect(kept).toBeGreaterThan(5);
    // Something comes all the time, and each answer lasts for a while.
    expect(kept).toBeLessThanOrEqual(100_000 / 750);
  });

  it('answer a remote that seldom speaks once each, and one that is silent on time', async () => {
    const { transport, clock } = await scripted();
    const kept = (): number => transport.packets.filter(({ message }) => message.type === 'keepalive').length;
    await settle();
    for (let i = 1; i <= 20; i++) {
      await clock.advance(3000);
      transport.arrive(zero);
      await settle();
      expect(kept()).toBe(i);
    }
    await clock.advance(3749);
    expect(kept()).toBe(20);
    await clock.advance(1);
    expect(kept()).toBe(21);
  });

  it('begin with the first Feed: a side that waits to be told sends none', async () => {
    const transport = new ScriptedTransport();
    const clock = new FakeClock();
    const connecting = connect(transport, { keys: () => KEY, encrypted: false, crypto, clock });
    await clock.advance(7000);
    expect(transport.written).toEqual([]);
    transport.arrive(say(0, { type: 'feed', discoveryKey: NAME }), say(0, { type: 'handshake' }));
    await connecting;
    await clock.advance(3750);
    expect(transport.packets.map(({ message }) => message.type)).toEqual(['feed', 'handshake', 'keepalive']);
  });

  it('do not pile up while the transport takes nothing', async () => {
    const { transport, clock } = await scripted();
    await settle();
    transport.allow(0);
    for (let i = 0; i < 20; i++) {
      transport.arrive(zero);
      await clock.advance(5000);
    }
    transport.allow(Number.POSITIVE_INFINITY);
    await settle();
    expect(transport.packets.filter(({ message }) => message.type === 'keepalive').length).toBeLessThan(3);
  });

  it('go on while this side reads nothing', async () => {
    const { session, transport, clock } = await scripted({ limits: { channelBytes: 1000 } });
    session.open(KEY).receive(() => new Promise(() => {}));
    for (let i = 0; i < 50; i++) transport.arrive(say(0, data(i, 500)));
    await settle();
    const { reads } = transport;
    await clock.advance(60_000);
    expect(transport.reads).toBe(reads);
    expect(reads).toBeLessThan(10);
    expect(transport.packets.filter(({ message }) => message.type === 'keepalive')).toHaveLength(16);
    expect(await outcome(session.closed)).toBe('pending');
  });
});

describe('the idle deadline', () => {
  it('ends the session when nothing came for that long, not before', async () => {
    const { session, clock } = await scripted();
    await clock.advance(7499);
    expect(await outcome(session.closed)).toBe('pending');
    await clock.advance(1);
    expect(await outcome(session.closed)).toMatchObject({ code: 'failed', error: { code: 'timeout' } });
    expect(clock.pending).toBe(0);
  });

  it('is put off by any byte, also one inside a frame', async () => {
    const { session, transport, clock } = await scripted({ limits: { idleMs: 1000, keepaliveMs: 500 } });
    const received: unknown[] = [];
    session.open(KEY).receive((batch) => void received.push(...batch));
    for (const byte of say(0, have(300))) {
      await clock.advance(999);
      transport.arrive(Uint8Array.of(byte));
      await settle();
    }
    expect(received).toMatchObject([{ start: 300 }]);
    await clock.advance(999);
    expect(await outcome(session.closed)).toBe('pending');
    await clock.advance(1);
    expect(await outcome(session.closed)).toMatchObject({ error: { code: 'timeout' } });
  });

  it('stands still while this side does not read, and starts anew when it reads again', async () => {
    const { session, transport, clock } = await scripted({ limits: { channelBytes: 1000 } });
    let release!: () => void;
    session.open(KEY).receive(
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    );
    for (let i = 0; i < 5; i++) transport.arrive(say(0, data(i, 900)));
    await clock.advance(100_000);
    expect(await outcome(session.closed)).toBe('pending');
    while (transport.reads < 7) {
      release();
      await settle();
    }
    release();
    await settle();
    await clock.advance(7499);
    expect(await outcome(session.closed)).toBe('pending');
    await clock.advance(1);
    expect(await outcome(session.closed)).toMatchObject({ error: { code: 'timeout' } });
  });

  it('holds before the first word too', async () => {
    const transport = new ScriptedTransport();
    const clock = new FakeClock();
    const connecting = connect(transport, { key: KEY, crypto, clock });
    const result = connecting.catch((error) => error);
    await clock.advance(7500);
    expect(await outcome(result)).toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/answer/),
    });
    expect(clock.pending).toBe(0);
    expect(transport.aborts).toHaveLength(1);
  });

  it('costs no timer a message', async () => {
    const { session, transport, clock } = await scripted();
    const before = clock.pending;
    for (let i = 0; i < 100; i++) {
      transport.arrive(say(0, have(i)));
      session.open(KEY).send(have(i));
    }
    await settle();
    expect(clock.pending).toBe(before);
    expect(before).toBe(1);
  });
});
