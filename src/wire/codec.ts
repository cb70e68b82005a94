/**
 * Between a frame's body and a message: `varint(channel * 16 + type) message`. The messages are protobuf
 * (see proto/hypercore.proto), but for the extension.
 */
import { ProtocolError } from '../errors.ts';
import * as proto from './hypercore.ts';
import type {
  Cancel,
  Data,
  DataNode,
  Have,
  Info,
  Message,
  Packet,
  Request,
  Sendable,
  Unhave,
  Unwant,
  Want,
} from './messages.ts';
import { required, sized, write } from './protobuf.ts';
import { Reader } from './reader.ts';
import { readVarint } from './varint.ts';
import type { FieldWriter } from './writer.ts';

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
  return readPacket(body, 0, body.byteLength, maxChannels, new Reader());
}

/** {@link decodePacket}, of a part of a buffer, by a reader that is used again. */
export function readPacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxChannels: number,
  reader: Reader,
): Packet {
  const byteLength = end - start;
  if (byteLength === 0) return KEEPALIVE;
  if (byteLength === 1) return ONE_BYTE;
  let value = bytes[start]!;
  let payload = start + 1;
  if (value >= 0x80) {
    const header = readVarint(bytes, start, end);
    if (header === undefined) {
      throw new ProtocolError(
        'bad-header',
        'a frame has a header that runs past its end: the bytes were damaged',
      );
    }
    value = header.value;
    payload = header.end;
  }
  const code = value % 16;
  const channel = (value - code) / 16;
  if (channel >= maxChannels) {
    throw new ProtocolError(
      'too-many-channels',
      `the remote used channel ${channel}, and ${maxChannels} are allowed: share fewer feeds on one connection, or raise limits.channels`,
    );
  }
  return { channel, message: readMessage(code, reader.over(bytes, payload, end)), byteLength };
}

/** Reads the payload of a message with type number `code` (0 to 15). */
export function decodeMessage(code: number, payload: Uint8Array): Message {
  return readMessage(code, new Reader(payload));
}

function readMessage(code: number, reader: Reader): Message {
  try {
    return readers[code]?.(reader) ?? { type: 'unassigned', code };
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
  return write((packet, writer) => writePacket(packet.channel, packet.message, writer), { channel, message });
}

/** Writes a message's payload. A field is on the wire where it is given, also 0 and false. */
export function encodeMessage(message: Exclude<Sendable, { type: 'keepalive' }>): Uint8Array {
  return write(writeMessage, message);
}

/** {@link encodePacket}, to a writer. */
export function writePacket(channel: number, message: Sendable, writer: FieldWriter): void {
  if (message.type === 'keepalive') return;
  writer.varint(channel * 16 + typeCodes[message.type]);
  writeMessage(message, writer);
}

function writeMessage(message: Exclude<Sendable, { type: 'keepalive' }>, writer: FieldWriter): void {
  switch (message.type) {
    case 'feed':
      return proto.writeFeed(message, writer);
    case 'handshake': {
      const { id, live, userData, extensions = [], ack } = message;
      const empty =
        id === undefined && userData === undefined && ack === undefined && extensions.length === 0;
      return proto.writeHandshake(
        { id, live: empty ? (live ?? false) : live, userData, extensions: extensions as string[], ack },
        writer,
      );
    }
    case 'info': {
      // Both, always: the reference takes an absent one for false.
      const { uploading = false, downloading = false } = message;
      return proto.writeInfo({ uploading, downloading }, writer);
    }
    case 'have':
      return proto.writeHave(message, writer);
    case 'unhave':
      return proto.writeUnhave(message, writer);
    case 'want':
      return proto.writeWant(message, writer);
    case 'unwant':
      return proto.writeUnwant(message, writer);
    case 'request':
      return proto.writeRequest(message, writer);
    case 'cancel':
      return proto.writeCancel(message, writer);
    case 'data':
      return proto.writeData(
        message.nodes === undefined
          ? { ...message, nodes: [] }
          : (message as typeof message & { nodes: DataNode[] }),
        writer,
      );
    case 'extension':
      writer.varint(message.id);
      return writer.raw(message.payload);
  }
}

/** A message while it is being read: as yet without what it cannot do without. */
type Draft<M> = { -readonly [K in keyof M]: M[K] | undefined };

/** Each starts with its defaults, which are overwritten by what is there. */
const readers: Partial<Record<number, (reader: Reader) => Message>> = {
  [typeCodes.feed](reader) {
    const { discoveryKey, nonce } = proto.readFeed(reader, reader.left);
    sized('discovery key', required('discovery key', discoveryKey), 32);
    if (nonce !== undefined) sized('nonce', nonce, 24);
    return { type: 'feed', discoveryKey: discoveryKey!, nonce };
  },
  [typeCodes.handshake](reader) {
    const { id, live = false, userData, extensions, ack = false } = proto.readHandshake(reader, reader.left);
    return { type: 'handshake', id, live, userData, extensions, ack };
  },
  [typeCodes.info](reader) {
    const message: Draft<Info> = { type: 'info', uploading: false, downloading: false };
    return proto.readInfo(reader, reader.left, message) as Info;
  },
  [typeCodes.have](reader) {
    const message: Draft<Have> = {
      type: 'have',
      start: undefined,
      length: 1,
      bitfield: undefined,
      ack: false,
    };
    proto.readHave(reader, reader.left, message);
    required('start', message.start);
    return message as Have;
  },
  [typeCodes.unhave](reader) {
    const message: Draft<Unhave> = { type: 'unhave', start: undefined, length: 1 };
    proto.readUnhave(reader, reader.left, message);
    required('start', message.start);
    return message as Unhave;
  },
  [typeCodes.want](reader) {
    const message: Draft<Want> = { type: 'want', start: undefined, length: 0 };
    proto.readWant(reader, reader.left, message);
    required('start', message.start);
    return message as Want;
  },
  [typeCodes.unwant](reader) {
    const message: Draft<Unwant> = { type: 'unwant', start: undefined, length: 0 };
    proto.readUnwant(reader, reader.left, message);
    required('start', message.start);
    return message as Unwant;
  },
  [typeCodes.request](reader) {
    const message: Draft<Request> = { type: 'request', index: undefined, bytes: 0, hash: false, nodes: 0 };
    proto.readRequest(reader, reader.left, message);
    required('index', message.index);
    return message as Request;
  },
  [typeCodes.cancel](reader) {
    const message: Draft<Cancel> = { type: 'cancel', index: undefined, bytes: 0, hash: false };
    proto.readCancel(reader, reader.left, message);
    required('index', message.index);
    return message as Cancel;
  },
  [typeCodes.data](reader) {
    const nodes: Draft<DataNode>[] = [];
    const message = { type: 'data', index: undefined, value: undefined, nodes, signature: undefined };
    const { index, value, signature } = proto.readData(reader, reader.left, message);
    if (value === undefined && nodes.length === 0) throw new RangeError('Data has neither value nor nodes');
    required('index', index);
    if (signature !== undefined) sized('signature', signature, 64);
    for (const node of nodes) {
      required('node index', node.index);
      sized('node hash', required('node hash', node.hash), 32);
      required('node size', node.size);
    }
    return message as Draft<Data> as Data;
  },
  [typeCodes.extension](reader) {
    return { type: 'extension', id: reader.uint64(), payload: reader.rest() };
  },
};
