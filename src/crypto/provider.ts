/**
 * The crypto seam: the primitives that the protocol asks for, behind one small interface. The default is
 * libsodium (`libsodium.ts`, loaded on first use); `noble.ts` is another, and an app may bring its own.
 */
import type { MaybePromise } from '../stream/stage.ts';

/** An Ed25519 key pair. */
export interface KeyPair {
  /** 32 bytes; also the feed's key. */
  readonly publicKey: Uint8Array;
  /** 64 bytes: seed, then public key. */
  readonly secretKey: Uint8Array;
}

/** The keystream of one direction, with a position. */
export interface Keystream {
  /** Enciphers or deciphers `bytes` in place, from where the last call stopped. */
  xor(bytes: Uint8Array): void;
}

/** Hashing is synchronous; `verify` may take its time, since some platforms only have it that way. */
export interface CryptoProvider {
  /**
   * BLAKE2b-256 over the concatenation of `parts`; keyed where `key` (1 to 64 bytes) is given. 32 bytes. Blocks that come
   * together are hashed by the package's own WASM, two at a time, where they have some 400 bytes or more and it runs.
   */
  blake2b(parts: readonly Uint8Array[], key?: Uint8Array): Uint8Array;
  /** `length` bytes from the platform's secure random source. */
  randomBytes(length: number): Uint8Array;
  /** An Ed25519 pair: from a 32-byte seed, or a fresh one. */
  keyPair(seed?: Uint8Array): KeyPair;
  /** Ed25519 signature, 64 bytes, with a 64-byte secret key. */
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /** Whether `signature` is the holder of `publicKey`'s over `message`. A wrong length is a plain false. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): MaybePromise<boolean>;
  /** XSalsa20 from the start: key 32 bytes, nonce 24. Where a provider has none, the package's own is used. */
  keystream?(key: Uint8Array, nonce: Uint8Array): Keystream;
}
