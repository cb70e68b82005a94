/** What the app's `keys` answers. */
import { equals } from 'uint8arrays/equals';
import { discoveryKey } from '../crypto/discovery-key.ts';
import { parseKey } from '../crypto/hex.ts';
import { after, type MaybePromise } from '../stream/stage.ts';
import type { Settings } from './options.ts';

/**
 * The key of the feed that was asked for, checked; `undefined` where it is not known here. Answers at once where
 * `keys` does.
 * @throws TypeError where it is another feed's.
 */
export function findKey(
  { keys, crypto }: Pick<Settings, 'keys' | 'crypto'>,
  asked: Uint8Array,
): MaybePromise<Uint8Array | undefined> {
  const check = (found: Uint8Array | string | undefined): Uint8Array | undefined => {
    if (found === undefined) return undefined;
    const key = parseKey(found);
    if (!equals(discoveryKey(crypto, key), asked)) {
      throw new TypeError('"keys" expected the key of the feed that was asked for, got another feed\'s');
    }
    return key;
  };
  return after(keys?.(asked), check);
}
