/** Checks messages when they are sent: one too large for a frame would end the connection later. */
import { assertBytes, assertInteger } from '../errors.ts';
import { writePacket } from './codec.ts';
import type { Sendable } from './messages.ts';
import { MAX_FIELDS } from './reader.ts';
import { Measure } from './writer.ts';

/** Bytes of a frame's body that hypercore-protocol 6 takes. */
const MAX_BODY_BYTES = 8_388_608;
/** A message with less than this in its long field is not measured: the rest cannot make up the difference. */
const SURELY_FITS_BYTES = 8_000_000;
/** An upper bound for the size of a node of Data. */
const NODE_BYTES = 64;
/** Upper bounds for the size of a name: of what is around it, and of each UTF-16 code unit. */
const NAME_BYTES = 8;
const CODE_UNIT_BYTES = 3;
/** Names of a Handshake: what its other four fields leave of those that are read. */
const MAX_NAMES = MAX_FIELDS - 4;

/**
 * @throws TypeError for bytes that are not a `Uint8Array`; RangeError for numbers that are not whole numbers from 0 to
 *   2^53-1, for a message of more than 8 MiB, and for a Handshake of more names than are read.
 */
export function assertSendable(channel: number, message: Sendable): void {
  switch (message.type) {
    case 'handshake':
      if ((message.extensions?.length ?? 0) > MAX_NAMES)
        throw new RangeError(`"extensions" expected ${MAX_NAMES} names at most, got more`);
      if (!fitsFrame(channel, message))
        throw new RangeError(
          `"userData", "id" and "extensions" expected ${MAX_BODY_BYTES} bytes at most in all, got more`,
        );
      return;
    case 'have':
    case 'unhave':
    case 'want':
    case 'unwant':
      assertInteger('start', message.start);
      if (message.length !== undefined) assertInteger('length', message.length);
      if (message.type === 'have') assertFits(channel, message, 'bitfield', message.bitfield);
      return;
    case 'request':
    case 'cancel':
      assertInteger('index', message.index);
      if (message.bytes !== undefined) assertInteger('bytes', message.bytes);
      if (message.type === 'request' && message.nodes !== undefined) assertInteger('nodes', message.nodes);
      return;
    case 'data':
      assertInteger('index', message.index);
      if (message.signature !== undefined) assertBytes('signature', message.signature, 64);
      for (const node of message.nodes ?? []) {
        assertInteger('nodes.index', node.index);
        assertBytes('nodes.hash', node.hash, 32);
        assertInteger('nodes.size', node.size);
      }
      assertFits(channel, message, 'value', message.value);
      return;
    case 'extension':
      assertFits(channel, message, 'payload', message.payload);
      return;
    default:
      return;
  }
}

/** Whether a message fits a frame. The remote would end the connection over one that does not. */
export function fitsFrame(channel: number, message: Sendable): boolean {
  if (longBytes(message) < SURELY_FITS_BYTES) return true;
  const body = new Measure();
  writePacket(channel, message, body);
  return body.length <= MAX_BODY_BYTES;
}

function longBytes(message: Sendable): number {
  switch (message.type) {
    case 'data':
      return (message.value?.byteLength ?? 0) + NODE_BYTES * (message.nodes?.length ?? 0);
    case 'have':
      return message.bitfield?.byteLength ?? 0;
    case 'extension':
      return message.payload.byteLength;
    case 'handshake':
      return (message.extensions ?? []).reduce(
        (sum, name) => sum + NAME_BYTES + CODE_UNIT_BYTES * name.length,
        (message.id?.byteLength ?? 0) + (message.userData?.byteLength ?? 0),
      );
    default:
      return 0;
  }
}

function assertFits(channel: number, message: Sendable, name: string, bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) assertBytes(name, bytes);
  if (fitsFrame(channel, message)) return;
  throw new RangeError(
    `"${name}" expected a message of at most ${MAX_BODY_BYTES} bytes in all, got ${bytes?.byteLength ?? 0} in this field: send it in parts`,
  );
}
