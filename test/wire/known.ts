/** The known answers' way to write messages, and ours. */
import type { Message, Sendable } from '../../src/wire/messages.ts';
import { unhex } from '../vectors/index.ts';

/** A message's fields as the known answers list them: bytes are hex. */
export type KnownFields = Readonly<Record<string, unknown>>;

const BYTES = new Set([
  'discoveryKey',
  'nonce',
  'userData',
  'bitfield',
  'value',
  'hash',
  'signature',
  'payload',
]);
/** What the reference's applications pass along and no message has. */
const FOREIGN = new Set(['tick', 'name']);

/** A listed message as one of ours. */
export function fromKnown(typeName: string, fields: KnownFields): Message & Sendable {
  return { type: typeName.toLowerCase(), ...translate(fields) } as Message & Sendable;
}

function translate(fields: KnownFields): object {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !FOREIGN.has(name))
      .map(([name, value]) => {
        if (name === 'nodes' && Array.isArray(value)) return [name, value.map(translate)];
        const isBytes = typeof value === 'string' && (BYTES.has(name) || name === 'id');
        return [name, isBytes ? unhex(value) : value];
      }),
  );
}
