/**
 * `hypercore-wire/crypto/noble`: a crypto provider in plain JavaScript, for pages that may not run WASM and for
 * small bundles. It accepts exactly the signatures that libsodium accepts.
 *
 * @module hypercore-wire/crypto/noble
 */
import { getPublicKey, hashes, Point, sign } from '@noble/ed25519';
import { blake2b } from '@noble/hashes/blake2.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat } from 'uint8arrays/concat';
import { equals } from 'uint8arrays/equals';
import { assertBytes } from '../errors.ts';
import { toHex } from './hex.ts';
import type { CryptoProvider } from './provider.ts';
import { randomBytes } from './random-bytes.ts';

/** The provider on `@noble/ed25519` and `@noble/hashes`; pass it as `crypto`. */
export const noble: CryptoProvider = {
  blake2b(parts, key) {
    const hash = blake2b.create(key === undefined ? { dkLen: 32 } : { dkLen: 32, key });
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  randomBytes,
  keyPair(seed = randomBytes(32)) {
    assertBytes('seed', seed, 32);
    giveHash();
    const publicKey = getPublicKey(seed);
    return { publicKey, secretKey: concat([seed, publicKey]) };
  },
  sign(message, secretKey) {
    assertBytes('secretKey', secretKey, 64);
    giveHash();
    return sign(message, secretKey.subarray(0, 32));
  },
  verify(signature, message, publicKey) {
    if (signature.byteLength !== 64 || publicKey.byteLength !== 32) return false;
    try {
      return isSigned(signature, message, publicKey);
    } catch {
      // noble throws for bytes that are no point of the curve, and for an S of the group's order or more.
      return false;
    }
  },
};

/**
 * RFC 8032, 5.1.7, as strict as libsodium: the equation without the cofactor, R compared as bytes, and no points
 * of small order. noble's own `verify` multiplies by the cofactor, and so takes signatures that libsodium refuses.
 */
function isSigned(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const key = Point.fromBytes(publicKey);
  if (key.isSmallOrder()) return false;
  const k = littleEndian(sha512(concat([r, publicKey, message]))) % Point.CURVE().n;
  const expected = Point.BASE.multiply(littleEndian(signature.subarray(32)), false).subtract(
    key.multiply(k, false),
  );
  return !expected.isSmallOrder() && equals(expected.toBytes(), r);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

/** noble signs with the hash that it is given. Given on use, so that importing this module does nothing. */
function giveHash(): void {
  hashes.sha512 ??= sha512;
}
