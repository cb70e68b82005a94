/** The parts of a protobuf message: for each field its tag, the size where there is one, and the value. */
import { readVarint, type Varint } from '../wire/varint.ts';
import { bitfieldFields, bitfieldText } from './bitfield-fields.ts';
import type { InspectedField } from './events.ts';
import { type FieldSchema, payloadSchemas, type Schema } from './schema.ts';
import { bytesText, count, hexText } from './text.ts';

/** Parts that are told apart in one message; the rest is one. A proof of 128 nodes has some 400. */
const MAX_PARTS = 4096;

const wireTypes: readonly (string | undefined)[] = [
  'a varint',
  '8 bytes',
  'sized',
  undefined,
  undefined,
  '4 bytes',
];
/** What each kind is sent as, whatever the tag says. */
const wireTypeOf: Readonly<Record<FieldSchema['kind'], number>> = {
  number: 0,
  flag: 0,
  bytes: 2,
  text: 2,
  message: 2,
};

/** The parts of `bytes`, which begin at `offset` of their frame and are a message of this schema. */
export function protobufFields(bytes: Uint8Array, offset: number, schema: Schema): InspectedField[] {
  return new Walk(bytes, offset, schema).fields;
}

class Walk {
  readonly fields: InspectedField[] = [];
  readonly #bytes: Uint8Array;
  readonly #offset: number;
  #at = 0;
  /** The last number and text of each name, which other fields are read by. */
  readonly #seen = new Map<string, number | string>();

  constructor(bytes: Uint8Array, offset: number, schema: Schema) {
    this.#bytes = bytes;
    this.#offset = offset;
    while (this.#at < bytes.byteLength && this.fields.length < MAX_PARTS && this.#field(schema));
    const left = bytes.byteLength - this.#at;
    if (left > 0) {
      this.#add(
        'rest',
        'unknown',
        bytes.byteLength,
        count(left, 'byte'),
        'What is no field, or one too many.',
      );
    }
  }

  /** Whether a whole field could be read. */
  #field(schema: Schema): boolean {
    const tag = readVarint(this.#bytes, this.#at);
    if (tag === undefined) return false;
    const wireType = tag.value % 8;
    const number = Math.floor(tag.value / 8);
    const known = schema[number];
    const end = this.#valueEnd(tag.end, known === undefined ? wireType : wireTypeOf[known.kind]);
    if (end === undefined) return false;
    const name = known?.name ?? `field ${number}`;
    this.#add(
      name,
      'tag',
      tag.end,
      `field ${number}, ${wireTypes[wireType] ?? `wire type ${wireType}`}`,
      known === undefined
        ? 'A field that this dialect does not know, and passes over.'
        : `Says which field follows: ${number} is "${name}".`,
    );
    if (end.size !== undefined) {
      this.#add(name, 'size', end.size.end, count(end.size.value, 'byte'), `The size of "${name}".`);
    }
    this.#value(name, end.end, known);
    return true;
  }

  /** Where the value behind `at` ends, and the size in front of it. */
  #valueEnd(at: number, wireType: number): { end: number; size: Varint | undefined } | undefined {
    const fixed = wireType === 1 ? 8 : wireType === 5 ? 4 : undefined;
    if (wireType !== 0 && wireType !== 2 && fixed === undefined) return undefined;
    if (fixed !== undefined) return this.#within(at + fixed, undefined);
    const number = readVarint(this.#bytes, at);
    if (number === undefined) return undefined;
    return wireType === 0
      ? this.#within(number.end, undefined)
      : this.#within(number.end + number.value, number);
  }

  #within(end: number, size: Varint | undefined): { end: number; size: Varint | undefined } | undefined {
    return end <= this.#bytes.byteLength ? { end, size } : undefined;
  }

  #value(name: string, end: number, known: FieldSchema | undefined): void {
    const bytes = this.#bytes.subarray(this.#at, end);
    const { text, parts } = this.#read(bytes, known);
    if (bytes.byteLength === 0) return;
    const explanation = known?.explanation ?? 'Nothing that this dialect reads.';
    this.#add(name, 'value', end, text, explanation, parts);
  }

  #read(bytes: Uint8Array, known: FieldSchema | undefined): { text: string; parts?: InspectedField[] } {
    const offset = this.#offset + this.#at;
    switch (known?.kind) {
      case 'number':
      case 'flag': {
        const value = readVarint(bytes)!.value;
        this.#seen.set(known.name, value);
        return { text: known.kind === 'flag' ? `${value !== 0}` : numberText(value, known.unit) };
      }
      case 'text': {
        const text = bytesText(bytes);
        this.#seen.set(known.name, text);
        return { text };
      }
      case 'message':
        return nested(protobufFields(bytes, offset, known.schema ?? {}), known.schema ?? {});
      case 'bytes': {
        if (known.format === 'bitfield') {
          const first = Number(this.#seen.get('start') ?? 0);
          return { text: bitfieldText(bytes, first), parts: bitfieldFields(bytes, offset) };
        }
        const contentType = String(this.#seen.get('contentType') ?? '').replace(/^"|"$/g, '');
        const schema = known.schema ?? (known.name === 'payload' ? payloadSchemas[contentType] : undefined);
        if (schema !== undefined) return nested(protobufFields(bytes, offset, schema), schema);
        return { text: known.format === 'free' ? bytesText(bytes) : hexText(bytes) };
      }
      case undefined:
        return { text: hexText(bytes) };
    }
  }

  /** From where the last part ended, to `end`. */
  #add(
    name: string,
    kind: InspectedField['kind'],
    end: number,
    text: string,
    explanation: string,
    fields?: readonly InspectedField[],
  ): void {
    const start = this.#offset + this.#at;
    const inner = fields === undefined || fields.length === 0 ? {} : { fields };
    this.fields.push({ name, start, end: this.#offset + end, kind, text, explanation, ...inner });
    this.#at = end;
  }
}

/** A message as its numbers: the rest takes too much room, and is in the parts. */
function nested(parts: InspectedField[], schema: Schema): { text: string; parts: InspectedField[] } {
  const numbers = new Set(
    Object.values(schema).flatMap((field) => (field?.kind === 'number' ? [field.name] : [])),
  );
  const shown = parts.filter(({ kind, name }) => kind === 'value' && numbers.has(name));
  return { text: shown.map(({ name, text }) => `${name} ${text}`).join(', '), parts };
}

function numberText(value: number, unit: FieldSchema['unit']): string {
  if (unit === undefined) return `${value}`;
  if (unit === 'ms') return `${value} ms`;
  if (unit === 'bytes') return count(value, 'byte');
  // What a Date can hold.
  return value <= 8.64e15 ? new Date(value).toISOString() : `${value}`;
}
