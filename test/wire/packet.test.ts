import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { pipe, type Stage } from '../../src/stream/stage.ts';
import { decodePacket, encodePacket } from '../../src/wire/codec.ts';
import { deframe } from '../../src/wire/frame.ts';
import type { Packet, Sendable } from '../../src/wire/messages.ts';
import { decode, Encoder, encode, unpack } from '../../src/wire/packet.ts';
import { hex } from '../vectors/index.ts';
import { messages } from './arbitrary.ts';

/*
 * What is fast here goes through one buffer. The twins take a buffer for each step.
 */

const limits = { frameBytes: 2000, channels: 256 };

/** Longer than one, two and three bytes of length can say, now and then. */
const large = fc
  .tuple(fc.constantFrom(100, 127, 128, 129, 16_370, 16_384, 16_390), fc.nat(255))
  .map(
    ([length, byte]): Sendable => ({ type: 'extension', id: 3, payload: new Uint8Array(length).fill(byte) }),
  );
const packets: fc.Arbitrary<Packet<Sendable>[]> = fc.array(
  fc.record({
    channel: fc.oneof(fc.nat(7), fc.nat(255)),
    message: fc.oneof(
      { weight: 9, arbitrary: messages.map(({ sent }) => sent) },
      { weight: 1, arbitrary: large },
    ),
  }),
  { maxLength: 12 },
);

/** `varint(length) body`, each in a buffer of its own. */
function slowly(list: readonly Packet<Sendable>[]): Buffer {
  return Buffer.concat(
    list.flatMap(({ channel, message }) => {
      const body = encodePacket(channel, message);
      const length: number[] = [];
      let rest = body.byteLength;
      for (; rest > 127; rest = Math.floor(rest / 128)) length.push(128 + (rest % 128));
      return [Uint8Array.from([...length, rest]), body];
    }),
  );
}

async function* each<T>(batches: readonly (readonly T[])[]): AsyncGenerator<readonly T[], void, undefined> {
  yield* batches;
}

/** All that flows, and the code of the error behind it. */
async function outcome<T>(flow: AsyncIterable<readonly T[]>): Promise<{ all: T[]; code: string }> {
  const all: T[] = [];
  try {
    for await (const batch of flow) all.push(...batch);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { all, code: error.code };
  }
  return { all, code: 'none' };
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((place) => place % (bytes.byteLength + 1)).sort((a, b) => a - b);
  return [0, ...places].map((start, i) => bytes.slice(start, places[i] ?? bytes.byteLength));
}

describe('the encoder', () => {
  it('writes a batch as its frames one after the other, into a buffer of just that size', () => {
    fc.assert(
      fc.property(packets, packets, (one, other) => {
        const encoder = new Encoder();
        for (const batch of [one, other]) {
          const out: Uint8Array[] = [];
          for (const packet of batch) encoder.push(packet);
          encoder.flush(out);
          expect(Buffer.concat(out).equals(slowly(batch))).toBe(true);
          expect(out).toHaveLength(batch.length === 0 ? 0 : 1);
          if (out.length > 0) expect(out[0]!.buffer.byteLength).toBe(out[0]!.byteLength);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('hands out a new buffer each time, which may be overwritten', () => {
    const encoder = new Encoder();
    const out: Uint8Array[] = [];
    const packet = { channel: 0, message: { type: 'want', start: 0 } } as const;
    for (let i = 0; i < 3; i++) {
      encoder.push(packet);
      encoder.flush(out);
      out[i]!.fill(255, 1);
    }
    expect(out.map(hex)).toEqual(['03ffffff', '03ffffff', '03ffffff']);
    expect(new Set(out.map(({ buffer }) => buffer)).size).toBe(3);
  });

  it('refuses a message that was changed between its turn and the end of the batch', () => {
    const encoder = new Encoder();
    const message = { type: 'extension', id: 0, payload: new Uint8Array(3) } as const;
    encoder.push({ channel: 0, message });
    encoder.push({ channel: 0, message: { type: 'want', start: 0 } });
    (message as { payload: Uint8Array }).payload = new Uint8Array(2);
    expect(() => encoder.flush([])).toThrow(/was changed after it was sent/);
  });
});

describe('unpacking', () => {
  it('gives what deframing and decoding give, at any chunking, up to the same error', async () => {
    await fc.assert(
      fc.asyncProperty(
        packets,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
        fc.integer({ min: 1, max: 4 }),
        async (list, cuts, damage, size) => {
          const bytes = new Uint8Array(slowly(list));
          for (const [at, byte] of damage) if (bytes.byteLength > 0) bytes[at % bytes.byteLength] = byte;
          const chunks = cut(bytes, cuts);
          const batches: Uint8Array[][] = [];
          for (let i = 0; i < chunks.length; i += size) batches.push(chunks.slice(i, i + size));
          const expected = await outcome(pipe(each(batches), deframe(limits), decode(limits)));
          expect(await outcome(unpack(limits)(each(batches)))).toEqual(expected);
          const single = Array.from(bytes.subarray(0, 600), (byte) => [Uint8Array.of(byte)]);
          expect(await outcome(unpack(limits)(each(single)))).toEqual(
            await outcome(pipe(each(single), deframe(limits), decode(limits))),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads back what was encoded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(packets, { maxLength: 4 }), async (batches) => {
        const wide = { ...limits, frameBytes: 100_000 };
        const { all } = await outcome(pipe(each(batches), encode(), unpack(wide)));
        const expected = batches
          .flat()
          .map(({ channel, message }) => decodePacket(encodePacket(channel, message), 256));
        expect(all).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});

describe('machines next to each other', () => {
  it('do in one stage what they do in several', async () => {
    // No machine can be seen behind a function: each stage runs for itself.
    const apart =
      <I, O>(one: Stage<I, O>): Stage<I, O> =>
      (source) =>
        one(source);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 4 }), { maxLength: 5 }),
        async (batches) => {
          const together = await outcome(pipe(each(batches), deframe(limits), decode(limits)));
          const alone = await outcome(pipe(each(batches), apart(deframe(limits)), apart(decode(limits))));
          expect(together).toEqual(alone);
        },
      ),
      { numRuns: 500 },
    );
  });
});
