import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/session/outbox.ts';
import type { Packet, Sendable } from '../../src/wire/messages.ts';

/** A message sent on a channel, or a pull by the transport. */
type Step = { readonly channel: number; readonly bytes: number } | 'pull';

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ channel: fc.nat(4), bytes: fc.constantFrom(0, 9000, 30_000, 70_000) }),
    },
    { weight: 1, arbitrary: fc.constant('pull' as const) },
  ),
  { maxLength: 80 },
);

/** One line of channels: the first says one thing and goes to the back, until it is enough for a batch. */
class SlowOutbox {
  readonly #line: { channel: number; items: Sendable[] }[] = [];

  send(channel: number, message: Sendable): void {
    const queue = this.#line.find((one) => one.channel === channel);
    if (queue !== undefined) queue.items.push(message);
    else this.#line.push({ channel, items: [message] });
  }

  pull(): Packet<Sendable>[] {
    const batch: Packet<Sendable>[] = [];
    let bytes = 0;
    while (this.#line.length > 0 && bytes < 65_536) {
      const queue = this.#line.shift()!;
      const message = queue.items.shift()!;
      batch.push({ channel: queue.channel, message });
      bytes += 32 + (message.type === 'extension' ? message.payload.byteLength : 0);
      if (queue.items.length > 0) this.#line.push(queue);
    }
    return batch;
  }
}

const order = (batch: readonly Packet<Sendable>[]): unknown[] =>
  batch.map(({ channel, message }) => [channel, message.type === 'extension' ? message.id : message.type]);

describe('the outbox', () => {
  it('gives the channels their turns as one line of them would', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const fast = new Outbox(262_144);
        const slow = new SlowOutbox();
        let id = 0;
        for (const step of list) {
          if (step === 'pull') {
            const expected = slow.pull();
            expect(order(fast.take()!)).toEqual(order(expected));
            continue;
          }
          const message = { type: 'extension', id: id++, payload: new Uint8Array(step.bytes) } as const;
          fast.send(step.channel, message);
          slow.send(step.channel, message);
        }
        fast.finish();
        for (let left = slow.pull(); left.length > 0; left = slow.pull())
          expect(order(fast.take()!)).toEqual(order(left));
        expect(fast.take()).toBe(undefined);
      }),
      { numRuns: 300 },
    );
  });
});
