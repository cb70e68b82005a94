/** Between the bytes of a protobuf message and what the generated functions make of them. */
import { Reader } from './reader.ts';
import { Measure, type WriteFields, Writer } from './writer.ts';

/** The bytes of a message. A field is on the wire where it is given, also 0 and false. */
export function write<T>(fields: WriteFields<T>, message: T): Uint8Array {
  const measure = new Measure();
  fields(message, measure);
  const writer = new Writer(measure.length);
  fields(message, writer);
  return writer.target;
}

/** A message of its bytes. @throws RangeError for what breaks the schema. */
export function read<T>(fields: (reader: Reader, length: number) => T, payload: Uint8Array): T {
  return fields(new Reader(payload), payload.byteLength);
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
