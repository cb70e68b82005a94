/**
 * libsodium's BLAKE2b, called in its own memory: the parts are copied straight to where they are hashed. Its wrapper
 * takes one array, and allocates twice for each call, which costs more than the hash of a tree node.
 */
import type { CryptoProvider } from './provider.ts';

/** The compiled module below `libsodium-wrappers`: its memory, and functions that take addresses in it. */
export interface RawSodium {
  /** Another array once the memory has grown. */
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** A length takes two numbers, the lower 32 bits first. 0 where it could hash. */
  _crypto_generichash(
    hash: number,
    hashBytes: number,
    message: number,
    messageBytes: number,
    messageBytesHigh: number,
    key: number,
    keyBytes: number,
  ): number;
}

const HASH_BYTES = 32;
const MAX_KEY_BYTES = 64;
/** What is kept to copy into: room for a block of 64 KiB. Longer ones get their own for the time being. */
const KEPT_BYTES = 131_072;

/** The provider's `blake2b` on `sodium`. Keeps some of its memory for as long as the program runs. */
export function blake2b(sodium: RawSodium): CryptoProvider['blake2b'] {
  const kept = sodium._malloc(HASH_BYTES + MAX_KEY_BYTES + KEPT_BYTES);
  const keyAt = kept + HASH_BYTES;
  const keptAt = keyAt + MAX_KEY_BYTES;
  return (parts, key) => {
    const keyBytes = key?.byteLength ?? 0;
    if (key !== undefined && (keyBytes === 0 || keyBytes > MAX_KEY_BYTES))
      throw new RangeError(`"key" expected 1 to ${MAX_KEY_BYTES} bytes, got ${keyBytes}`);
    let bytes = 0;
    for (const part of parts) bytes += part.byteLength;
    const messageAt = bytes > KEPT_BYTES ? sodium._malloc(bytes) : keptAt;
    try {
      const heap = sodium.HEAPU8;
      let at = messageAt;
      for (const part of parts) {
        heap.set(part, at);
        at += part.byteLength;
      }
      if (key !== undefined) heap.set(key, keyAt);
      const failed = sodium._crypto_generichash(kept, HASH_BYTES, messageAt, bytes, 0, keyAt, keyBytes);
      if (failed !== 0) throw new Error(`libsodium could not hash ${bytes} bytes`);
      return heap.slice(kept, kept + HASH_BYTES);
    } finally {
      if (messageAt !== keptAt) sodium._free(messageAt);
    }
  };
}
