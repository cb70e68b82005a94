/** BLAKE2b-256 of many messages. This is the one door to the kernel that hashes three of them at once. */
import { type HashThree, type Message, simdHashThree } from './blake2b/simd.ts';
import type { CryptoProvider } from './provider.ts';

const BLOCK = 128;
/** Three at once take a quarter less than one by one, if they are of one length, and else as long as three of the longest. */
const MAX_RATIO = 1.3;

/** `null` where it does not run; loaded on first use. */
let own: HashThree | null | undefined;

/**
 * The hash of each message, 32 bytes, in their order: by the package's own code where three are of about one length, and
 * by `crypto` else.
 */
export function blake2bEach(
  crypto: Pick<CryptoProvider, 'blake2b'>,
  messages: readonly Message[],
): Uint8Array[];
/** @internal Three at once by what is given, or none. */
export function blake2bEach(
  crypto: Pick<CryptoProvider, 'blake2b'>,
  messages: readonly Message[],
  hashThree?: HashThree | null,
): Uint8Array[];
export function blake2bEach(
  crypto: Pick<CryptoProvider, 'blake2b'>,
  messages: readonly Message[],
  hashThree: HashThree | null = (own ??=
    simdHashThree() ?? null),
): Uint8Array[] {
  const hashOne = (i: number): Uint8Array => crypto.blake2b([messages[i]!.head, messages[i]!.body]);
  if (hashThree === null || messages.length < 3) return messages.map((_, i) => hashOne(i));
  const blocks = messages.map(({ head, body }) => Math.ceil((head.byteLength + body.byteLength) / BLOCK));
  const byLength = messages.map((_, i) => i).sort((a, b) => blocks[a]! - blocks[b]!);
  const hashes: Uint8Array[] = [];
  while (byLength.length > 0) {
    const c = byLength.pop()!;
    const [a, b] = byLength.slice(-2);
    if (a === undefined || b === undefined || blocks[c]! > MAX_RATIO * blocks[a]!) {
      hashes[c] = hashOne(c);
      continue;
    }
    byLength.length -= 2;
    [hashes[a], hashes[b], hashes[c]] = hashThree([messages[a]!, messages[b]!, messages[c]!]);
  }
  return hashes;
}
