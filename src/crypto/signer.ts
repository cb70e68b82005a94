/**
 * Signing what is not a feed's. A feed's key signs the hash of its tree: 32 bytes in hypercore 6 to 8, 40 in
 * hypercore 9. Who could make the holder of a key sign 32 or 40 bytes of their choice could forge the feed. So what
 * is signed here is a statement: a block of 64 bytes that says what it is about, and then the rest.
 */
import { concat } from 'uint8arrays/concat';
import { assertBytes } from '../errors.ts';
import type { CryptoProvider, KeyPair } from './provider.ts';

/** Bytes of the block at the front of a statement. */
export const CONTEXT_BYTES = 64;

/** Signs statements with one key. */
export interface Signer {
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array;
  /**
   * 64 bytes, Ed25519.
   * @throws RangeError for anything shorter than 64 bytes, and so for all that a feed may sign.
   */
  sign(statement: Uint8Array): Uint8Array;
}

/**
 * A statement: `context` in ASCII, filled up with zeros to 64 bytes, and `parts` behind it.
 * @throws RangeError for a context of more than 63 bytes, or none.
 */
export function statement(context: string, ...parts: readonly Uint8Array[]): Uint8Array {
  if (context === '' || context.length >= CONTEXT_BYTES) {
    throw new RangeError(`"context" expected 1 to ${CONTEXT_BYTES - 1} characters, got ${context.length}`);
  }
  const block = new Uint8Array(CONTEXT_BYTES);
  for (let i = 0; i < context.length; i++) block[i] = context.charCodeAt(i);
  return concat([block, ...parts]);
}

/** A signer that holds a key pair. */
export function signer(crypto: CryptoProvider, { publicKey, secretKey }: KeyPair): Signer {
  assertBytes('keyPair.publicKey', publicKey, 32);
  assertBytes('keyPair.secretKey', secretKey, 64);
  return {
    publicKey,
    sign(message) {
      assertBytes('statement', message);
      if (message.byteLength < CONTEXT_BYTES) {
        throw new RangeError(
          `"statement" expected at least ${CONTEXT_BYTES} bytes, got ${message.byteLength}: a feed signs hashes of 32 and 40 bytes, and no key may be made to sign what could pass as one`,
        );
      }
      return crypto.sign(message, secretKey);
    },
  };
}
