/** Timers that come late: in a tab that nobody looks at, and on a machine that slept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../fake-clock.ts';
import { data, have, KEY, outcome, pair, say, scripted } from './peers.ts';
import type { ScriptedTransport } from './scripted.ts';

const HOUR = 3_600_000;
const zero = new Uint8Array(1);

/**
 * The timers of hypercore-protocol 6.12: every 1250 ms it looks whether anything came since it last looked, and
 * hangs up at the sixth look in vain; at the fourth look after it sent anything, it sends a keepalive.
 */
class ReferenceTimers {
  hasHungUp = false;
  #unsent = 0;
  #unreceived = 0;
  #seen = 0;
  readonly #clock: FakeClock;
  readonly #transport: ScriptedTransport;

  constructor(clock: FakeClock, transport: ScriptedTransport, phase: number) {
    this.#clock = clock;
    this.#transport = transport;
    clock.after(phase, () => this.#look());
  }

  send(bytes: Uint8Array): void {
    this.#unsent = 0;
    if (!this.hasHungUp) this.#transport.arrive(bytes);
  }

  #look(): void {
    if (this.#transport.written.length > this.#seen) this.#unreceived = 0;
    this.#seen = this.#transport.written.length;
    if (this.#unreceived > 4) {
      this.hasHungUp = true;
      this.#transport.end();
      return;
    }
    this.#unreceived++;
    if (this.#unsent > 2) this.send(zero);
    else this.#unsent++;
    this.#clock.after(1250, () => this.#look());
  }
}

describe('a hidden tab', () => {
  it('stays connected to hypercore-protocol 6, whenever it was hidden and whatever both say', async () => {
    const moments = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1250 }),
        fc.integer({ min: 0, max: 130_000 }),
        moments,
        moments,
        async (phase, hiddenAt, ours, theirs) => {
          const clock = new FakeClock();
          const { session, transport } = await scripted({ clock: clock.hidden(hiddenAt) });
          const channel = session.open(KEY);
          const reference = new ReferenceTimers(clock, transport, phase);
          let at = 0;
          for (const pause of ours) clock.after((at += pause), () => channel.send(have(at)));
          at = 0;
          for (const pause of theirs) clock.after((at += pause), () => reference.send(say(0, have(at))));
          await clock.advance(HOUR / 6);
          expect(reference.hasHungUp).toBe(false);
          expect(await outcome(session.closed)).toBe('pending');
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    ['one side', true, false],
    ['the other', false, true],
    ['both sides', true, true],
  ])('stays connected to another of ours: %s', async (_, isLeftHidden, isRightHidden) => {
    const clock = new FakeClock();
    const clockOf = (isHidden: boolean) => (isHidden ? clock.hidden() : clock);
    const sessions = await pair({ clock: clockOf(isLeftHidden) }, { clock: clockOf(isRightHidden) });
    await clock.advance(HOUR);
    for (const session of sessions) expect(await outcome(session.closed)).toBe('pending');
    for (const session of sessions) session.abort();
    expect(clock.pending).toBe(0);
  });

  it('notices a remote that is gone, at its second timer', async () => {
    const clock = new FakeClock();
    const { session, transport } = await scripted({ clock: clock.hidden() });
    await clock.advance(30_000);
    transport.arrive(zero);
    await clock.advance(89_999);
    expect(await outcome(session.closed)).toBe('pending');
    await clock.advance(60_001);
    expect(await outcome(session.closed)).toMatchObject({ code: 'failed', error: { code: 'timeout' } });
    expect(clock.pending).toBe(0);
  });
});

describe('a machine that slept', () => {
  it('asks at once whether the remote is there, and goes on if it is', async () => {
    const { session, transport, clock } = await scripted();
    await clock.advance(1000);
    const before = transport.written.length;
    clock.sleep(HOUR);
    await settle();
    expect(transport.written.slice(before)).toEqual([zero]);
    await clock.advance(7499);
    transport.arrive(zero);
    await clock.advance(7499);
    expect(await outcome(session.closed)).toBe('pending');
  });

  it('ends with a remote that is gone, one deadline after it woke', async () => {
    const { session, clock } = await scripted();
    clock.sleep(HOUR);
    await clock.advance(7499);
    expect(await outcome(session.closed)).toBe('pending');
    await clock.advance(1);
    expect(await outcome(session.closed)).toMatchObject({ code: 'failed', error: { code: 'timeout' } });
    expect(clock.pending).toBe(0);
  });

  it('still sends what was queued before a close', async () => {
    const { session, transport, clock } = await scripted();
    await settle();
    transport.allow(0);
    for (let i = 0; i < 3; i++) session.open(KEY).send(data(i, 70_000));
    const closed = session.close();
    await clock.advance(1000);
    clock.sleep(HOUR);
    expect(await outcome(closed)).toBe('pending');
    await clock.advance(7000);
    transport.allow(Number.POSITIVE_INFINITY);
    transport.end();
    expect(await outcome(closed)).toEqual({ code: 'closed' });
    expect(transport.packets.filter(({ message }) => message.type === 'data')).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });

  it('gives a close up one deadline after it woke', async () => {
    const { session, transport, clock } = await scripted();
    await settle();
    transport.allow(0);
    for (let i = 0; i < 3; i++) session.open(KEY).send(data(i, 70_000));
    void session.close();
    clock.sleep(HOUR);
    await clock.advance(7500);
    expect(await outcome(session.closed)).toMatchObject({ code: 'failed', error: { code: 'timeout' } });
    expect(clock.pending).toBe(0);
  });
});
