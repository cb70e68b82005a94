/** Between the values of an app and the bytes of an extension message. */

/** Any object with these two will do. `decode` throws for bytes that are none of its own; they are reported. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** The bytes as they are, in a copy: what arrives is a view of a received chunk, on Node a Buffer, whose slices are views. */
export const raw: Codec<Uint8Array> = {
  encode: (bytes) => bytes,
  decode: (bytes) => new Uint8Array(bytes),
};

interface Text {
  TextEncoder: new () => { encode(text: string): Uint8Array };
  TextDecoder: new (encoding: string, options: { fatal: boolean }) => { decode(bytes: Uint8Array): string };
}

/** UTF-8 JSON. What arrives has the type that is asked for only if the remote is honest: check it. */
export function json<T>(): Codec<T> {
  const { TextEncoder, TextDecoder } = globalThis as unknown as Text;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return {
    encode(value) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`"value" expected what JSON can say, got ${typeof value}`);
      return encoder.encode(text);
    },
    decode: (bytes) => JSON.parse(decoder.decode(bytes)) as T,
  };
}

/** A message type as `@protobuf-ts/plugin` and others generate it. */
export interface ProtobufType<T> {
  toBinary(message: T): Uint8Array;
  fromBinary(bytes: Uint8Array): T;
}

/** Protobuf, by a generated message type. */
export function protobuf<T>(type: ProtobufType<T>): Codec<T> {
  return {
    encode: (message) => type.toBinary(message),
    decode: (bytes) => type.fromBinary(new Uint8Array(bytes)),
  };
}
