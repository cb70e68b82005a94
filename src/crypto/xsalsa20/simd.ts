/** The kernel in WASM with 128-bit SIMD, five blocks at a time. `generate.mjs` says what its code does. */
import { GROUP, type Kernel, WINDOW } from './kernel.ts';
import { code } from './simd-code.ts';

const INPUT = 64;
/** Where the window is. */
const START = 128;

/** What it takes of the platform, which may be missing. */
interface Platform {
  readonly WebAssembly: {
    validate(code: Uint8Array): boolean;
    readonly Module: new (code: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: unknown };
  };
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  xor(bytes: number, counterLow: number, counterHigh: number): void;
}

/** `undefined` where there is no WASM, none with SIMD, or a Content-Security-Policy forbids it. */
export function simdKernel(): Kernel | undefined {
  try {
    const { WebAssembly } = globalThis as unknown as Platform;
    const bytes = Uint8Array.from(code.match(/../g)!, (pair) => Number.parseInt(pair, 16));
    if (!WebAssembly.validate(bytes)) return undefined;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const { memory, xor } = exports as Exports;
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
  } catch {
    return undefined;
  }
}
