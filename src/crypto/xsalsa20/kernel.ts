/** What makes keystream: in WASM (`simd.ts`) where the runtime has it with SIMD, in plain JavaScript everywhere else. */

/** Bytes of a group of blocks, which a kernel makes at once. */
export const GROUP = 256;
/** Bytes of a window. Small enough that what is copied in and out stays in the processor's nearest cache. */
export const WINDOW: number = 64 * GROUP;

/** One window of memory, which all keystreams share, and what enciphers it. */
export interface Kernel {
  /** Where the {@link WINDOW} bytes are that `xor` works on. Nothing in it lasts until the next call. */
  readonly window: Uint8Array;
  /** The first {@link GROUP} of them: a view takes as long to make as the keystream in it. */
  readonly group: Uint8Array;
  /**
   * XORs the first `bytes` of the window, a multiple of {@link GROUP}, with the keystream from block `block` on.
   * `input` is the input block of Salsa20: constants, key and nonce, and zeros for the counter.
   */
  xor(input: Uint8Array, block: number, bytes: number): void;
}
