/** BLAKE2b-256 of many messages. This is the one door to the kernel that hashes three of them at once. */
import { type HashThree, type Message, simdHashThree } from './blake2b/simd.ts';
import type { CryptoProvider } from './provider.ts';

const BLOCK = 128;
/** Blocks from which on three at once take less time, an eighth or more, than one by one. */
const MIN_BLOCKS = 16;
/** They take as long as three of the longest. */
const MAX_RATIO = 1.15;

/** `null` where it does not run; loaded on first use. */
let own: HashThree | null | undefined;

/**
 * The hash of each message, 32 bytes, in their order. Where three of 2 KiB or more are of about one length, it is the
 * package's own code that hashes them, and else `crypto`. `hashThree`: three at once by this, or `null`, by none.
 */
export function blake2bEach(
  crypto: Pick<CryptoProvider, 'blake2b'>,
  messages: readonly Message[],
  hashThree?: HashThree | null,
): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  const blocks = messages.map(({ head, body }) => Math.ceil((head.byteLength + body.byteLength) / BLOCK));
  const long = messages.map((_, i) => i).filter((i) => blocks[i]! >= MIN_BLOCKS);
  const three = long.length < 3 ? null : hashThree === undefined ? ownHashThree() : hashThree;
  if (three !== null) {
    long.sort((a, b) => blocks[a]! - blocks[b]!);
    while (long.length >= 3) {
      const c = long.pop()!;
      const [a, b] = long.slice(-2) as [number, number];
      if (blocks[c]! > MAX_RATIO * blocks[a]!) continue;
      long.length -= 2;
      [hashes[a], hashes[b], hashes[c]] = three([messages[a]!, messages[b]!, messages[c]!]);
    }
  }
  messages.forEach(({ head, body }, i) => {
    hashes[i] ??= crypto.blake2b([head, body]);
  });
  return hashes;
}

function ownHashThree(): HashThree | null {
  // Not `??=`: that it does not run is remembered too.
  if (own === undefined) own = simdHashThree() ?? null;
  return own;
}
