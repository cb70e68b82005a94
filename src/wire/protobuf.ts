/** Between the bytes of a protobuf message and what the generated functions make of them. */
import { BinaryReader, BinaryWriter, type PbULong, WireType } from '@protobuf-ts/runtime';

/**
 * Fields of one message, those of its nodes included: a proof of 128 nodes has some 520, a Handshake as many
 * as extension names. 8 MiB of empty fields would take seconds and hundreds of megabytes to read.
 */
const MAX_FIELDS = 2048;

/** As strict as the reference, or stricter: no groups, no number over 2^53-1, no fields without end. */
class StrictReader extends BinaryReader {
  #fields = 0;

  override tag(): [number, WireType] {
    this.#fields++;
    if (this.#fields > MAX_FIELDS) throw new RangeError(`it has more than ${MAX_FIELDS} fields`);
    return super.tag();
  }

  override uint64(): PbULong {
    const value = super.uint64();
    // The upper half is signed: by itself protobuf-ts would make -1 of 2^64-1.
    if (value.hi >>> 0 > 0x1f_ffff) throw new RangeError('a number is over 2^53-1');
    return value;
  }

  override skip(wireType: WireType): Uint8Array {
    if (wireType === WireType.StartGroup || wireType === WireType.EndGroup)
      throw new RangeError('a group field');
    return super.skip(wireType);
  }
}

type Text = NonNullable<ConstructorParameters<typeof BinaryReader>[1]>;
type TextDecoders = { TextDecoder: new (encoding: string, options: { ignoreBOM: boolean }) => Text };
let text: Text | undefined;

/** Replaces invalid UTF-8 in an extension name; protobuf-ts would by default reject the whole Handshake. */
function lenientText(): Text {
  text ??= new (globalThis as unknown as TextDecoders).TextDecoder('utf-8', { ignoreBOM: true });
  return text;
}

/** The bytes of a message. A field is on the wire where it is given, also 0 and false. */
export function write<T>(to: (message: T, writer: BinaryWriter) => unknown, message: T): Uint8Array {
  const writer = new BinaryWriter();
  to(message, writer);
  return writer.finish();
}

/** A message of its bytes. @throws RangeError, Error for what breaks the schema. */
export function read<T>(from: (reader: BinaryReader, length: number) => T, payload: Uint8Array): T {
  return from(new StrictReader(payload, lenientText()), payload.byteLength);
}

/** @throws RangeError where a field that a message cannot do without is missing. */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new RangeError(`the field ${name} is missing`);
  return value;
}

/** @throws RangeError for another length. */
export function sized(name: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.byteLength !== length)
    throw new RangeError(`${name} has ${bytes.byteLength} bytes instead of ${length}`);
  return bytes;
}
