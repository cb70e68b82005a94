/** The parts of a frame: its length, its header, and each field of its message. */
import { typeCodes } from '../wire/codec.ts';
import type { Message } from '../wire/messages.ts';
import { readVarint } from '../wire/varint.ts';
import type { InspectedField } from './events.ts';
import { protobufFields } from './protobuf-fields.ts';
import { extensionSchemas, messageSchemas } from './schema.ts';
import { bytesText, count, nameText } from './text.ts';

const typeOf = new Map<number, keyof typeof typeCodes>(
  Object.entries(typeCodes).map(([type, code]) => [code, type as keyof typeof typeCodes]),
);

/** What each message is for, in a sentence. */
export const messageExplanations: Readonly<Record<Message['type'], string>> = {
  feed: 'Opens a channel for a feed, in this direction. The first one of each direction is in clear.',
  handshake: 'Who the sender is and what it can; once, on the first channel.',
  info: 'What the sender is doing. When both download no more, the conversation is over.',
  have: 'Which blocks the sender has.',
  unhave: 'Which blocks the sender has no longer.',
  want: 'Of which blocks the sender wants to hear whether the other side has them.',
  unwant: 'Of which blocks the sender wants to hear no more.',
  request: 'Asks for a block. hypercore 7 hangs up after six ticks, 7.5 s, without an answer.',
  cancel: 'Takes a Request back.',
  data: 'A block with the proof that it is what the writer signed.',
  extension: "A message of an extension, by its number in the sender's Handshake.",
  keepalive: 'No message, but a sign of life: a side that is silent for 7.5 s is taken for dead.',
  unassigned: 'A frame that means nothing in this dialect, and is passed over.',
  unreadable: 'A message that breaks its schema, and is passed over.',
};

/**
 * The parts of a whole frame, which cover it without gap or overlap. `extension` is the name of the extension, for a
 * message of one.
 */
export function annotate(frame: Uint8Array, extension?: string): InspectedField[] {
  const fields: InspectedField[] = [];
  const length = readVarint(frame);
  if (length === undefined) return rest(frame, 0, 'What has no length.');
  fields.push({
    name: 'length',
    start: 0,
    end: length.end,
    kind: 'length',
    text: count(length.value, 'byte'),
    explanation:
      length.value === 0
        ? messageExplanations.keepalive
        : 'How many bytes follow in this frame, in groups of 7 bits, the lowest first.',
  });
  if (length.end === frame.byteLength) return fields;
  const header = frame.byteLength - length.end === 1 ? undefined : readVarint(frame, length.end);
  if (header === undefined) return [...fields, ...rest(frame, length.end, messageExplanations.unassigned)];
  const code = header.value % 16;
  const type = typeOf.get(code);
  const channel = (header.value - code) / 16;
  fields.push({
    name: 'header',
    start: length.end,
    end: header.end,
    kind: 'header',
    text: `channel ${channel}, type ${code} (${type ?? 'unassigned'})`,
    explanation: `The channel times 16, plus the type of the message. ${messageExplanations[type ?? 'unassigned']}`,
  });
  return [...fields, ...payload(frame, header.end, type, extension)];
}

function payload(
  frame: Uint8Array,
  start: number,
  type: keyof typeof typeCodes | undefined,
  extension: string | undefined,
): InspectedField[] {
  if (type === undefined) return rest(frame, start, messageExplanations.unassigned);
  if (type === 'extension') return extensionFields(frame, start, extension);
  return protobufFields(frame.subarray(start), start, messageSchemas[type] ?? {});
}

function extensionFields(frame: Uint8Array, start: number, name: string | undefined): InspectedField[] {
  const id = readVarint(frame, start);
  if (id === undefined) return rest(frame, start, 'An extension number that is cut off.');
  const fields: InspectedField[] = [
    {
      name: 'id',
      start,
      end: id.end,
      kind: 'value',
      text: name === undefined ? `${id.value}` : `${id.value} (${nameText(name)})`,
      explanation: "The extension's number: its place in the list of the sender's Handshake, from 0.",
    },
  ];
  if (id.end === frame.byteLength) return fields;
  const bytes = frame.subarray(id.end);
  const schema = name === undefined ? undefined : extensionSchemas[name];
  if (schema !== undefined) return [...fields, ...protobufFields(bytes, id.end, schema)];
  fields.push({
    name: 'payload',
    start: id.end,
    end: frame.byteLength,
    kind: 'value',
    text: bytesText(bytes),
    explanation:
      name === 'session-data'
        ? 'Whatever the sender wants known of itself in this session, at most 256 bytes. Nobody signed it.'
        : 'What only the extension understands.',
  });
  return fields;
}

function rest(frame: Uint8Array, start: number, explanation: string): InspectedField[] {
  if (start === frame.byteLength) return [];
  const bytes = frame.subarray(start);
  return [
    { name: 'rest', start, end: frame.byteLength, kind: 'unknown', text: bytesText(bytes), explanation },
  ];
}
