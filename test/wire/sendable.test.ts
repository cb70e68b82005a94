import { describe, expect, it } from 'vitest';
import type { Sendable } from '../../src/wire/messages.ts';
import { assertSendable, fitsFrame } from '../../src/wire/sendable.ts';

const signature = new Uint8Array(64);

describe('what may be sent', () => {
  it.each<[Sendable, RegExp]>([
    [{ type: 'have', start: -1 }, /"start" expected a whole number from 0/],
    [{ type: 'want', start: 0, length: 2 ** 53 }, /"length" expected a whole number/],
    [{ type: 'request', index: 1.5 }, /"index" expected a whole number/],
    [{ type: 'cancel', index: 0, bytes: -3 }, /"bytes" expected a whole number/],
    [{ type: 'data', index: 0, signature: new Uint8Array(63) }, /"signature" expected 64 bytes, got 63/],
    [
      { type: 'data', index: 0, nodes: [{ index: 0, hash: new Uint8Array(31), size: 1 }] },
      /"nodes.hash" expected 32 bytes, got 31/,
    ],
  ])('refuses %o', (message, reason) => {
    expect(() => assertSendable(0, message)).toThrow(RangeError);
    expect(() => assertSendable(0, message)).toThrow(reason);
  });

  it('takes the largest block that can travel, and not one byte more', () => {
    const largest = { type: 'data', index: 0, value: new Uint8Array(8_388_534), signature } as const;
    expect(() => assertSendable(0, largest)).not.toThrow();
    expect(fitsFrame(7, largest)).toBe(true);
    // From channel 8 on, a header has two bytes.
    expect(fitsFrame(8, largest)).toBe(false);
    const larger = { ...largest, value: new Uint8Array(8_388_535) };
    expect(() => assertSendable(0, larger)).toThrow(/"value" expected a message of at most 8388608 bytes/);
  });
});
