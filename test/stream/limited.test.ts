import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/stream/clock.ts';
import { type LimitedTransport, limited } from '../../src/stream/limited.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { FakeClock, settle } from '../fake-clock.ts';

interface Run {
  readonly line: LimitedTransport;
  /** Bytes and the times at which they came through. */
  readonly passed: { readonly at: number; readonly bytes: number }[];
  readonly bytes: number[];
  total(): number;
}

/** Chunks of these sizes go through a transport, in one direction, as fast as it takes them. */
function run(
  sizes: readonly number[],
  direction: 'receive' | 'send',
  clock: FakeClock,
  own: Clock = clock,
): Run {
  const [near, far] = memoryPair();
  const line = limited(near, own);
  const [from, to] = direction === 'send' ? [line, far] : [far, line];
  const passed: { at: number; bytes: number }[] = [];
  const bytes: number[] = [];
  let next = 0;
  const chunks = (async function* () {
    for (const size of sizes) yield Uint8Array.from({ length: size }, () => next++);
  })();
  from.sink(chunks).catch(() => {});
  void (async () => {
    for await (const chunk of to.source) {
      passed.push({ at: clock.now(), bytes: chunk.byteLength });
      bytes.push(...chunk);
    }
  })().catch(() => {});
  return { line, passed, bytes, total: () => bytes.length };
}

const directions = fc.constantFrom('receive', 'send');

describe('a limit', () => {
  it('holds over every time, in both directions, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 5000 }),
        directions,
        async (sizes, rate, direction) => {
          const clock = new FakeClock();
          const { line, passed, bytes, total } = run(sizes, direction, clock);
          line.limit({ [direction]: rate });
          await clock.advance(10_000);
          const all = sizes.reduce((sum, size) => sum + size, 0);
          // What may pass at once is worth 250 ms, and timers count in whole ones.
          const most = (ms: number): number => (rate * (ms + 251)) / 1000 + 1;
          for (const [i, { at }] of passed.entries()) {
            let sum = 0;
            for (const later of passed.slice(i)) {
              sum += later.bytes;
              expect(sum).toBeLessThanOrEqual(most(later.at - at));
            }
          }
          expect(total()).toBeGreaterThanOrEqual(Math.min(all, rate * 10 - rate / 4 - 1));
          line.limit({});
          await settle();
          expect(bytes).toEqual(Array.from({ length: all }, (_, i) => i % 256));
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([1, 3, 40, 1000])('of %d bytes a second still shows a byte every second', async (rate) => {
    const clock = new FakeClock();
    const { line, passed } = run([100_000], 'send', clock);
    line.limit({ send: rate });
    await clock.advance(20_000);
    const gaps = passed.map(({ at }, i) => at - (passed[i - 1]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1000);
    line.abort();
  });

  it('is the same on average where timers come once a minute, and sooner where something is received', async () => {
    const clock = new FakeClock();
    const { line, total } = run([1_000_000], 'send', clock, clock.hidden());
    line.limit({ send: 1000 });
    await clock.advance(600_000);
    expect(total()).toBeGreaterThan(599_000);
    expect(total()).toBeLessThanOrEqual(600_250);
    line.abort();

    const [near, far] = memoryPair();
    const busy = limited(near, clock.hidden());
    busy.limit({ send: 100 });
    let sent = 0;
    void (async () => {
      for await (const chunk of far.source) sent += chunk.byteLength;
    })().catch(() => {});
    void (async () => {
      for await (const _ of busy.source);
    })().catch(() => {});
    let say = (): void => {};
    void far
      .sink(
        (async function* () {
          for (;;) {
            await new Promise<void>((resolve) => {
              say = resolve;
            });
            yield new Uint8Array(1);
          }
        })(),
      )
      .catch(() => {});
    void busy
      .sink(
        (async function* () {
          yield new Uint8Array(100_000);
        })(),
      )
      .catch(() => {});
    await settle();
    const before = sent;
    await clock.advance(5000);
    expect(sent).toBe(before);
    say();
    await settle();
    expect(sent - before).toBe(500);
    busy.abort();
    await settle();
    expect(clock.pending).toBe(0);
  });

  it('can be changed while something waits for it', async () => {
    const clock = new FakeClock();
    const { line, total } = run([100_000], 'receive', clock);
    line.limit({ receive: 1 });
    await clock.advance(3000);
    expect(total()).toBe(3);
    line.limit({ receive: 1000 });
    await clock.advance(3000);
    expect(total()).toBe(3003);
    line.limit({});
    await settle();
    expect(total()).toBe(100_000);
  });

  it('is held by backpressure', async () => {
    let pulled = 0;
    const clock = new FakeClock();
    const [near, far] = memoryPair();
    const line = limited(near, clock);
    line.limit({ send: 100, receive: 100 });
    const source = async function* () {
      for (;;) {
        pulled++;
        yield new Uint8Array(1000);
      }
    };
    void far.sink(source()).catch(() => {});
    void (async () => {
      for await (const _ of line.source);
    })().catch(() => {});
    await clock.advance(25_000);
    expect(pulled).toBe(3);
    line.abort();
    await settle();
    expect(clock.pending).toBe(0);
  });

  it('is a whole number from 1', () => {
    const line = limited(memoryPair()[0], new FakeClock());
    expect(() => line.limit({ send: 0 })).toThrow(RangeError);
    expect(() => line.limit({ receive: 1.5 })).toThrow(RangeError);
    expect(() => line.limit({ receive: '5' as unknown as number })).toThrow(TypeError);
  });
});
