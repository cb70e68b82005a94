/** What makes keystream: WASM where the runtime has it with SIMD, plain JavaScript everywhere else. */
import { plainKernel } from './plain.ts';
import { simdKernel } from './simd.ts';

/** Bytes of a group of blocks, which a kernel makes at once. */
export const GROUP = 256;

/** One window of memory, which all keystreams share, and what enciphers it. */
export interface Kernel {
  /** Where the bytes are that `xor` works on; a multiple of {@link GROUP}. Nothing in it lasts until the next call. */
  readonly window: Uint8Array;
  /**
   * XORs the first `bytes` of the window, a multiple of {@link GROUP}, with the keystream from block `block` on.
   * `input` is the input block of Salsa20: constants, key and nonce, and zeros for the counter.
   */
  xor(input: Uint8Array, block: number, bytes: number): void;
}

let chosen: Kernel | undefined;

/** The fastest that runs here; loaded on first use. */
export function kernel(): Kernel {
  chosen ??= simdKernel() ?? plainKernel();
  return chosen;
}
