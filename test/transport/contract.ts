/** What every transport does, run over each kind. */
import { getEventListeners } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Transport } from '../../src/stream/transport.ts';

/** Two ends of one connection. */
export interface Ends {
  readonly here: Transport;
  readonly there: Transport;
  /** What each transport listens on, where it wraps something. */
  readonly emitters?: readonly [NodeJS.EventEmitter, NodeJS.EventEmitter];
  cleanup?(): Promise<void>;
}

export interface Kind {
  make(): Promise<Ends>;
  /** The most that a writer gets rid of while nobody reads: what the platform buffers, and some. */
  readonly bufferedBytes: number;
  /** What a read of the other side makes of an abort. TCP sends the same end as after a proper close. */
  readonly readOnAbort: 'rejected' | 'resolved';
}

export async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** Yields nothing until `end` is called. */
export function held(): { chunks: AsyncIterable<Uint8Array>; returned: () => boolean; end: () => void } {
  let end!: () => void;
  let isReturned = false;
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => ending.then(() => ({ done: true, value: undefined })),
    return: async () => {
      isReturned = true;
      return { done: true, value: undefined };
    },
  };
  return { chunks: { [Symbol.asyncIterator]: () => iterator }, returned: () => isReturned, end };
}

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The outcome of a promise, or 'pending' where it has none after a while. */
export async function settled(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([
    promise.then(
      () => 'resolved',
      () => 'rejected',
    ),
    sleep(2000, 'pending'),
  ]);
}

/** Listeners by event, for the events that a transport listens to. */
function listeners(emitter: NodeJS.EventEmitter): Record<string, number> {
  const events = ['error', 'close', 'drain', 'finish'];
  return Object.fromEntries(events.map((event) => [event, getEventListeners(emitter, event).length]));
}

export function transportContract(name: string, { make, bufferedBytes, readOnAbort }: Kind): void {
  describe(`${name} keeps the contract of Transport`, () => {
    const made: Ends[] = [];
    const open = async (): Promise<Ends> => {
      const ends = await make();
      made.push(ends);
      return ends;
    };
    const close = async ({ here, there, cleanup }: Ends): Promise<void> => {
      here.abort();
      there.abort();
      await cleanup?.();
    };
    afterEach(async () => {
      await Promise.all(made.splice(0).map(close));
      // A rejection that nobody handled would be reported by now, and fail the run.
      await turn();
    });

    test('bytes arrive in order, in any chunking, both ways at once', async () => {
      const chunking = fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 12 });
      const bytesOf = (lengths: readonly number[]) => {
        let next = 0;
        return lengths.map((length) => Uint8Array.from({ length }, () => next++ % 251));
      };
      await fc.assert(
        fc.asyncProperty(chunking, chunking, async (out, back) => {
          const ends = await make();
          const { here, there } = ends;
          try {
            const [forth, answer] = await Promise.all([
              readAll(there.source),
              readAll(here.source),
              here.sink(chunksOf(...bytesOf(out))),
              there.sink(chunksOf(...bytesOf(back))),
            ]);
            expect(Buffer.compare(forth, Buffer.concat(bytesOf(out)))).toBe(0);
            expect(Buffer.compare(answer, Buffer.concat(bytesOf(back)))).toBe(0);
          } finally {
            await close(ends);
          }
        }),
        { numRuns: 15 },
      );
    });

    test('a chunk that was read may be overwritten', async () => {
      const { here, there } = await open();
      const sent = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
      const expected = sent.slice();
      const [all] = await Promise.all([
        (async () => {
          const read: number[] = [];
          for await (const chunk of there.source) {
            read.push(...chunk);
            chunk.fill(0xff);
          }
          return read;
        })(),
        here.sink(chunksOf(sent.slice(0, 300), sent.slice(300))),
      ]);
      expect(all).toEqual([...expected]);
    });

    test('our end leaves the other direction open', async () => {
      const { here, there } = await open();
      const sinking = here.sink(chunksOf());
      expect(await readAll(there.source)).toHaveLength(0);
      await sinking;
      const answer = there.sink(chunksOf(Uint8Array.of(1), Uint8Array.of(2)));
      expect([...(await readAll(here.source))]).toEqual([1, 2]);
      await answer;
    });

    test('their end leaves our direction open', async () => {
      const { here, there } = await open();
      await Promise.all([there.sink(chunksOf()), readAll(here.source)]);
      const [read] = await Promise.all([
        readAll(there.source),
        here.sink(chunksOf(new Uint8Array(200_000).fill(3))),
      ]);
      expect(read).toHaveLength(200_000);
      expect(read.every((byte) => byte === 3)).toBe(true);
    });

    test('ends on both sides at once', async () => {
      const { here, there } = await open();
      const outcomes = await Promise.all([
        settled(here.sink(chunksOf())),
        settled(there.sink(chunksOf())),
        settled(readAll(here.source)),
        settled(readAll(there.source)),
      ]);
      expect(outcomes).toEqual(['resolved', 'resolved', 'resolved', 'resolved']);
    });

    test('a slow reader holds the writer back', async () => {
      const { here, there } = await open();
      let pulled = 0;
      async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
        for (;;) {
          pulled += 65_536;
          yield new Uint8Array(65_536);
          // Lets the sockets move.
          if (pulled % 1_048_576 === 0) await turn();
        }
      }
      const sinking = here.sink(endless());
      sinking.catch(() => {});
      let before = -1;
      while (before !== pulled && pulled <= bufferedBytes) {
        before = pulled;
        await sleep(100);
      }
      expect(pulled).toBeLessThanOrEqual(bufferedBytes);
      const reader = there.source[Symbol.asyncIterator]();
      for (let read = 0; read < bufferedBytes + 1_048_576; ) read += (await reader.next()).value!.byteLength;
      expect(pulled).toBeGreaterThan(bufferedBytes);
    });

    test('abort settles a read and a write that wait, and the other side is cut', async () => {
      const { here, there } = await open();
      const { chunks, end } = held();
      const reading = readAll(here.source);
      const writing = here.sink(chunks);
      const theirs = readAll(there.source);
      reading.catch(() => {});
      writing.catch(() => {});
      theirs.catch(() => {});
      await sleep(20);
      here.abort(new Error('enough'));
      expect(await Promise.all([reading, writing, theirs].map(settled))).toEqual([
        'rejected',
        'rejected',
        readOnAbort,
      ]);
      end();
    });

    test('abort settles a write that the other side holds back', async () => {
      const { here } = await open();
      const writing = here.sink(
        (async function* () {
          for (;;) yield new Uint8Array(1_048_576);
        })(),
      );
      writing.catch(() => {});
      await sleep(50);
      here.abort();
      expect(await settled(writing)).toBe('rejected');
    });

    test('abort settles a side that is used only afterwards', async () => {
      const { here, there } = await open();
      here.abort();
      await sleep(20);
      expect(await settled(readAll(here.source))).toBe('rejected');
      expect(await settled(readAll(there.source))).toBe(readOnAbort);
      expect(await settled(here.sink(held().chunks))).toBe('rejected');
    });

    test('abort is idempotent, also after both ends, and leaves no listener', async () => {
      const never = await open();
      for (let times = 0; times < 3; times++) never.here.abort();
      never.there.abort();
      const used = await open();
      await Promise.all([
        used.here.sink(chunksOf(Uint8Array.of(1))),
        used.there.sink(chunksOf()),
        readAll(used.here.source),
        readAll(used.there.source),
      ]);
      for (const side of [used.here, used.there, used.here]) side.abort();
      const cut = await open();
      // Only written to: a stream that is destroyed while it is iterated keeps the listeners of Node's own.
      const writing = cut.here.sink(held().chunks);
      await sleep(20);
      cut.here.abort(new Error('enough'));
      expect(await settled(writing)).toBe('rejected');
      cut.there.abort();
      await sleep(50);
      for (const emitter of [never, used, cut].flatMap(({ emitters = [] }) => emitters)) {
        expect(listeners(emitter)).toEqual({ error: 0, close: 0, drain: 0, finish: 0 });
      }
    });

    test('a sink whose chunks throw rejects with that, and aborts the connection', async () => {
      const { here, there } = await open();
      const reading = readAll(there.source);
      reading.catch(() => {});
      const sinking = here.sink(
        (async function* () {
          yield Uint8Array.of(1);
          throw new Error('no more');
        })(),
      );
      await expect(sinking).rejects.toThrow('no more');
      expect(await settled(reading)).toBe(readOnAbort);
    });
  });
}
