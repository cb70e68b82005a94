/** BLAKE2b-256 of two messages at once, in WASM with 128-bit SIMD. `generate.mjs` says what its code does. */
import { instantiate } from '../wasm/instance.ts';
import { code } from './simd-code.ts';

const BLOCK = 128;
/** Where the first of two windows is, and how long each is. */
const WINDOWS = 1024;
const WINDOW = 16_384;
/** From a word of a message to its next one; between them is that of the other message, eight bytes on. */
const STEP = 16;
/** Behind the hash, whose eight words are from 0 on: the bytes of the blocks so far, and the bytes of all. */
const COUNTED = 8 * STEP;
const LENGTH = 9 * STEP;
/** The eight words of messages that begin. */
const BEGIN = 256;

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

/** The hashes of two messages, 32 bytes each. It takes as long as two of the longer one would. */
export type HashPair = (messages: readonly [Message, Message]) => [Uint8Array, Uint8Array];

/** `undefined` where there is no WASM, none with SIMD, or a Content-Security-Policy forbids it. */
export function simdHashPair(): HashPair | undefined {
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

  const begin = (lengths: readonly number[]): void => {
    heap.copyWithin(0, BEGIN, BEGIN + COUNTED);
    heap.fill(0, COUNTED, LENGTH);
    lengths.forEach((length, i) => {
      view.setUint32(LENGTH + 8 * i, length, true);
      view.setUint32(LENGTH + 8 * i + 4, length / 2 ** 32, true);
    });
  };

  const hashOf = (message: number): Uint8Array => {
    const hash = new Uint8Array(32);
    for (let i = 0; i < 32; i++) hash[i] = heap[8 * message + STEP * (i >> 3) + (i & 7)]!;
    return hash;
  };

  return (messages) => {
    const hashes: (Uint8Array | undefined)[] = [undefined, undefined];
    const lengths = messages.map(({ head, body }) => head.byteLength + body.byteLength);
    begin(lengths);
    for (let at = 0; hashes.includes(undefined); ) {
      // To the end of a window, or of a message: its hash is there then, and would be overwritten.
      let count = WINDOW;
      for (let i = 0; i < 2; i++)
        if (hashes[i] === undefined) count = Math.min(count, Math.max(1, lengths[i]! - at));
      const blocks = Math.ceil(count / BLOCK);
      for (let i = 0; i < 2; i++)
        if (hashes[i] === undefined) fill(messages[i]!, at, blocks * BLOCK, WINDOWS + WINDOW * i);
      compress(blocks);
      at += blocks * BLOCK;
      for (let i = 0; i < 2; i++) if (hashes[i] === undefined && lengths[i]! <= at) hashes[i] = hashOf(i);
    }
    return hashes as [Uint8Array, Uint8Array];
  };
}
