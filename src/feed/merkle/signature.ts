/** What the feed's key signs: the hash of a tree. */
import { concat } from 'uint8arrays/concat';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import { u64be } from './hash.ts';

/** Whether the feed's key signed a tree hash. Hypercore up to 8 signs the tree hash; hypercore 9 signs it with the length behind it. */
export function verifySignature(
  crypto: CryptoProvider,
  key: Uint8Array,
  signature: Uint8Array,
  hash: Uint8Array,
  length: number,
): MaybePromise<boolean> {
  return after(
    crypto.verify(signature, hash, key),
    (valid) => valid === true || crypto.verify(signature, concat([hash, u64be(length)]), key),
  );
}

/** Continues at once with a plain value, else when the promise resolves. Accepts any thenable. */
export function after<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return typeof value === 'object' && value !== null && 'then' in value ? value.then(next) : next(value);
}
