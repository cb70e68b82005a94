/** The name under which two peers ask each other for a feed without giving its key away. */
import { assertBytes } from '../errors.ts';
import type { CryptoProvider } from './provider.ts';

const NAMESPACE: Uint8Array = Uint8Array.from('hypercore', (character) => character.charCodeAt(0));

/**
 * The discovery key of a feed: BLAKE2b-256 over the ASCII bytes `hypercore`, keyed with the feed's key.
 *
 * @param key the feed's key, 32 bytes
 * @returns 32 bytes (hypercore 7 wire: Feed.discoveryKey)
 * @throws TypeError, RangeError when `key` is not 32 bytes
 */
export function discoveryKey(crypto: CryptoProvider, key: Uint8Array): Uint8Array {
  assertBytes('key', key, 32);
  return crypto.blake2b([NAMESPACE], key);
}
