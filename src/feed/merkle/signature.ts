/** What the feed's key signs: the hash of a tree. */
import { concat } from 'uint8arrays/concat';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import { u64be } from './hash.ts';

/** Whether the feed's key signed a tree hash. Hypercore up to 8 signs the tree hash; hypercore 9 signs it with the length behind it. */
export function verifySignature(
  crypto: CryptoProvider,
  key: Uint8Array,
  signature: Uint8Array,
  hash: Uint8Array,
  length: number,
): MaybePromise<boolean> {
  // Strictly `true`: a truthy value from a faulty provider must not open the feed.
  return after(crypto.verify(signature, hash, key), (valid) => {
    if (valid === true) return true;
    const withLength = crypto.verify(signature, concat([hash, u64be(length)]), key);
    return after(withLength, (isValid) => isValid === true);
  });
}
