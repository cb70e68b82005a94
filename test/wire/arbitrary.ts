/** Messages of every type, as fast-check makes them: what is sent, and what the other side must read. */
import fc from 'fast-check';
import type { Message, Sendable } from '../../src/wire/messages.ts';

export interface Exchange {
  readonly sent: Sendable;
  readonly received: Message;
}

const whole = fc.oneof(fc.nat(300), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 40 });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const record = <T>(model: T, requiredKeys: (keyof T)[]) =>
  fc.record(model as never, { requiredKeys: requiredKeys as never }) as fc.Arbitrary<object>;

function exchange(
  type: Message['type'],
  fields: fc.Arbitrary<object>,
  defaults: object,
): fc.Arbitrary<Exchange> {
  return fields.map((given) => ({
    sent: { type, ...given } as Sendable,
    received: { type, ...defaults, ...given } as Message,
  }));
}

const node = fc.record({ index: whole, hash: exactly(32), size: whole });
const range = record({ start: whole, length: whole }, ['start']);

export const messages: fc.Arbitrary<Exchange> = fc.oneof(
  exchange('feed', record({ discoveryKey: exactly(32), nonce: exactly(24) }, ['discoveryKey']), {}),
  exchange(
    'handshake',
    record(
      {
        id: bytes,
        live: fc.boolean(),
        userData: bytes,
        extensions: fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('\ufeffname')), {
          maxLength: 5,
        }),
        ack: fc.boolean(),
      },
      [],
    ),
    { live: false, extensions: [], ack: false },
  ),
  exchange('info', fc.record({ uploading: fc.boolean(), downloading: fc.boolean() }), {}),
  exchange('have', record({ start: whole, length: whole, bitfield: bytes, ack: fc.boolean() }, ['start']), {
    length: 1,
    ack: false,
  }),
  exchange('unhave', range, { length: 1 }),
  exchange('want', range, { length: 0 }),
  exchange('unwant', range, { length: 0 }),
  exchange(
    'request',
    record({ index: whole, bytes: whole, hash: fc.boolean(), nodes: whole, batched: fc.boolean() }, [
      'index',
    ]),
    {
      bytes: 0,
      hash: false,
      nodes: 0,
    },
  ),
  exchange('cancel', record({ index: whole, bytes: whole, hash: fc.boolean() }, ['index']), {
    bytes: 0,
    hash: false,
  }),
  exchange(
    'data',
    record({ index: whole, value: bytes, nodes: fc.array(node, { maxLength: 4 }), signature: exactly(64) }, [
      'index',
      'value',
    ]),
    { nodes: [] },
  ),
  exchange(
    'data',
    record({ index: whole, nodes: fc.array(node, { minLength: 1, maxLength: 4 }) }, ['index', 'nodes']),
    {},
  ),
  exchange('extension', fc.record({ id: whole, payload: bytes }), {}),
  exchange('keepalive', fc.constant({}), {}),
);
