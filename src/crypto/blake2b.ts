/** BLAKE2b-256 of many messages. This is the one door to the kernel that hashes two of them at once. */
import { type HashPair, type Message, simdHashPair } from './blake2b/simd.ts';
import type { CryptoProvider } from './provider.ts';

const BLOCK = 128;
/** Two at once take as long as two of the longer one. From so many blocks on, up to this ratio, that is a tenth less. */
const MIN_BLOCKS = 4;
const MAX_RATIO = 1.5;

/** `null` where it does not run; loaded on first use. */
let own: HashPair | null | undefined;

/**
 * The hash of each message, 32 bytes, in their order. Where two of some 400 bytes or more are of about one length, it is
 * the package's own code that hashes them, and else `crypto`. `hashPair`: two at once by this, or `null`, by none.
 */
export function blake2bEach(
  crypto: Pick<CryptoProvider, 'blake2b'>,
  messages: readonly Message[],
  hashPair?: HashPair | null,
): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  const blocks = messages.map(({ head, body }) => Math.ceil((head.byteLength + body.byteLength) / BLOCK));
  const long = messages.map((_, i) => i).filter((i) => blocks[i]! >= MIN_BLOCKS);
  const pair = long.length < 2 ? null : hashPair === undefined ? ownHashPair() : hashPair;
  if (pair !== null) {
    long.sort((a, b) => blocks[a]! - blocks[b]!);
    while (long.length >= 2) {
      const b = long.pop()!;
      const a = long.at(-1)!;
      if (blocks[b]! > MAX_RATIO * blocks[a]!) continue;
      long.pop();
      [hashes[a], hashes[b]] = pair([messages[a]!, messages[b]!]);
    }
  }
  messages.forEach(({ head, body }, i) => {
    hashes[i] ??= crypto.blake2b([head, body]);
  });
  return hashes;
}

function ownHashPair(): HashPair | null {
  // Not `??=`: that it does not run is remembered too.
  if (own === undefined) own = simdHashPair() ?? null;
  return own;
}
