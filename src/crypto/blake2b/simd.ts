/** BLAKE2b-256 of three messages at once, in WASM with 128-bit SIMD. `generate.mjs` says what its code does. */
import { instantiate } from '../wasm/instance.ts';
import { code } from './simd-code.ts';

const BLOCK = 128;
/** Where the first of three windows is, and how long each is. */
const WINDOWS = 2048;
const WINDOW = 16_384;
const STEP = 16;
/** Where the hashes of messages that begin are: eight words, {@link STEP} apart. */
const BEGIN = 512;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  compress(blocks: number): void;
}

/** What is hashed: `head`, which is short, and then `body`. */
export interface Message {
  /** At most 128 bytes. */
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** The hashes of three messages, 32 bytes each. It takes as long as three of the longest would. */
export type HashThree = (
  messages: readonly [Message, Message, Message],
) => [Uint8Array, Uint8Array, Uint8Array];

/** Where a message's words are, {@link STEP} apart: those of its hash, the bytes before a block, the flag of the last one. */
const hashAt = (message: number): number => (message < 2 ? 8 * message : 10 * STEP);
const bytesAt = (message: number): number => hashAt(message) + 8 * STEP;
const lastAt = (message: number): number => hashAt(message) + 9 * STEP;
const windowAt = (message: number): number => WINDOWS + WINDOW * message;

/** `undefined` where there is no WASM, none with SIMD, or a Content-Security-Policy forbids it. */
export function simdHashThree(): HashThree | undefined {
  const exports = instantiate(code) as Exports | undefined;
  if (exports === undefined) return undefined;
  const { memory, compress } = exports;
  const heap = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);

  /** Copies `count` bytes of a message, from `at` on, into its window; zeros past its end. */
  const fill = ({ head, body }: Message, at: number, count: number, window: number): void => {
    // All of the head is in the first block.
    const headBytes = at === 0 ? head.byteLength : 0;
    if (at === 0) heap.set(head, window);
    const from = at + headBytes - head.byteLength;
    const taken = body.subarray(from, from + count - headBytes);
    heap.set(taken, window + headBytes);
    const end = headBytes + taken.byteLength;
    if (end < count) heap.fill(0, window + end, window + count);
  };

  const begin = (): void => {
    // With the first comes the second, which is beside it.
    for (const message of [0, 2]) {
      heap.copyWithin(hashAt(message), BEGIN, BEGIN + 8 * STEP);
      heap.fill(0, bytesAt(message), lastAt(message) + STEP);
    }
  };

  const hashOf = (message: number): Uint8Array => {
    const hash = new Uint8Array(32);
    const from = hashAt(message);
    for (let i = 0; i < 32; i++) hash[i] = heap[from + STEP * (i >> 3) + (i & 7)]!;
    return hash;
  };

  return (messages) => {
    const hashes: (Uint8Array | undefined)[] = [undefined, undefined, undefined];
    const lengths = messages.map(({ head, body }) => head.byteLength + body.byteLength);
    begin();
    for (let at = 0; hashes.includes(undefined); ) {
      // The last block of a message has a flag, so that it is taken alone.
      let blocks = WINDOW / BLOCK;
      for (let i = 0; i < 3; i++)
        if (hashes[i] === undefined)
          blocks = Math.min(blocks, Math.max(1, Math.ceil((lengths[i]! - at) / BLOCK) - 1));
      const end = at + blocks * BLOCK;
      for (let i = 0; i < 3; i++) {
        if (hashes[i] !== undefined) continue;
        fill(messages[i]!, at, end - at, windowAt(i));
        if (lengths[i]! > end) continue;
        // Of which the kernel counts a full block.
        view.setBigInt64(bytesAt(i), BigInt(lengths[i]! - BLOCK), true);
        view.setBigInt64(lastAt(i), -1n, true);
      }
      compress(blocks);
      for (let i = 0; i < 3; i++) if (hashes[i] === undefined && lengths[i]! <= end) hashes[i] = hashOf(i);
      at = end;
    }
    return hashes as [Uint8Array, Uint8Array, Uint8Array];
  };
}
