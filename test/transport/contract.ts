/**
 * What every transport does, run over each kind, on Node and in a page: no imports but what runs in both.
 * A case throws where the transport does not keep the contract.
 */
import fc from 'fast-check';
import { concat } from 'uint8arrays/concat';
import { equals } from 'uint8arrays/equals';
import type { Transport } from '../../src/stream/transport.ts';

/** Two ends of one connection. */
export interface Ends {
  readonly here: Transport;
  readonly there: Transport;
  /** Listeners and timers that the two hold now, where they can be counted. */
  leftovers?(): number;
  /** The other end goes without a word: its process is killed, its cable is cut. */
  vanish?(): void;
  cleanup?(): Promise<void>;
}

export interface Kind {
  make(): Promise<Ends>;
  /**
   * The most that a writer gets rid of while nobody reads: what the platform buffers, and some. Unknown where the
   * platform cannot pause: what came and was not handed to the page yet is as much as the machine is behind.
   */
  readonly bufferedBytes?: number;
  /** What a slow reader does: it holds the writer back, or its queue overflows where its platform cannot pause. */
  readonly onSlowReader: 'waits' | 'overflows';
  /** What a read of the other side makes of an abort. TCP sends the same end as after a proper close. */
  readonly readOnAbort: 'rejected' | 'resolved';
  /** Bytes that are sent through at full speed: 256 MiB, or fewer where those would take too long. */
  readonly bulkBytes?: number;
  /** Bytes of memory in use once what nobody holds was collected, where the platform tells. Takes a while. */
  memory?(): number;
}

/** One thing that a transport does. */
export interface Case {
  readonly name: string;
  run(kind: Kind): Promise<void>;
}

const MIB = 1_048_576;
/** How often to look at the memory while a lot of bytes go through. */
const LOOKS = 8;

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
  return concat(chunks);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How a promise ends, or 'pending' where it does not within a while, which is long for a machine that is busy. */
export async function settled(promise: Promise<unknown>): Promise<'resolved' | 'rejected' | 'pending'> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pending = new Promise<'pending'>((resolve) => {
    timer = setTimeout(() => resolve('pending'), 40_000);
  });
  const outcome = promise.then(
    () => 'resolved' as const,
    () => 'rejected' as const,
  );
  return Promise.race([outcome, pending]).finally(() => clearTimeout(timer));
}

/** Resolves once it holds, or after a while that is long for a machine that is busy. */
async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000 && !holds(); tries++) await sleep(10);
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`expected ${what}`);
}

function same(actual: unknown, expected: unknown): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(got === wanted, `${wanted}, got ${got}`);
}

function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  check(
    equals(actual, expected),
    `the ${expected.byteLength} bytes that were sent, got ${actual.byteLength}`,
  );
}

/** The kind, and connections of it that are let go after the case. */
interface Setting {
  readonly kind: Kind;
  open(): Promise<Ends>;
}

function scenario(name: string, act: (setting: Setting) => Promise<void>): Case {
  return {
    name,
    async run(kind) {
      const made: Ends[] = [];
      const open = async (): Promise<Ends> => {
        const ends = await kind.make();
        made.push(ends);
        return ends;
      };
      try {
        await act({ kind, open });
      } finally {
        for (const { here, there } of made) for (const side of [here, there]) side.abort();
        await Promise.all(made.map(({ cleanup }) => cleanup?.()));
        // A rejection that nobody handled is reported by now, and fails the run.
        await sleep(0);
      }
    },
  };
}

/** Chunks of these lengths, of bytes that count on. */
function numbered(lengths: readonly number[]): Uint8Array[] {
  let next = 0;
  return lengths.map((length) => {
    const chunk = new Uint8Array(length);
    for (let i = 0; i < length; i++) chunk[i] = next++ % 251;
    return chunk;
  });
}

export const contract: readonly Case[] = [
  scenario('bytes arrive in order, in any chunking, both ways at once', async ({ open }) => {
    const chunking = fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(chunking, chunking, async (out, back) => {
        const { here, there } = await open();
        const [forth, answer] = await Promise.all([
          readAll(there.source),
          readAll(here.source),
          here.sink(chunksOf(...numbered(out))),
          there.sink(chunksOf(...numbered(back))),
        ]);
        sameBytes(forth, concat(numbered(out)));
        sameBytes(answer, concat(numbered(back)));
      }),
      { numRuns: 15 },
    );
  }),

  scenario('a chunk that was read may be overwritten', async ({ open }) => {
    const { here, there } = await open();
    const sent = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    const overwrite = async (): Promise<number[]> => {
      const read: number[] = [];
      for await (const chunk of there.source) {
        read.push(...chunk);
        chunk.fill(0xff);
      }
      return read;
    };
    const [all] = await Promise.all([overwrite(), here.sink(chunksOf(sent.slice(0, 300), sent.slice(300)))]);
    same(all, [...sent]);
  }),

  scenario('a chunk may be a view, and what is around it stays as it is', async ({ open }) => {
    const { here, there } = await open();
    const whole = new Uint8Array(3000).fill(7);
    const [read] = await Promise.all([
      readAll(there.source),
      here.sink(chunksOf(whole.subarray(0, 1000), whole.subarray(2000))),
    ]);
    sameBytes(read, new Uint8Array(2000).fill(7));
    same([whole.byteLength, whole[1000], whole[1999]], [3000, 7, 7]);
  }),

  scenario('our end leaves the other direction open', async ({ open }) => {
    const { here, there } = await open();
    const sinking = here.sink(chunksOf());
    same((await readAll(there.source)).byteLength, 0);
    await sinking;
    const answer = there.sink(chunksOf(Uint8Array.of(1), Uint8Array.of(2)));
    same([...(await readAll(here.source))], [1, 2]);
    await answer;
  }),

  scenario('their end leaves our direction open', async ({ open }) => {
    const { here, there } = await open();
    await Promise.all([there.sink(chunksOf()), readAll(here.source)]);
    const [read] = await Promise.all([readAll(there.source), here.sink(chunksOf(...numbered([200_000])))]);
    sameBytes(read, numbered([200_000])[0]!);
  }),

  scenario('ends on both sides at once', async ({ open }) => {
    const { here, there } = await open();
    const all = [here.sink(chunksOf()), there.sink(chunksOf()), readAll(here.source), readAll(there.source)];
    same(await Promise.all(all.map(settled)), ['resolved', 'resolved', 'resolved', 'resolved']);
  }),

  scenario('a side that lets go once it is done takes nothing from the other', async ({ open }) => {
    const lengths = fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 4 });
    const delay = fc.integer({ min: 0, max: 5 });
    await fc.assert(
      fc.asyncProperty(lengths, lengths, delay, delay, async (out, back, first, second) => {
        const { here, there } = await open();
        const use = async (side: Transport, sent: readonly number[], ms: number): Promise<Uint8Array> => {
          await sleep(ms);
          const [read] = await Promise.all([readAll(side.source), side.sink(chunksOf(...numbered(sent)))]);
          side.abort();
          return read;
        };
        const [answer, forth] = await Promise.all([use(here, out, first), use(there, back, second)]);
        sameBytes(forth, concat(numbered(out)));
        sameBytes(answer, concat(numbered(back)));
      }),
      { numRuns: 15 },
    );
  }),

  scenario('a slow reader holds the writer back, or its queue overflows', async ({ kind, open }) => {
    const { here, there } = await open();
    const { bufferedBytes = 0, onSlowReader } = kind;
    let pulled = 0;
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) {
        pulled += 65_536;
        yield new Uint8Array(65_536);
        // Lets the platform move.
        if (pulled % MIB === 0) await sleep(0);
      }
    }
    const sinking = here.sink(endless());
    sinking.catch(() => {});
    const reader = there.source[Symbol.asyncIterator]();
    check(!(await reader.next()).done, 'a first chunk');
    if (onSlowReader === 'overflows') {
      same(await settled(sinking), 'rejected');
      const fault = await readAll({ [Symbol.asyncIterator]: () => reader }).catch((error) => error);
      same((fault as { code?: string }).code, 'transport-overflow');
      return;
    }
    let before = -1;
    while (before !== pulled && pulled <= bufferedBytes) {
      before = pulled;
      await sleep(100);
    }
    check(pulled <= bufferedBytes, `at most ${bufferedBytes} bytes to be taken, got ${pulled}`);
    for (let read = 0; read < bufferedBytes + MIB; ) read += (await reader.next()).value!.byteLength;
    check(pulled > bufferedBytes, 'the writer to go on once it is read');
  }),

  scenario('a slow writer: each chunk arrives while the next is not there yet', async ({ open }) => {
    const { here, there } = await open();
    const arrived = new Set<number>();
    async function* slow(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let i = 0; i < 5; i++) {
        yield Uint8Array.of(i);
        await eventually(() => arrived.has(i));
        check(arrived.has(i), `byte ${i} to arrive before the next is sent`);
      }
    }
    const reading = (async () => {
      for await (const chunk of there.source) for (const byte of chunk) arrived.add(byte);
    })();
    await Promise.all([here.sink(slow()), reading]);
    same([...arrived], [0, 1, 2, 3, 4]);
  }),

  scenario('a lot of bytes go through in little memory', async ({ kind, open }) => {
    const { here, there } = await open();
    const { bulkBytes = 256 * MIB, bufferedBytes } = kind;
    let [pulled, read, ahead, memory, looks] = [0, 0, 0, 0, 0];
    const before = kind.memory?.() ?? 0;
    async function* bulk(): AsyncGenerator<Uint8Array, void, undefined> {
      while (pulled < bulkBytes) {
        pulled += 65_536;
        ahead = Math.max(ahead, pulled - read);
        yield new Uint8Array(65_536).fill(pulled / 65_536);
      }
    }
    const reading = (async () => {
      for await (const chunk of there.source) {
        // Every chunk is looked at, at its ends.
        for (const at of [0, chunk.byteLength - 1]) {
          const expected = (Math.floor((read + at) / 65_536) + 1) & 0xff;
          check(chunk[at] === expected, `${expected} at byte ${read + at}, got ${chunk[at]}`);
        }
        read += chunk.byteLength;
        if (read < (looks * bulkBytes) / LOOKS) continue;
        looks++;
        memory = Math.max(memory, (kind.memory?.() ?? 0) - before);
      }
    })();
    await Promise.all([here.sink(bulk()), reading]);
    same(read, bulkBytes);
    if (bufferedBytes !== undefined)
      check(ahead <= bufferedBytes, `at most ${bufferedBytes} bytes under way, got ${ahead}`);
    check(memory <= ahead + 64 * MIB, `flat memory, got ${Math.round(memory / MIB)} MiB more`);
  }),

  scenario(
    'abort settles a read and a write that wait, and the other side is cut',
    async ({ kind, open }) => {
      const { here, there } = await open();
      const { chunks, end } = held();
      const all = [readAll(here.source), here.sink(chunks), readAll(there.source)];
      for (const each of all) each.catch(() => {});
      await sleep(20);
      here.abort(new Error('enough'));
      same(await Promise.all(all.map(settled)), ['rejected', 'rejected', kind.readOnAbort]);
      end();
    },
  ),

  scenario('abort settles a write that the other side holds back', async ({ open }) => {
    const { here } = await open();
    const writing = here.sink(
      (async function* () {
        for (;;) yield new Uint8Array(MIB);
      })(),
    );
    writing.catch(() => {});
    await sleep(50);
    here.abort();
    same(await settled(writing), 'rejected');
  }),

  scenario('abort settles a side that is used only afterwards', async ({ kind, open }) => {
    const { here, there } = await open();
    here.abort();
    await sleep(20);
    same(await settled(readAll(here.source)), 'rejected');
    same(await settled(readAll(there.source)), kind.readOnAbort);
    same(await settled(here.sink(held().chunks)), 'rejected');
  }),

  scenario(
    'a side whose other goes without a word is told, in reading and in writing',
    async ({ kind, open }) => {
      const { here, vanish } = await open();
      if (vanish === undefined) return;
      const { chunks, end } = held();
      async function* started(): AsyncGenerator<Uint8Array, void, undefined> {
        yield Uint8Array.of(1);
        yield* chunks;
      }
      const reading = readAll(here.source);
      const writing = here.sink(started());
      reading.catch(() => {});
      writing.catch(() => {});
      await sleep(20);
      vanish();
      same(await settled(reading), kind.readOnAbort);
      if (kind.readOnAbort === 'rejected') same(await settled(writing), 'rejected');
      end();
    },
  ),

  scenario('abort is idempotent, also after both ends, and leaves nothing behind', async ({ open }) => {
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
    // Only written to: a Node stream that is destroyed while it is iterated keeps the listeners of Node's own.
    const writing = cut.here.sink(held().chunks);
    await sleep(20);
    cut.here.abort(new Error('enough'));
    same(await settled(writing), 'rejected');
    cut.there.abort();
    const leftovers = (): number[] => [never, used, cut].map((ends) => ends.leftovers?.() ?? 0);
    await eventually(() => leftovers().every((count) => count === 0));
    same(leftovers(), [0, 0, 0]);
  }),

  scenario(
    'a sink whose chunks throw rejects with that, and aborts the connection',
    async ({ kind, open }) => {
      const { here, there } = await open();
      const reading = readAll(there.source);
      reading.catch(() => {});
      const sinking = here.sink(
        (async function* () {
          yield Uint8Array.of(1);
          throw new Error('no more');
        })(),
      );
      same(await sinking.catch((error: Error) => error.message), 'no more');
      same(await settled(reading), kind.readOnAbort);
    },
  ),
];
