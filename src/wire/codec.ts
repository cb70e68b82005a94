/**
 * Between a frame's body and a message: `varint(channel * 16 + type) message`. The messages are protobuf
 * (see proto/hypercore.proto), but for the extension.
 */
import { concat } from 'uint8arrays/concat';
import { ProtocolError } from '../errors.ts';
import * as proto from './hypercore.ts';
import type { Message, Packet, Sendable } from './messages.ts';
import { read, required, sized, write } from './protobuf.ts';
import { readVarint, varintLength, writeVarint } from './varint.ts';

/** The type numbers of the wire. */
export const typeCodes = {
  feed: 0,
  handshake: 1,
  info: 2,
  have: 3,
  unhave: 4,
  want: 5,
  unwant: 6,
  request: 7,
  cancel: 8,
  data: 9,
  extension: 15,
} as const;

const KEEPALIVE: Packet = { channel: 0, message: { type: 'keepalive' }, byteLength: 0 };
const ONE_BYTE: Packet = { channel: 0, message: { type: 'unassigned', code: undefined }, byteLength: 1 };

/**
 * Reads a frame's body. Throws `bad-header` where the header runs past the body, `too-many-channels` where
 * the channel is `maxChannels` or more, and `bad-message` for a Feed that cannot be read. Any other message
 * that cannot be read comes out as `unreadable`.
 */
export function decodePacket(body: Uint8Array, maxChannels: number): Packet {
  const byteLength = body.byteLength;
  if (byteLength === 0) return KEEPALIVE;
  if (byteLength === 1) return ONE_BYTE;
  const header = readVarint(body);
  if (header === undefined) {
    throw new ProtocolError(
      'bad-header',
      'a frame has a header that runs past its end: the bytes were damaged',
    );
  }
  const code = header.value % 16;
  const channel = (header.value - code) / 16;
  if (channel >= maxChannels) {
    throw new ProtocolError(
      'too-many-channels',
      `the remote used channel ${channel}, and ${maxChannels} are allowed: share fewer feeds on one connection, or raise limits.channels`,
    );
  }
  return { channel, message: decodeMessage(code, body.subarray(header.end)), byteLength };
}

/** Reads the payload of a message with type number `code` (0 to 15). */
export function decodeMessage(code: number, payload: Uint8Array): Message {
  try {
    return decoders[code]?.(payload) ?? { type: 'unassigned', code };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (code === typeCodes.feed) {
      throw new ProtocolError(
        'bad-message',
        `a Feed message cannot be read (${reason}): the bytes were damaged`,
        {
          cause: error,
        },
      );
    }
    return { type: 'unreadable', code, reason };
  }
}

/** Writes a packet as a frame body. A body is never one byte long: the reference drops those unread. */
export function encodePacket(channel: number, message: Sendable): Uint8Array {
  if (message.type === 'keepalive') return new Uint8Array(0);
  const header = channel * 16 + typeCodes[message.type];
  const payload = encodeMessage(message);
  const headerLength = varintLength(header);
  const body = new Uint8Array(headerLength + payload.byteLength);
  writeVarint(header, body, 0);
  body.set(payload, headerLength);
  return body;
}

/** Writes a message's payload. A field is on the wire where it is given, also 0 and false. */
export function encodeMessage(message: Exclude<Sendable, { type: 'keepalive' }>): Uint8Array {
  switch (message.type) {
    case 'feed':
      return write(proto.writeFeed, given(message));
    case 'handshake': {
      const { id, live, userData, extensions = [], ack } = message;
      const empty =
        id === undefined && userData === undefined && ack === undefined && extensions.length === 0;
      return write(
        proto.writeHandshake,
        given({ id, live: empty ? (live ?? false) : live, userData, extensions: [...extensions], ack }),
      );
    }
    case 'info': {
      // Both, always: the reference takes an absent one for false.
      const { uploading = false, downloading = false } = message;
      return write(proto.writeInfo, { uploading, downloading });
    }
    case 'have':
      return write(proto.writeHave, given(message));
    case 'unhave':
      return write(proto.writeUnhave, message);
    case 'want':
      return write(proto.writeWant, message);
    case 'unwant':
      return write(proto.writeUnwant, message);
    case 'request':
      return write(proto.writeRequest, message);
    case 'cancel':
      return write(proto.writeCancel, message);
    case 'data':
      return write(proto.writeData, given({ ...message, nodes: [...(message.nodes ?? [])] }));
    case 'extension': {
      const id = new Uint8Array(varintLength(message.id));
      writeVarint(message.id, id, 0);
      return concat([id, message.payload]);
    }
  }
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Types aside, the same: protobuf-ts takes an `undefined` field for an absent one. */
function given<T extends object>(message: T): Given<T> {
  return message as Given<T>;
}

const decoders: Partial<Record<number, (payload: Uint8Array) => Message>> = {
  [typeCodes.feed](payload) {
    const { discoveryKey, nonce } = read(proto.readFeed, payload);
    sized('discovery key', required('discovery key', discoveryKey), 32);
    if (nonce !== undefined) sized('nonce', nonce, 24);
    return { type: 'feed', discoveryKey: discoveryKey!, nonce };
  },
  [typeCodes.handshake](payload) {
    const { id, live = false, userData, extensions, ack = false } = read(proto.readHandshake, payload);
    return { type: 'handshake', id, live, userData, extensions, ack };
  },
  [typeCodes.info](payload) {
    const { uploading = false, downloading = false } = read(proto.readInfo, payload);
    return { type: 'info', uploading, downloading };
  },
  [typeCodes.have](payload) {
    const { start, length = 1, bitfield, ack = false } = read(proto.readHave, payload);
    return { type: 'have', start: required('start', start), length, bitfield, ack };
  },
  [typeCodes.unhave](payload) {
    const { start, length = 1 } = read(proto.readUnhave, payload);
    return { type: 'unhave', start: required('start', start), length };
  },
  [typeCodes.want](payload) {
    const { start, length = 0 } = read(proto.readWant, payload);
    return { type: 'want', start: required('start', start), length };
  },
  [typeCodes.unwant](payload) {
    const { start, length = 0 } = read(proto.readUnwant, payload);
    return { type: 'unwant', start: required('start', start), length };
  },
  [typeCodes.request](payload) {
    const { index, bytes = 0, hash = false, nodes = 0 } = read(proto.readRequest, payload);
    return { type: 'request', index: required('index', index), bytes, hash, nodes };
  },
  [typeCodes.cancel](payload) {
    const { index, bytes = 0, hash = false } = read(proto.readCancel, payload);
    return { type: 'cancel', index: required('index', index), bytes, hash };
  },
  [typeCodes.data](payload) {
    const { index, value, nodes, signature } = read(proto.readData, payload);
    if (value === undefined && nodes.length === 0) throw new RangeError('Data has neither value nor nodes');
    if (signature !== undefined) sized('signature', signature, 64);
    return {
      type: 'data',
      index: required('index', index),
      value,
      nodes: nodes.map((node) => ({
        index: required('node index', node.index),
        hash: sized('node hash', required('node hash', node.hash), 32),
        size: required('node size', node.size),
      })),
      signature,
    };
  },
  [typeCodes.extension](payload) {
    const id = readVarint(payload);
    if (id === undefined) throw new RangeError('an extension number is cut off');
    return { type: 'extension', id: id.value, payload: payload.subarray(id.end) };
  },
};
