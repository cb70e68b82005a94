/** The kernel in plain JavaScript, for where WASM may not run or has no SIMD. */
import { salsa20 } from '@noble/ciphers/salsa.js';
import { GROUP, type Kernel, WINDOW } from './kernel.ts';

const BLOCK = 64;
/** noble counts blocks in 32 bits, and does not give the last one. */
const MAX_BLOCKS = 2 ** 32 - 1;

/** Its keystreams end after 256 GiB. */
export function plainKernel(): Kernel {
  const window = new Uint8Array(WINDOW);
  const key = new Uint8Array(32);
  return {
    window,
    group: window.subarray(0, GROUP),
    /** @throws RangeError at the end of the keystream. */
    xor(input, block, bytes) {
      if (block + bytes / BLOCK > MAX_BLOCKS) {
        throw new RangeError(
          'a keystream ends after 256 GiB where there is no WASM with SIMD: connect again',
        );
      }
      key.set(input.subarray(4, 20));
      key.set(input.subarray(44, 60), 16);
      const part = window.subarray(0, bytes);
      salsa20(key, input.subarray(24, 32), part, part, block);
    },
  };
}
