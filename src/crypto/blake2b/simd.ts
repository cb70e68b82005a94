/** BLAKE2b-256 of three messages at once, in WASM with 128-bit SIMD. `generate.mjs` says what its code does. */
import { instantiate } from '../wasm/instance.ts';
import { code } from './simd-code.ts';

const BLOCK = 128;
const WINDOW = 16_384;
/** Where the state of three messages that begin is, and how long. */
const BEGIN = 256;
const STATE_BYTES = 240;

/** Where a message's window and state are: the words of that `step` apart, the bytes before a block, the last one's flag. */
interface State {
  readonly window: number;
  readonly words: number;
  readonly step: number;
  readonly bytes: number;
  readonly last: number;
}

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

function stateOf(message: 0 | 1 | 2): State {
  const window = 2048 + WINDOW * message;
  if (message === 2) return { window, words: 160, step: 8, bytes: 224, last: 232 };
  return { window, words: 8 * message, step: 16, bytes: 128 + 8 * message, last: 144 + 8 * message };
}

/** `undefined` where there is no WASM, none with SIMD, or a Content-Security-Policy forbids it. */
export function simdHashThree(): HashThree | undefined {
  const exports = instantiate(code) as Exports | undefined;
  if (exports === undefined) return undefined;
  const { memory, compress } = exports;
  const heap = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  const states = [stateOf(0), stateOf(1), stateOf(2)];

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

  const read = ({ words, step }: State): Uint8Array => {
    const hash = new Uint8Array(32);
    for (let i = 0; i < 32; i++) hash[i] = heap[words + step * (i >> 3) + (i & 7)]!;
    return hash;
  };

  return (messages) => {
    const hashes: (Uint8Array | undefined)[] = [undefined, undefined, undefined];
    const lengths = messages.map(({ head, body }) => head.byteLength + body.byteLength);
    heap.copyWithin(0, BEGIN, BEGIN + STATE_BYTES);
    for (let at = 0; hashes.includes(undefined); ) {
      // The last block of a message has a flag, so that it is taken alone.
      let blocks = WINDOW / BLOCK;
      for (let i = 0; i < 3; i++)
        if (hashes[i] === undefined)
          blocks = Math.min(blocks, Math.max(1, Math.ceil((lengths[i]! - at) / BLOCK) - 1));
      const end = at + blocks * BLOCK;
      for (let i = 0; i < 3; i++) {
        if (hashes[i] !== undefined) continue;
        fill(messages[i]!, at, end - at, states[i]!.window);
        if (lengths[i]! > end) continue;
        // Of which the kernel counts a full block.
        view.setBigInt64(states[i]!.bytes, BigInt(lengths[i]! - BLOCK), true);
        view.setBigInt64(states[i]!.last, -1n, true);
      }
      compress(blocks);
      for (let i = 0; i < 3; i++)
        if (hashes[i] === undefined && lengths[i]! <= end) hashes[i] = read(states[i]!);
      at = end;
    }
    return hashes as [Uint8Array, Uint8Array, Uint8Array];
  };
}
