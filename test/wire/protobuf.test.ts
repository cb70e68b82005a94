import { BinaryReader, BinaryWriter, type IBinaryWriter, WireType } from '@protobuf-ts/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { write } from '../../src/wire/protobuf.ts';
import { Reader } from '../../src/wire/reader.ts';
import { type FieldWriter, Measure, Writer } from '../../src/wire/writer.ts';
import { hex } from '../vectors/index.ts';

/*
 * Our reader and writer are there for speed. Their twins are protobuf-ts's own.
 */

/** What is written: a kind of field, its number, and its value. */
type Field =
  | readonly ['uint64', number, number]
  | readonly ['bool', number, boolean]
  | readonly ['bytes', number, Uint8Array]
  | readonly ['string', number, string]
  | readonly ['message', number, readonly Field[]];

const number = fc.integer({ min: 1, max: 15 });
const whole = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  // Around each place where a varint grows, and where numbers stop being of 32 bits.
  fc
    .tuple(fc.constantFrom(7, 14, 21, 28, 31, 32, 35, 42, 49), fc.constantFrom(-1, 0, 1))
    .map(([bit, offset]) => 2 ** bit + offset),
  fc.constant(Number.MAX_SAFE_INTEGER),
);
const { fields } = fc.letrec<{ fields: Field[]; field: Field }>((tie) => ({
  fields: fc.array(tie('field'), { maxLength: 6 }),
  field: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(fc.constant('uint64' as const), number, whole),
    fc.tuple(fc.constant('bool' as const), number, fc.boolean()),
    fc.tuple(fc.constant('bytes' as const), number, fc.uint8Array({ maxLength: 200 })),
    fc.tuple(
      fc.constant('string' as const),
      number,
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\ud800', '\ufeffname', 'x'.repeat(130))),
    ),
    fc.tuple(fc.constant('message' as const), number, tie('fields')),
  ),
}));

function put(list: readonly Field[], writer: FieldWriter): void {
  for (const [kind, no, value] of list) {
    if (kind === 'uint64') writer.uint64(8 * no, value);
    else if (kind === 'bool') writer.bool(8 * no, value);
    else if (kind === 'bytes') writer.bytes(8 * no + 2, value);
    else if (kind === 'string') writer.string(8 * no + 2, value);
    else writer.message(8 * no + 2, value, put);
  }
}

function putSlowly<W extends IBinaryWriter>(list: readonly Field[], writer: W): W {
  for (const [kind, no, value] of list) {
    if (kind === 'uint64') writer.tag(no, WireType.Varint).uint64(value);
    else if (kind === 'bool') writer.tag(no, WireType.Varint).bool(value);
    else if (kind === 'bytes') writer.tag(no, WireType.LengthDelimited).bytes(value);
    else if (kind === 'string') writer.tag(no, WireType.LengthDelimited).string(value);
    else putSlowly(value, writer.tag(no, WireType.LengthDelimited).fork()).join();
  }
  return writer;
}

describe('the writer', () => {
  it('writes what protobuf-ts writes, into a buffer of just that size', () => {
    fc.assert(
      fc.property(fields, (list) => {
        const bytes = write((all, writer) => put(all, writer), list);
        expect(hex(bytes)).toBe(hex(putSlowly(list, new BinaryWriter()).finish()));
        expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([[-1], [0.5], [Number.NaN], [2 ** 53], ['7'], [undefined]])('refuses %s as a number', (value) => {
    expect(() => new Measure().uint64(8, value as number)).toThrow(/expected a whole number/);
    expect(() => new Measure().varint(value as number)).toThrow(/expected a whole number/);
  });

  it.each([['text'], [[1, 2]], [undefined], [{ byteLength: 3 }]])('refuses %s as bytes', (value) => {
    expect(() => new Measure().bytes(10, value as unknown as Uint8Array)).toThrow(TypeError);
  });

  it('writes nothing past the size that was measured', () => {
    const writer = new Writer(4);
    expect(() => writer.bytes(10, new Uint8Array(3))).toThrow(RangeError);
  });
});

/** All that a reader has to do for the generated functions. */
interface Reading {
  readonly pos: number;
  bool(): boolean;
  bytes(): Uint8Array;
  string(): string;
  uint32(): number;
}

/** protobuf-ts's reader, as strict as ours. */
class SlowReader extends BinaryReader {
  constructor(bytes: Uint8Array) {
    super(bytes, new TextDecoder('utf-8', { ignoreBOM: true }));
  }

  whole(): number {
    const value = super.uint64();
    if (value.hi >>> 0 > 0x1f_ffff) throw new RangeError('too large');
    return value.toNumber();
  }

  override skip(wireType: WireType): Uint8Array {
    if (wireType === WireType.StartGroup || wireType === WireType.EndGroup) throw new RangeError('a group');
    return super.skip(wireType);
  }
}

function value(no: number, reader: Reading, whole: () => number, skip: () => void): unknown {
  if (no === 1) return whole();
  if (no === 2) return reader.bool();
  if (no === 3) return hex(reader.bytes());
  if (no === 4) return reader.string();
  if (no === 5) return reader.uint32();
  return skip();
}

/** The values up to the end, or up to the first one that cannot be read. */
function values(end: number, reader: Reading, next: () => readonly [number, unknown]): unknown[] {
  const list: unknown[] = [];
  try {
    while (reader.pos < end) list.push(next());
    if (reader.pos > end) list.push('an error');
  } catch {
    list.push('an error');
  }
  return list;
}

function get(bytes: Uint8Array, start: number, end: number): unknown[] {
  const reader = new Reader(bytes, start, end);
  return values(end, reader, () => {
    const tag = reader.tag();
    const read = value(
      tag >>> 3,
      reader,
      () => reader.uint64(),
      () => reader.skip(tag),
    );
    return [tag, read];
  });
}

function getSlowly(bytes: Uint8Array): unknown[] {
  const reader = new SlowReader(bytes);
  return values(bytes.byteLength, reader, () => {
    const [no, wireType] = reader.tag();
    const read = value(
      no,
      reader,
      () => reader.whole(),
      () => void reader.skip(wireType),
    );
    return [8 * no + wireType, read];
  });
}

/** Fields, some of them with a byte changed, cut off, or in numbers that are wider than they need be. */
const read = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc
    .array(fc.constantFrom(0x08, 0x10, 0x1a, 0x22, 0x28, 0x80, 0xff, 0x7f, 0x01, 0x00), { maxLength: 40 })
    .map((list) => Uint8Array.from(list)),
  fc.tuple(fields, fc.nat(), fc.nat(255), fc.nat(3), fc.boolean()).map(([list, at, byte, cut, isWhole]) => {
    const bytes = putSlowly(list, new BinaryWriter()).finish();
    if (isWhole || bytes.byteLength === 0) return bytes;
    bytes[at % bytes.byteLength] = byte;
    return bytes.subarray(0, Math.max(0, bytes.byteLength - cut));
  }),
);

describe('the reader', () => {
  it('reads what protobuf-ts reads, and stops where it does, wherever in a buffer', () => {
    fc.assert(
      fc.property(read, fc.nat(5), fc.uint8Array({ maxLength: 12 }), (bytes, before, after) => {
        const expected = getSlowly(bytes);
        expect(get(bytes, 0, bytes.byteLength)).toEqual(expected);
        const within = new Uint8Array(before + bytes.byteLength + after.byteLength);
        within.set(bytes, before);
        within.set(after, before + bytes.byteLength);
        expect(get(within, before, before + bytes.byteLength)).toEqual(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['as views', 65],
    ['of a short buffer as copies', 64],
  ])('gives bytes %s, and all that is left', (_, length) => {
    const bytes = new Uint8Array(length);
    bytes.set([9, 9, 0x1a, 2, 5, 6, 7, 8, 9]);
    const reader = new Reader(bytes, 2, 8);
    expect(reader.tag()).toBe(0x1a);
    const given = reader.bytes();
    expect(hex(given)).toBe('0506');
    expect(given.buffer === bytes.buffer).toBe(length > 64);
    expect(reader.left).toBe(2);
    expect(hex(reader.rest())).toBe('0708');
    expect(reader.left).toBe(0);
  });
});
