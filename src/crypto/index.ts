/**
 * `hypercore-wire/crypto`: the provider seam, its default, and the cipher.
 *
 * @module hypercore-wire/crypto
 */
export { cipher } from './cipher.ts';
export { discoveryKey } from './discovery-key.ts';
export { parseKey, toHex } from './hex.ts';
export { libsodium } from './libsodium.ts';
export type { CryptoProvider, KeyPair, Keystream } from './provider.ts';
export { XSalsa20 } from './xsalsa20.ts';
