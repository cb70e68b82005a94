/** What an inspector makes of the bytes of two peers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XSalsa20 } from '../../src/crypto/xsalsa20.ts';
import type { InspectEvent } from '../../src/inspect/index.ts';
import { fromKnown } from '../wire/known.ts';
import { type Chunk, inspect, key, only, recorded, recordedChunks } from './capture.ts';

const messagesOf = (events: readonly InspectEvent[], direction: 'out' | 'in') =>
  only(events, 'message').filter((event) => event.direction === direction);

describe('the recorded session of two hypercores', () => {
  const events = inspect(recordedChunks);

  it('shows every message', () => {
    for (const [from, direction] of [
      ['A', 'out'],
      ['B', 'in'],
    ] as const) {
      const known = recorded.order.filter((entry: { from: string }) => entry.from === from);
      const expected = known.map((entry: { typeName: string; message: Record<string, unknown> }) =>
        fromKnown(entry.typeName, entry.message),
      );
      expect(messagesOf(events, direction).map(({ message }) => message)).toMatchObject(expected);
      expect(messagesOf(events, direction)).toHaveLength(expected.length);
    }
  });

  it('with every byte of both directions, as it was and deciphered', () => {
    for (const [direction, { wire, nonce }] of [
      ['out', recorded.aToB],
      ['in', recorded.bToA],
    ] as const) {
      const frames = messagesOf(events, direction).map(({ frame }) => frame);
      expect(Buffer.concat(frames.map(({ plain, ciphered }) => ciphered ?? plain)).toString('hex')).toBe(
        wire,
      );
      const rest = Buffer.from(wire, 'hex').subarray(62);
      new XSalsa20(key, Buffer.from(nonce, 'hex')).xor(rest);
      expect(Buffer.concat(frames.slice(1).map(({ plain }) => plain))).toEqual(rest);
      expect(frames[0]!.ciphered).toBeUndefined();
    }
  });

  it('and says that all is well', () => {
    expect(only(events, 'verdict')).toEqual([
      {
        event: 'verdict',
        ok: true,
        text: 'Both sides ended properly, and said before that they wanted nothing more: 3 blocks went across.',
      },
    ]);
    const [{ out, in: back }] = only(events, 'statistics') as [never];
    expect(out).toMatchObject({
      bytes: recorded.aToB.wire.length / 2,
      blocks: 3,
      blockBytes: recorded.cloneByteLength,
      unreadBytes: 0,
    });
    expect(back).toMatchObject({ unreadBytes: 0, types: { request: { frames: 3 } } });
  });

  it.each([1, 2, 3, 7, 61, 62, 63])('says the same in chunks of %i bytes', (size) => {
    const chunks = recordedChunks.flatMap(({ direction, bytes }) => split(direction, bytes, () => size));
    expect(timeless(inspect(chunks))).toEqual(timeless(events));
  });

  it('says the same in any chunks, and leaves them as they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        let at = 0;
        const chunks = recordedChunks.flatMap(({ direction, bytes }) =>
          split(direction, bytes, () => sizes[at++ % sizes.length]!),
        );
        const before = chunks.map(({ bytes }) => bytes.slice());
        expect(timeless(inspect(chunks))).toEqual(timeless(events));
        expect(chunks.map(({ bytes }) => bytes)).toEqual(before);
      }),
      { numRuns: 50 },
    );
  });
});

/** In pieces, as long as `size` says. */
function split(direction: Chunk['direction'], bytes: Uint8Array, size: () => number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + size();
    chunks.push({ direction, bytes: bytes.slice(at, end) });
    at = end;
  }
  return chunks;
}

/** Without the times, which the chunking of the test makes. */
function timeless(events: readonly InspectEvent[]): object[] {
  return events.map((event) => ('time' in event ? { ...event, time: 0 } : event));
}
