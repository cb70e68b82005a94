/** The kernel in WASM with 128-bit SIMD, four blocks at a time. `generate.mjs` says what its code does. */
import { instantiate } from '../wasm/instance.ts';
import { GROUP, type Kernel, WINDOW } from './kernel.ts';
import { code } from './simd-code.ts';

const INPUT = 64;
/** Where the window is. */
const START = 64;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  xor(bytes: number, counterLow: number, counterHigh: number): void;
}

/** `undefined` where there is no WASM, none with SIMD, or a Content-Security-Policy forbids it. */
export function simdKernel(): Kernel | undefined {
  const exports = instantiate(code) as Exports | undefined;
  if (exports === undefined) return undefined;
  const { memory, xor } = exports;
  const inputBlock = new Uint8Array(memory.buffer, 0, INPUT);
  return {
    window: new Uint8Array(memory.buffer, START, WINDOW),
    group: new Uint8Array(memory.buffer, START, GROUP),
    xor(input, block, count) {
      inputBlock.set(input);
      // WASM takes the low 32 bits of a number.
      xor(count, block, block / 2 ** 32);
    },
  };
}
